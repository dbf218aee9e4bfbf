// Opens a page in Chromium, uses it, and prints what was seen as JSON.
// usage: node look.mjs PAGE PROFILE FILTER...
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { open } from "./open.mjs";

const [path, profile, ...filters] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await open(profile);
const page = await browser.newPage();
const seen = { requests: [], complaints: [] };
page.on("request", (request) => seen.requests.push(request.url()));
page.on("console", (message) => seen.complaints.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => seen.complaints.push(`error: ${error.message}`));

const look = () =>
  page.evaluate(() => {
    const rows = [...document.querySelectorAll(".scroll > table > tbody > tr:not(.below)")];
    const below = [...document.querySelectorAll(".below")];
    const bodyOf = (row) => (row.nextElementSibling?.matches(".below") ? row.nextElementSibling.textContent : "");
    const groups = [...document.querySelectorAll("details.group")];
    return {
      rows: rows.length,
      shown: rows
        .filter((row) => !row.hidden)
        .map((row) => `${row.closest("details.group").dataset.group}\n${row.textContent}${bodyOf(row)}`),
      astray: below.filter((body) => body.hidden !== body.previousElementSibling.hidden).length,
      visible: rows.filter((row) => row.checkVisibility()).length,
      groups: groups.map((group) => ({
        name: group.dataset.group,
        count: group.querySelector(".count").textContent,
        shown: group.querySelectorAll(".scroll > table > tbody > tr:not([hidden]):not(.below)").length,
        open: group.open,
        hidden: group.hidden,
      })),
      sections: [...document.querySelectorAll("main section")].filter((one) => !one.hidden).map((one) => one.id),
      status: document.getElementById("found").textContent,
      focus: document.activeElement.id,
      text: document.getElementById("filter").value,
    };
  });
const frames = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const judge = async (state) => {
  await page.evaluate(axe); // not through a script element: the page's own policy refuses those
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { violations, passes } = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
    const told = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html.slice(0, 200)}`);
    seen.axe[`${state}, ${colorScheme}`] = { violations: told, passes: passes.length };
  }
};

await page.goto(pathToFileURL(path).href);
seen.start = await look();
await page.keyboard.press("Tab");
seen.firstFocus = await page.evaluate(() => document.activeElement.textContent);
seen.filtered = {};
seen.axe = {};
for (const filter of filters) {
  await page.evaluate(() => document.activeElement.blur()); // in the filter itself a slash is a slash
  await page.keyboard.press("/");
  await page.keyboard.type(filter);
  await frames();
  seen.filtered[filter] = await look();
  // What is closed cannot be judged, and few rows open every kind of table.
  if (filter === filters[0]) await judge("filtered");
  await page.keyboard.press("Escape");
  await frames();
}
seen.cleared = await look();
// A table's rows are alike, and a thousand of them take half a minute to judge.
await page.evaluate(() => {
  for (const row of document.querySelectorAll(".scroll > table > tbody > tr:nth-child(n + 21)")) row.remove();
});
await judge("whole");
await page.setViewportSize({ width: 375, height: 812 });
await page.reload();
seen.phone = await page.evaluate(() => {
  for (const group of document.querySelectorAll("details")) group.open = true;
  return { width: document.documentElement.clientWidth, content: document.documentElement.scrollWidth };
});
await browser.close();
console.log(JSON.stringify(seen));
