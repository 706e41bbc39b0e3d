// What axe would find: names, labels, headings, landmarks, ids.
() => {
  const wrong = [];
  const named = (e) => e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.textContent.trim() || e.title;
  for (const e of document.querySelectorAll("a, button")) if (!named(e)) wrong.push("no name: " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!e.labels.length && !e.getAttribute("aria-label")) wrong.push("no label: " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("svg")) {
    if (e.parentElement.closest("svg[role=img]")) continue; // a part of a picture
    const hidden = e.getAttribute("aria-hidden") === "true";
    if (!hidden && !(["img", "group"].includes(e.getAttribute("role")) && e.getAttribute("aria-label"))) wrong.push("picture: " + e.outerHTML.slice(0, 80));
  }
  for (const e of document.querySelectorAll("table")) if (!e.querySelector("th[scope=col]")) wrong.push("table without column headers");
  for (const e of document.querySelectorAll("progress")) if (!e.getAttribute("aria-label")) wrong.push("progress without a name");
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id twice");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
  if (!document.documentElement.lang) wrong.push("no language");
  let level = 0;
  for (const e of document.querySelectorAll("h1, h2, h3")) {
    if (+e.tagName[1] > level + 1 && level) wrong.push("heading skipped: " + e.textContent);
    level = +e.tagName[1];
  }
  for (const e of document.querySelectorAll("[aria-labelledby]")) if (!document.getElementById(e.getAttribute("aria-labelledby"))) wrong.push("label missing");
  return wrong;
}
