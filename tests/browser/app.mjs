// Fills in the page that makes a GitHub App, and prints as JSON what a browser would send to GitHub.
// usage: node app.mjs PAGE PROFILE REPOSITORY organization|person
import { pathToFileURL } from "node:url";
import { open } from "./open.mjs";

const [path, profile, repository, owner] = process.argv.slice(2);
const browser = await open(profile);
const page = await browser.newPage();
const sent = new Promise((done) => {
  page.route("https://github.com/**", (route) => {
    done({ url: route.request().url(), manifest: new URLSearchParams(route.request().postData()).get("manifest") });
    return route.abort();
  });
});
await page.goto(pathToFileURL(path).href);
await page.getByRole("button").click(); // refused by the page: no repository is named yet
await page.getByLabel("content repository").fill(repository);
await page.getByLabel("organization").setChecked(owner === "organization");
await page.getByRole("button").click();
console.log(JSON.stringify(await sent));
await browser.close();
