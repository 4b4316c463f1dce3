// The page of a comparison, on a phone and a desk, light and dark, on paper, for readers of screens.
//
//   CREANCE_COMPARE=compare.html node --test compare.test.js      (of a masked case and a revealed one, which is marked stricter)

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const compared = process.env.CREANCE_COMPARE;
assert.ok(compared, "CREANCE_COMPARE names the page to be tested");
const url = pathToFileURL(resolve(compared)).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
});
after(() => browser.close());

for (const [name, width] of [["phone", 390], ["desk", 1280]]) {
  for (const scheme of ["light", "dark"]) {
    test(`it is whole, marked and readable to all on a ${name}, ${scheme}`, async () => {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, bypassCSP: true });
      const page = await context.newPage();
      const asked = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(url);
      assert.deepEqual(asked, [url]);
      assert.equal(await page.locator("h1").count(), 1);
      assert.deepEqual(await page.locator("section.tlp").allTextContents(), ["TLP:RED", "TLP:RED"]);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(over <= 0, `${over} pixels too wide`);
      const captions = await page.locator(".scroll caption").evaluateAll((all) => all.map((one) => [one.offsetWidth, one.closest(".scroll").clientWidth]));
      assert.ok(captions.length >= 2);
      assert.deepEqual(captions.filter(([wide, room]) => wide > room), []);
      await page.addScriptTag({ content: axe });
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(" | ")}`), []);
      await context.close();
    });
  }
}

test("it prints", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  assert.ok((await page.pdf({ format: "A4" })).length > 10_000);
  await context.close();
});
