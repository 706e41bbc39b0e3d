// The pages work without this. It keeps what is shown up to date and says times on hover.
"use strict";
(() => {
  const main = document.querySelector("main");

  // Whatever has data-live is replaced by its newer self, unless somebody uses it.
  let busy = false;
  async function refresh() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const now of document.querySelectorAll("[data-live]")) {
        const next = page.querySelector(`[data-live="${now.dataset.live}"]`);
        if (!next || now.innerHTML === next.innerHTML) continue;
        if (now.contains(document.activeElement) && document.activeElement !== now) continue;
        now.innerHTML = next.innerHTML;
        "running" in next.dataset ? now.dataset.running = "" : delete now.dataset.running;
      }
      for (const dot of document.querySelectorAll("[data-livedot]")) dot.hidden = false;
    } catch {
      // The worker is away for a moment; the next tick tries again.
    } finally {
      busy = false;
    }
  }

  if (main?.dataset.liveUrl && window.EventSource) {
    const live = new EventSource(main.dataset.liveUrl);
    const dots = (shown) => { for (const dot of document.querySelectorAll("[data-livedot]")) dot.hidden = !shown; };
    live.onopen = () => dots(true);
    live.onerror = () => dots(false);
    let first = true;
    live.addEventListener("tick", () => { first ? first = false : refresh(); });
    addEventListener("pagehide", () => live.close());
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
    const search = document.querySelector(".find input");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  });
})();
