// What is wrong with how the focus is seen where it is now: no ring of two pixels, out of the window,
// under something else, or a ring that is cut off by what it lies in.
() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement || e.matches("main")) return [];
  const wrong = [];
  const name = `${e.tagName.toLowerCase()} ${(e.getAttribute("aria-label") || e.textContent || e.name || "").trim().slice(0, 40)}`;
  const style = getComputedStyle(e);
  const width = parseFloat(style.outlineWidth), offset = parseFloat(style.outlineOffset);
  if (style.outlineStyle === "none" || width < 2) wrong.push(`${name}: no ring`);
  const box = e.getBoundingClientRect();
  const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  if (!seen || !box.width || !box.height) return [...wrong, `${name}: out of the window`];
  const x = (Math.max(box.left, 0) + Math.min(box.right, innerWidth)) / 2;
  const y = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2;
  const over = document.elementFromPoint(x, y);
  const same = e.getClientRects().length > 1 || over && (e.contains(over) || over.contains(e));
  if (!same) wrong.push(`${name}: under ${over?.outerHTML.slice(0, 60)}`);
  const around = offset + width - 0.6;
  for (let out = e.parentElement; out && out !== document.body; out = out.parentElement) {
    const style = getComputedStyle(out);
    if (style.overflowX === "visible" && style.overflowY === "visible") continue;
    const clip = out.getBoundingClientRect();
    // What can be scrolled to is not cut off for good.
    const rest = { left: out.scrollLeft, top: out.scrollTop, right: out.scrollWidth - out.clientWidth - out.scrollLeft, bottom: out.scrollHeight - out.clientHeight - out.scrollTop };
    const over = { left: clip.left - box.left, top: clip.top - box.top, right: box.right - clip.right, bottom: box.bottom - clip.bottom };
    for (const side of Object.keys(over)) {
      const how = side === "left" || side === "right" ? style.overflowX : style.overflowY;
      const by = over[side] + around;
      if (how !== "visible" && by > 0.5 && rest[side] < 1) wrong.push(`${name}: ring cut off at the ${side} by ${by.toFixed(1)} px of ${out.className}`);
    }
    break;
  }
  return wrong;
}
