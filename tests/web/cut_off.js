// What sticks out of the window, or out of the card it stands in, and cannot be scrolled to.
() => {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) found.push(`the page: ${root.scrollWidth} of ${innerWidth}`);
  const scrolls = (e) => {
    for (; e && e !== document.body; e = e.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(e).overflowX)) return true;
    return false;
  };
  for (const e of document.querySelectorAll("main *")) {
    if (e.closest("svg") !== (e.tagName === "svg" ? e : null) || e.closest(".quiet, [hidden]") || !e.checkVisibility()) continue;
    const box = e.getBoundingClientRect();
    const card = e.parentElement.closest(".card, main").getBoundingClientRect();
    const edge = Math.min(card.right, innerWidth);
    if (box.width && box.right > edge + 1 && !scrolls(e.parentElement))
      found.push(`${e.tagName} ${e.className.baseVal ?? e.className} “${e.textContent.trim().slice(0, 30)}”: ${Math.round(box.right)} of ${Math.round(edge)}`);
  }
  return found.slice(0, 2);
}
