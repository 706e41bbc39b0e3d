// Targets that a thumb misses: less than 44 pixels high, where nothing around belongs to them.
() => {
  const small = [];
  for (const e of document.querySelectorAll("main a, main button, main input:not([type=hidden]):not([type=checkbox]), main select, main summary, nav a")) {
    if (!e.checkVisibility() || e.closest("svg, .quiet, .legend, footer, [hidden]")) continue;
    if (e.closest(".say, .foot, p.mute, small")) continue; // words within a sentence
    const after = getComputedStyle(e, "::after");
    const row = e.matches(".cards a.id, .quick a.id") ? e.closest("tr, li").getBoundingClientRect() : null;
    const box = row || e.getBoundingClientRect();
    const more = after.position === "absolute" && !row ? 14 : 0;
    if (box.width && box.height + more < 43.5) small.push(`${Math.round(box.height + more)} ${e.className} ${e.textContent.trim().slice(0, 30)}`);
  }
  return small;
}
