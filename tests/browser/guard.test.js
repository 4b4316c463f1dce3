// The page of the guard as operators meet it: in a browser, on a phone and a desktop. The engine behind it is played here.
//
//   CREANCE_GUARD=target/release/creance-guard node --test guard.test.js        (CREANCE_SHOTS=folder keeps pictures)

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const program = process.env.CREANCE_GUARD;
assert.ok(program, "CREANCE_GUARD names the program to be tested");
const shots = process.env.CREANCE_SHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const folder = mkdtempSync(join(tmpdir(), "creance-page-"));
const state = {
  schema: "creance.guard-status/1", enforcing: true, fault: null, state: "airborne", open: false, by_name: false, policy: "local-data-mode",
  exceptions: ["203.0.113.9 . tcp . 2101: corrections of position"], duties: [], override: null, alarms: 0, last_alarm: null, cuts: 1,
  last_cut: { why: "skylark (system 1 at 192.168.42.10, message 0)", us_to_routes: 17003, bytes_at_most: 0 },
  listening: ["wlan0"], counters: { cut: { packets: 41, bytes: 5000 } },
  refused: [["192.168.42.20", "198.51.100.7", "tcp", 443, 37, 4400], ["fd77::20", "2001:db8::53:1234:5678:9abc", "udp", 53, 4, 600]],
};
const orders = [];
let engine, page_process, origin, browser;

before(async () => {
  mkdirSync(join(folder, "run"));
  engine = createServer((socket) => {
    socket.on("data", (line) => {
      const order = JSON.parse(line);
      if (order.order !== "status") orders.push(order);
      const code = order.order === "release" ? "047110" : null;
      if (order.order === "confirm" && order.code === "047110") Object.assign(state, { state: "released", open: true });
      const taken = order.order !== "confirm" || order.code === "047110";
      socket.end(JSON.stringify({ taken, says: taken ? "released" : "the code is another, or too old", code, status: state }) + "\n");
    });
    socket.on("error", () => {});
  });
  await new Promise((done) => engine.listen(join(folder, "run/control"), done));
  const probe = createServer();
  await new Promise((done) => probe.listen(0, "127.0.0.1", done));
  const port = probe.address().port;
  await new Promise((done) => probe.close(done));
  writeFileSync(join(folder, "guard.toml"), `lan = ["a"]\nwan = ["b"]\nstate = "${folder}/state"\nrun = "${folder}/run"\npage = { address = "127.0.0.1", port = ${port} }\n`);
  page_process = spawn(resolve(program), ["page", "-c", join(folder, "guard.toml")], { stdio: "ignore" });
  origin = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    if (await fetch(origin).then(() => true, () => false)) break;
    assert.ok(tries < 100, "the page is not served");
    await new Promise((done) => setTimeout(done, 50));
  }
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
});
after(async () => {
  await browser?.close();
  page_process?.kill();
  engine?.close();
  rmSync(folder, { recursive: true });
});

const token = () => readFileSync(join(folder, "state/page.token"), "utf8").trim();

async function come_in(width, options = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, ...options });
  const page = await context.newPage();
  await page.goto(origin);
  await page.getByLabel("Token").fill(token());
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  return { page, context };
}

