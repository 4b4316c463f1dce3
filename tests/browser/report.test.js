// The report page as people meet it: in a browser, on a phone and a desktop, on paper, without a network.
//
//   CREANCE_REPORT=case/report.html node --test        (CREANCE_SHOTS=folder keeps pictures)

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const report = process.env.CREANCE_REPORT;
assert.ok(report, "CREANCE_REPORT names the page to be tested");
const url = pathToFileURL(resolve(report)).href;
const shots = process.env.CREANCE_SHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
});
after(() => browser.close());

async function open(width, options = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, javaScriptEnabled: true, ...options });
  const page = await context.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, asked, context };
}

test("the page loads nothing but itself", async () => {
  const { asked, context } = await open(1280);
  assert.deepEqual(asked, [url]);
  await context.close();
});

test("it says what left, where, when, and what could not be seen", async () => {
  const { page, context } = await open(1280);
  assert.match(await page.title(), /^creance report [0-9a-f]{16}$/);
  assert.equal(await page.locator("h1").count(), 1);
  // Of a case without sites and zones nothing is told of the ground.
  const headings = (await page.locator("h2").allTextContents()).filter((heading) => heading !== "Over the ground");
  assert.deepEqual(headings, ["Where it went", "When", "In which country", "Destinations", "In which circumstances", "Findings", "Judgements", "What could not be seen", "How to read this"]);
  const countries = await page.locator("svg.world .code").count();
  assert.ok(countries > 0);
  assert.equal(await page.locator("svg.world .place").count(), countries);
  const known = await page.locator("svg.world circle.ours").count();
  assert.equal(await page.locator("svg.world .arc").count(), known * countries, "arcs begin at a known place or not at all");
  assert.ok((await page.locator("ul.landings > li").count()) >= countries);
  assert.ok((await page.locator("#destinations ~ * tbody tr, section:has(#destinations) tbody tr").count()) > 0);
  assert.ok((await page.locator("ol.findings > li").count()) > 0);
  assert.ok((await page.locator("svg.timeline rect.state-flying").count()) > 0);
  assert.match(await page.locator("section:has(#unseen)").innerText(), /Opaque is not innocent/);
  const ground = page.locator("section:has(#ground)");
  if (await ground.count()) {
    assert.ok((await ground.locator("svg.ground polyline").count()) > 0, "ways are drawn");
    assert.equal(await ground.locator("tbody tr").count(), 4, "three places and a zone");
  }
  await page.locator("summary").first().click();
  assert.match(await page.locator("details[open]").first().innerText(), /packets \d+/);
  await context.close();
});

test("headings stand in order, tables have captions and heads, drawings have names", async () => {
  const { page, context } = await open(1280);
  const levels = await page.locator("h1, h2, h3, h4").evaluateAll((all) => all.map((one) => Number(one.tagName[1])));
  levels.reduce((before, level) => (assert.ok(level <= before + 1, levels.join(" ")), level), 0);
  const bare = await page.locator("table").evaluateAll((all) => all.filter((one) => !one.caption || one.querySelector("th:not([scope])")).length);
  assert.equal(bare, 0, "tables without caption or scope");
  const nameless = await page.locator("svg, img").evaluateAll((all) => all.filter((one) => {
    const ids = (one.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
    return one.getAttribute("role") !== "img" || !(one.getAttribute("aria-label") || (ids.length && ids.every((id) => document.getElementById(id)?.textContent)));
  }).length);
  assert.equal(nameless, 0, "drawings without a name");
  await context.close();
});

test("captions are not cut where their table is to be scrolled", async () => {
  const { page, context } = await open(390);
  const all = await page.locator(".scroll caption").evaluateAll((all) => all.filter((one) => one.offsetWidth).map((one) => [one.offsetWidth, one.closest(".scroll").clientWidth, one.textContent]));
  assert.ok(all.length > 3);
  assert.deepEqual(all.filter(([wide, room]) => wide > room), []);
  await context.close();
});

test("labels of the map do not cover each other", async () => {
  for (const width of [390, 1280]) {
    const { page, context } = await open(width);
    const boxes = await page.locator("svg.world .code").evaluateAll((all) => all.map((one) => [one.textContent, one.getBoundingClientRect().toJSON()]));
    for (const [index, [name, a]] of boxes.entries()) {
      for (const [other, b] of boxes.slice(index + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        // Boxes hold the room above and below the letters.
        assert.ok(across <= 1 || down <= a.height / 3, `${name} and ${other} at ${width}`);
      }
    }
    await context.close();
  }
});

for (const [name, width] of [["phone", 390], ["desktop", 1280]]) {
  test(`nothing overflows on a ${name}`, async () => {
    const { page, context } = await open(width);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${over} pixels too wide`);
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
    await context.close();
    if (shots) {
      const dark = await open(width, { colorScheme: "dark" });
      await dark.page.screenshot({ path: `${shots}/${name}-dark.png`, fullPage: true });
      await dark.context.close();
    }
  });

  for (const scheme of ["light", "dark"]) {
    test(`no accessibility rule is broken on a ${name}, ${scheme}`, async () => {
      const { page, context } = await open(width, { colorScheme: scheme, bypassCSP: true });
      await page.addScriptTag({ content: axe });
      const { violations } = await page.evaluate(() => window.axe.run());
      const told = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 90)).slice(0, 3).join(" | ")}`);
      assert.deepEqual(told, []);
      await context.close();
    });
  }
}

test("it is the same without JavaScript, and prints", async () => {
  const { page: plain, context: without } = await open(1280, { javaScriptEnabled: false });
  const { page, context } = await open(1280);
  const text = (one) => one.locator("body").innerText();
  assert.equal(await text(plain), await text(page));
  const pdf = await page.pdf({ format: "A4" });
  assert.ok(pdf.length > 20_000);
  if (shots) await page.pdf({ format: "A4", path: `${shots}/print.pdf` });
  await without.close();
  await context.close();
});
