// The pages work without this. It keeps what is shown up to date and says times on hover.
"use strict";
(() => {
  const main = document.querySelector("main");

  // What is shown is true as of `fresh`; when newer figures cannot be had, a banner says so.
  const banner = document.querySelector("[data-banner]");
  const period = 1000 * (main?.dataset.refreshS || 5);
  let fresh = Date.now();
  function tell(why) {
    const late = why && Date.now() - fresh > 2 * period;
    for (const dot of document.querySelectorAll("[data-livedot]")) {
      dot.toggleAttribute("data-live-now", !why);
      dot.classList.toggle("lost", Boolean(late));
      dot.querySelector("[data-liveword]").textContent = why ? "not live · " : "live · ";
    }
    document.body.classList.toggle("stale", Boolean(late));
    if (!late) { banner.hidden = true; return; }
    const text = `${why} What is shown is of ${new Date(fresh).toLocaleTimeString()}.`;
    if (banner.textContent !== text) banner.textContent = text;
    banner.hidden = false;
  }
  function reason(answer) {
    if (answer.redirected || answer.status === 401) return "You are signed out: load the page again to sign in.";
    return `The worker has no newer figures for you (${answer.status}).`;
  }

  // Whatever has data-live is replaced by its newer self; who uses a part of it goes on there.
  const SAME = (a, b) => a.tagName === b.tagName && ["id", "name", "href"].every((n) => a.getAttribute(n) === b.getAttribute(n));
  function replace(now, next) {
    const used = now.contains(document.activeElement) && document.activeElement !== now ? document.activeElement : null;
    const [typed, at] = [used?.value, used?.selectionStart];
    now.innerHTML = next.innerHTML;
    "running" in next.dataset ? now.dataset.running = "" : delete now.dataset.running;
    if (!used) return;
    const again = [...now.querySelectorAll(used.tagName)].find((one) => SAME(one, used));
    if (again && typed !== undefined && again.tagName !== "BUTTON") {
      again.value = typed;
      if (at !== null && at !== undefined) again.setSelectionRange(at, at);
    }
    (again || now).focus({ preventScroll: true });
  }

  let busy = false;
  async function refresh() {
    if (busy || document.hidden) return;
    busy = true;
    let why = "";
    try {
      const limit = AbortSignal.timeout(4 * period);
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: limit });
      if (!answer.ok || answer.redirected) { why = reason(answer); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const now of document.querySelectorAll("[data-live]")) {
        const next = page.querySelector(`[data-live="${now.dataset.live}"]`);
        if (next && now.innerHTML !== next.innerHTML) replace(now, next);
      }
      fresh = Date.now();
    } catch {
      why = "The connection to the worker is lost.";
    } finally {
      busy = false;
      tell(why);
    }
  }

  if (main?.dataset.liveUrl && window.EventSource) {
    let live;
    const listen = () => {
      live = new EventSource(main.dataset.liveUrl);
      let first = true;
      live.addEventListener("tick", () => { first ? first = false : refresh(); });
      live.onopen = () => tell("");
    };
    listen();
    addEventListener("pagehide", () => live.close());
    document.addEventListener("visibilitychange", refresh);
    // Without a tick, look by oneself: a stream that has ended for good does not come back.
    setInterval(() => {
      if (document.hidden || Date.now() - fresh < 1.5 * period) return;
      if (live.readyState === EventSource.CLOSED) listen();
      refresh();
    }, period / 2);
  }

  // A report that runs is looked at every second, until none does.
  const watch = () => document.querySelector("[data-running]") && refresh();
  if (document.querySelector("[data-running]")) setInterval(watch, 1000);

  // Hover over a timeline: the span's title, at once and beside the pointer.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  document.addEventListener("pointermove", (event) => {
    const title = event.target.closest?.(".strip rect")?.querySelector("title");
    tip.hidden = !title;
    if (!title) return;
    tip.textContent = title.textContent;
    const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(left, 4)}px`;
    tip.style.top = `${event.clientY + (event.clientY > innerHeight - 60 ? -38 : 18)}px`;
  });

  // "/" goes to the search, as in many tools.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
    const search = document.querySelector(".seek input, #q");
    if (search?.checkVisibility()) { event.preventDefault(); search.focus(); search.select(); }
  });
})();
