// Puts copies of some parts of the page into a box of their own, without any words: a word's
// width is another on each machine.
([what, most, width]) => {
  const box = document.createElement("div");
  box.id = "still";
  Object.assign(box.style, { position: "fixed", left: 0, top: 0, zIndex: 99, padding: "8px", background: "var(--card)", width: width || "auto", display: "grid", gap: "8px" });
  const seen = new Set();
  for (const found of document.querySelectorAll(what)) {
    const part = found.tagName === "use" ? found.closest("svg") : found;
    if (seen.size === most || seen.has(part.outerHTML)) continue;
    seen.add(part.outerHTML);
    const copy = part.cloneNode(true);
    if (width && copy.tagName === "svg") copy.setAttribute("width", "100%");
    if (copy.tagName === "svg") copy.style.display = "block";
    box.append(copy.tagName === "TR" ? inTable(found, copy) : copy);
  }
  function inTable(row, copy) {
    const table = row.closest("table").cloneNode(false), body = document.createElement("tbody");
    body.append(copy);
    table.append(body);
    for (const e of [table, ...table.querySelectorAll("*")]) {
      if (e.closest("svg")) continue;
      Object.assign(e.style, { fontSize: "0", lineHeight: "20px", color: "transparent" });
      e.removeAttribute("data-k"); // what style sheets write
      e.classList.remove("miss");
    }
    return table;
  }
  (document.querySelector(".sheet") ?? document.body).append(box); // paper has values of its own
}
