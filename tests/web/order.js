// Focus that jumps: within a form, a row, a navigation or a card it goes as one reads, from left to
// right and down. No element has a place of its own in the order.
() => {
  const wrong = [];
  const can = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  const all = [...document.querySelectorAll(can)].filter((e) => e.tabIndex >= 0 && e.checkVisibility());
  for (const e of all) if (e.tabIndex > 0) wrong.push(`tabindex ${e.tabIndex}: ${e.outerHTML.slice(0, 80)}`);
  const block = (e) => e.closest("form, tr, nav, li, .head, .filters, .acts");
  const say = (e) => (e.getAttribute("aria-label") || e.textContent || e.name || "").trim().slice(0, 30);
  for (let i = 1; i < all.length; i++) {
    const [a, b] = [all[i - 1], all[i]];
    if (!block(a) || block(a) !== block(b) || a.contains(b)) continue;
    const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
    const above = q.bottom <= p.top + 2, left = q.right <= p.left + 2;
    const beside = q.top < p.bottom - 2 && p.top < q.bottom - 2;
    if (above && !(q.left >= p.right) || beside && left) wrong.push(`${say(a)} → ${say(b)}`);
  }
  return wrong;
}
