// Filters the rows, and names the columns where a row is a card. The page is whole without it.
"use strict";
(() => {
  if (!matchMedia("(max-width: 40rem)").matches) return;
  for (const table of document.querySelectorAll(".scroll > table")) {
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
    for (const row of table.tBodies[0].rows) {
      for (const cell of [...row.cells].slice(1)) {
        if (cell.textContent.trim() && names[cell.cellIndex]) cell.dataset.column = names[cell.cellIndex];
      }
    }
  }
})();
(() => {
  const box = document.getElementById("filter");
  if (!box) return; // there is no row
  const found = document.getElementById("found");
  const LONG = 30; // rows from which a table is closed at first, as in the template
  const format = (number) => number.toLocaleString("en");

  // The text of every row is read once; typing then compares strings and touches only rows that change.
  const groups = [...document.querySelectorAll("details.group")].map((element) => ({
    element,
    section: element.closest("section"),
    count: element.querySelector(".count"),
    open: element.open,
    // What stands below a row across all columns is a part of it.
    rows: [...element.querySelectorAll(".scroll > table > tbody > tr:not(.below)")].map((row) => {
      const next = row.nextElementSibling;
      const parts = next?.matches(".below") ? [row, next] : [row];
      const text = parts.map((part) => part.textContent).join("\n");
      return { parts, text: `${text}\n${element.dataset.group}`.toLowerCase() };
    }),
  }));
  const sections = [...document.querySelectorAll("main section")];
  const repositories = [...document.querySelectorAll("main > article")];
  const total = groups.reduce((sum, group) => sum + group.rows.length, 0);
  let filtering = false;

  const show = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const begins = words.length > 0 && !filtering;
    const ends = words.length === 0 && filtering;
    filtering = words.length > 0;
    const busy = new Set();
    let matches = 0;
    for (const group of groups) {
      let here = 0;
      for (const { parts, text } of group.rows) {
        const fits = words.every((word) => text.includes(word));
        if (parts[0].hidden === fits) for (const part of parts) part.hidden = !fits;
        if (fits) here += 1;
      }
      matches += here;
      if (here) busy.add(group.section);
      if (begins) group.open = group.element.open;
      if (filtering) group.element.open = here < LONG || group.open;
      if (ends) group.element.open = group.open;
      group.element.hidden = filtering && here === 0;
      const all = format(group.rows.length);
      group.count.textContent = filtering ? `${format(here)} of ${all}` : all;
    }
    for (const section of sections) section.hidden = filtering && !busy.has(section);
    for (const one of repositories) one.hidden = filtering && !one.querySelector("section:not([hidden])");
    found.textContent = filtering ? `${format(matches)} of ${format(total)} rows` : `${format(total)} rows`;
  };

  let waiting = false;
  box.addEventListener("input", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      show();
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== box && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (event.key === "Escape" && event.target === box && box.value) {
      event.preventDefault();
      box.value = "";
      show();
    }
  });
  // A link to a section that the filter hides shows everything again.
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    link.addEventListener("click", () => {
      if (document.getElementById(link.hash.slice(1)).hidden) {
        box.value = "";
        show();
      }
    });
  }
  document.getElementById("bar").hidden = false;
  show();
})();
