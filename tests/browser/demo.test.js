// The page of the demonstration: offline, on a phone and a desk, on paper, for readers of screens.
//
//   CREANCE_DEMO=range-demo/index.html node --test demo.test.js        (CREANCE_SHOTS=folder keeps pictures)

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const demo = process.env.CREANCE_DEMO;
assert.ok(demo, "CREANCE_DEMO names the page to be tested");
const url = pathToFileURL(resolve(demo)).href;
const shots = process.env.CREANCE_SHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
});
after(() => browser.close());

async function open(width, options = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, ...options });
  const page = await context.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, asked, context };
}

test("every sentence has an answer in both worlds, and nothing is loaded", async () => {
  const { page, asked, context } = await open(1280);
  assert.deepEqual(asked, [url]);
  const sentences = await page.locator("article.sentence").count();
  assert.ok(sentences > 20);
  const answered = await page.locator("article.sentence").evaluateAll((all) => all.filter((one) => one.querySelectorAll(".cell").length === 2 || one.querySelector(".cannot")).length);
  assert.equal(answered, sentences);
  assert.equal(await page.locator(".verdict.wrong").count(), 0);
  assert.ok((await page.locator(".verdict.right").count()) > 30);
  assert.equal(await page.locator("svg.world").count(), 2);
  assert.equal(await page.locator("svg.timeline").count(), 2);
  await context.close();
});

for (const [name, width] of [["phone", 390], ["desk", 1280]]) {
  test(`nothing overflows on a ${name}`, async () => {
    const { page, context } = await open(width);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${over} pixels too wide`);
    if (shots) await page.screenshot({ path: `${shots}/demo-${name}.png`, fullPage: true });
    await context.close();
  });

  for (const scheme of ["light", "dark"]) {
    test(`no accessibility rule is broken on a ${name}, ${scheme}`, async () => {
      const { page, context } = await open(width, { colorScheme: scheme, bypassCSP: true });
      await page.addScriptTag({ content: axe });
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(" | ")}`), []);
      await context.close();
    });
  }
}

test("it prints", async () => {
  const { page, context } = await open(1280);
  const pdf = await page.pdf({ format: "A4" });
  assert.ok(pdf.length > 50_000);
  if (shots) await page.pdf({ format: "A4", path: `${shots}/demo.pdf` });
  await context.close();
});
