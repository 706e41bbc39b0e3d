// What is wrong with how the focus is seen at each place of the page that Tab comes to.
(look) => {
  const wrong = new Set();
  let stops = 0;
  const can = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  for (const e of document.querySelectorAll(can)) {
    if (e.tabIndex < 0 || !e.checkVisibility({ visibilityProperty: true })) continue;
    e.focus();
    if (document.activeElement !== e) continue;
    stops += 1;
    for (const each of eval(look)()) wrong.add(each);
  }
  return { stops, wrong: [...wrong] };
}