async function judged(page, width, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  assert.deepEqual(violations.map((one) => [one.id, ...one.nodes.map((node) => node.html)]), [], name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${name} is ${wide} wide at ${width}`);
  const small = await page.locator("button, a.button").evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().height < 40).length);
  assert.equal(small, 0, `${name}: buttons too small for a thumb`);
  if (shots) await page.screenshot({ path: join(shots, `guard-${name}-${width}.png`), fullPage: true });
}

test("nothing is shown without the token, which others cannot read", async () => {
  assert.equal(statSync(join(folder, "state/page.token")).mode & 0o777, 0o600);
  const context = await browser.newContext({ viewport: { width: 390, height: 900 } });
  const page = await context.newPage();
  await page.goto(origin);
  await judged(page, 390, "door");
  assert.doesNotMatch(await page.content(), /198\.51\.100\.7|nforcing/);
  await page.getByLabel("Token").fill("0".repeat(64));
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByText("That is not the token.").waitFor();
  await context.close();
  const answer = await fetch(`${origin}/wall`);
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("content-security-policy"), /default-src 'none'/);
});

test("how it stands is plain at the width of a phone and of a desktop, in light and dark, without scripts of ours", async () => {
  for (const width of [320, 390, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const { page, context } = await come_in(width, { colorScheme });
      assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "Cut");
      assert.match(await page.locator("main").innerText(), /198\.51\.100\.7/);
      assert.equal(await page.locator("script").count(), 0);
      // axe is put in by the test: our own policy would not let it run as a script of the page.
      await judged(page, width, `cut-${colorScheme}`);
      const [cookie] = await context.cookies();
      assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
      await context.close();
    }
  }
});

test("what is reached by name has a sign of its own, neither that of a cut nor that of an open way", async () => {
  const colours = new Set();
  for (const [open, by_name, word] of [[false, false, "Cut"], [false, true, "By name"], [true, true, "Open"]]) {
    for (const [width, colorScheme] of [[320, "light"], [1280, "dark"]]) {
      Object.assign(state, { state: "grounded", open, by_name });
      const { page, context } = await come_in(width, { colorScheme });
      for (const path of ["/", "/wall"]) {
        await page.goto(origin + path);
        assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), word);
        colours.add(await page.locator(".sign").evaluate((sign) => getComputedStyle(sign).backgroundColor));
        if (word === "By name") await judged(page, width, `named-${path === "/" ? "main" : "wall"}-${colorScheme}`);
      }
      await context.close();
    }
  }
  assert.equal(colours.size, 3, [...colours].join(" "));
  Object.assign(state, { state: "airborne", open: false, by_name: false });
});

test("what a stranger does keeps no operator out", async () => {
  const form = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, redirect: "manual" };
  const statuses = [];
  for (let tries = 0; tries < 7; tries += 1) statuses.push((await fetch(`${origin}/login`, { ...form, body: "token=wrong" })).status);
  assert.equal(statuses.at(-1), 429);
  const { context } = await come_in(390);
  await context.close();
});

test("an operator cuts, and releases in two steps", async () => {
  const { page, context } = await come_in(390);
  assert.ok(await page.getByRole("button", { name: "Release …" }).isDisabled(), "in flight nothing is released");
  await page.getByLabel("Reason").fill("take-off");
  await page.getByRole("button", { name: "It flies: cut" }).click();
  await page.getByText("Taken; it stands in the ledger.").waitFor();
  assert.match(orders.at(-1).reason, /^take-off \(by the page, from 127\.0\.0\.1\)$/);
  state.state = "stale";
  await page.getByRole("link", { name: "Look again" }).click();
  await page.getByLabel("Reason").fill("battery is out");
  await page.getByRole("button", { name: "Release …" }).click();
  await page.getByLabel("The code").waitFor();
  await judged(page, 390, "confirm");
  await page.getByLabel("The code").fill("000000");
  await page.getByRole("button", { name: "Release", exact: true }).click();
  await page.getByText("Not taken").waitFor();
  assert.equal(state.open, false);
  await page.getByLabel("Reason").fill("battery is out");
  await page.getByRole("button", { name: "Release …" }).click();
  await page.getByLabel("The code").fill("047110");
  await page.getByRole("button", { name: "Release", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Open" }).waitFor();
  await judged(page, 390, "open");
  await page.getByRole("button", { name: "Go out" }).click();
  await page.getByLabel("Token").waitFor();
  await context.close();
});

test("a guard that does not enforce, or does not answer, is red and says so", async () => {
  const { page, context } = await come_in(390);
  Object.assign(state, { enforcing: false, fault: "another hand changed our tables" });
  await page.goto(`${origin}/wall`);
  assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "Not enforcing");
  const colour = await page.locator(".sign").evaluate((sign) => getComputedStyle(sign).backgroundColor);
  assert.equal(colour, "rgb(179, 20, 29)");
  await judged(page, 390, "bad");
  await new Promise((done) => engine.close(done));
  await page.goto(origin);
  await page.getByText("No engine answers.").waitFor();
  await context.close();
});
