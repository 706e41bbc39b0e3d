// The pages work without this. It keeps what is shown up to date and says times on hover.
"use strict";
(() => {
  const main = document.querySelector("main");
  const banner = document.querySelector("[data-banner]");
  const period = 1000 * (main?.dataset.refreshS || 5);
  const LOST_AFTER = 3 * period;

  // What is shown is true as of `fresh`; when newer figures cannot be had, a banner says so.
  let fresh = Date.now();
  function tell(why) {
    const lost = why && Date.now() - fresh > LOST_AFTER;
    for (const dot of document.querySelectorAll("[data-livedot]")) {
      dot.toggleAttribute("data-live-now", !why);
      dot.classList.toggle("lost", Boolean(lost));
      dot.querySelector("[data-liveword]").textContent = why ? "not live · " : "live · ";
    }
    document.body.classList.toggle("stale", Boolean(lost));
    if (!lost) { banner.hidden = true; return; }
    const text = `${why} What is shown is of ${new Date(fresh).toISOString().slice(11, 19)} UTC.`;
    if (banner.textContent !== text) banner.textContent = text;
    banner.hidden = false;
  }
  function reason(answer) {
    if (answer.redirected || answer.status === 401) return "You are signed out: load the page again to sign in.";
    if (answer.status === 503) return "Partitions are moving between workers, or one does not answer: no poll is lost.";
    return `The worker has no newer figures for you (${answer.status}).`;
  }

  // Parts with data-live are replaced by newer ones, but nothing moves under a hand: while focus
  // or a selection is in one, it waits, and a note says how many changes there are.
  const waiting = new Map();
  const part = (name) => document.querySelector(`[data-live="${CSS.escape(name)}"]`);
  function inUse(element) {
    const selection = getSelection(), focus = document.activeElement;
    const selected = !selection.isCollapsed && element.contains(selection.anchorNode);
    const noted = waiting.get(element.dataset.live)?.note.contains(focus);
    return selected || noted || (element.contains(focus) && focus !== element);
  }
  function apply(parts) {
    for (const [name, { html, running }] of Object.entries(parts)) {
      const element = part(name);
      if (!element) continue;
      if (inUse(element)) { hold(name, element, { html, running }); continue; }
      put(name, element, { html, running });
    }
    fresh = Date.now();
    tell("");
  }
  function put(name, element, { html, running }) {
    waiting.get(name)?.note.remove();
    waiting.delete(name);
    element.innerHTML = html;
    element.toggleAttribute("data-running", Boolean(running));
    tell("");
  }
  function hold(name, element, newer) {
    const held = waiting.get(name) || noteFor(name, element);
    held.newer = newer;
    held.count += 1;
    const at = held.since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    held.said.data = `Paused while you are in the list: ${held.count} change${held.count === 1 ? "" : "s"} since ${at}. `;
  }
  function noteFor(name, element) {
    const note = document.createElement("span"), said = document.createTextNode(""), show = document.createElement("button");
    note.className = "pause";
    note.setAttribute("role", "status");
    show.className = "link";
    show.textContent = "Show them";
    note.append(said, show);
    // The press takes neither focus nor selection away, with which the note would go before the click.
    note.addEventListener("mousedown", (event) => event.preventDefault());
    show.addEventListener("click", () => {
      getSelection().removeAllRanges();
      put(name, part(name), held.newer);
      // The button is gone: the focus stays with what it has shown.
      part(name).tabIndex = -1;
      part(name).focus();
    });
    const held = { note, said, since: new Date(), count: 0 };
    waiting.set(name, held);
    const head = element.closest("section")?.querySelector(".head");
    head ? head.append(note) : element.before(note);
    return held;
  }
  function resume() {
    for (const [name, held] of [...waiting]) {
      const element = part(name);
      if (element && !inUse(element)) put(name, element, held.newer);
    }
  }
  document.addEventListener("focusout", () => setTimeout(resume));
  document.addEventListener("selectionchange", () => { if (getSelection().isCollapsed) resume(); });

  // The first poll has come: the page of an empty program gives way, but not under a hand.
  let full = false;
  function giveWay() {
    full = true;
    const used = document.activeElement?.closest("main input, main select, main textarea");
    if (!used || used.value === used.defaultValue) location.reload();
  }
  document.addEventListener("focusout", () => full && setTimeout(giveWay));

  // A page that nobody keeps the parts of is read as a whole; what came of a form has another address.
  let busy = false;
  async function refresh() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(main.dataset.page || location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(4 * period) });
      if (!answer.ok || answer.redirected) { tell(reason(answer)); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const body = page.querySelector("main");
      if ("empty" in main.dataset && body && !("empty" in body.dataset)) { giveWay(); return; }
      const parts = {};
      for (const next of page.querySelectorAll("[data-live]")) {
        const now = part(next.dataset.live);
        const html = next.innerHTML;
        if (now && now.innerHTML !== html && waiting.get(next.dataset.live)?.newer.html !== html) parts[next.dataset.live] = { html, running: "running" in next.dataset };
      }
      apply(parts);
      const url = page.querySelector("main")?.dataset.liveUrl;
      if (url && url !== main.dataset.liveUrl) { main.dataset.liveUrl = url; listen(); }
    } catch {
      tell("The connection to the worker is lost.");
    } finally {
      busy = false;
    }
  }

  let live;
  function listen() {
    live?.close();
    live = new EventSource(main.dataset.liveUrl);
    let first = true;
    live.addEventListener("parts", (event) => {
      const parts = JSON.parse(event.data);
      for (const name of Object.keys(parts)) parts[name] = { html: parts[name] };
      apply(parts);
    });
    live.addEventListener("refused", (event) => tell(reason(JSON.parse(event.data))));
    live.addEventListener("tick", () => {
      const follows = main.dataset.liveUrl.includes("?");
      if (first && !follows) { first = false; fresh = Date.now(); tell(""); } else refresh();
    });
  }
  if (main?.dataset.liveUrl && window.EventSource) {
    listen();
    addEventListener("pagehide", () => live.close());
    document.addEventListener("visibilitychange", refresh);
    // Without an event, look by oneself: a stream that has ended for good does not come back.
    setInterval(() => {
      if (document.hidden || Date.now() - fresh < 1.5 * period) return;
      if (live.readyState === EventSource.CLOSED) listen();
      refresh();
    }, period / 2);
  }

  // What runs, a report or a file that is published, is looked at every second, until nothing does.
  const watch = () => document.querySelector("[data-running]") && refresh();
  if (document.querySelector("[data-running]")) setInterval(watch, 1000);

  // A choice of the period on a phone needs no button.
  for (const form of document.querySelectorAll("[data-sends]")) {
    form.querySelector(".btn").hidden = true;
    form.addEventListener("change", () => form.requestSubmit());
  }

  // Beside a date stands its weekday; of one that was sent, the page has it already.
  document.addEventListener("input", (event) => {
    const label = event.target.matches("[type=date], [type=datetime-local]") && event.target.closest(".field")?.querySelector("span");
    if (!label) return;
    const day = new Date(`${event.target.value.slice(0, 10)}T00:00Z`);
    label.dataset.weekday = isNaN(day) ? "" : day.toLocaleDateString("en", { weekday: "long", timeZone: "UTC" });
  });

  // Hover or tap on a picture: its words, at once and beside the pointer.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  function show(event) {
    const over = event.target.closest?.(".strip rect, .days a, .days g, .chart a, .chart g, .pollrow svg");
    const title = over?.querySelector("title");
    tip.hidden = !title;
    if (!title) return;
    tip.textContent = title.textContent;
    const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(left, 4)}px`;
    tip.style.top = `${event.clientY + (event.clientY > innerHeight - 60 ? -38 : 18)}px`;
  }
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);

  // "/" goes to the search, as in many tools; in a narrow window it is on the page of the stores.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
    const search = [...document.querySelectorAll(".seek input, #q")].find((one) => one.checkVisibility());
    event.preventDefault();
    if (!search) { location.href = document.querySelector(".seek-link").href; return; }
    search.focus();
    search.select();
  });
})();
