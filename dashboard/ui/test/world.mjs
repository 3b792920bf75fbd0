// What the scenarios share: a server, a browser of their own, and what must hold on
// every page.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
export const base = process.env.PERDURE_URL;
export const mount = process.env.PERDURE_MOUNT;
/** The folder of the server's state. */
export const data = process.env.PERDURE_DATA;
export const scratch = process.env.PERDURE_SCRATCH ?? "/tmp";
/** Where pictures of failures go, and those of the documentation. */
export const artifacts = process.env.PERDURE_ARTIFACTS ?? join(scratch, "pictures");
export const pictures = process.env.PERDURE_PICTURES ?? artifacts;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Polls until check returns something truthy, and returns that. What the API does not have
 * may come to be there.
 */
export async function until(check, what, timeout = 15_000) {
  for (const end = Date.now() + timeout; ; ) {
    try {
      const got = await check();
      if (got) return got;
    } catch (e) {
      if (e.status !== 404 || Date.now() > end) throw e;
    }
    if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain until ${what}`);
    await sleep(20);
  }
}

/** Waits until what a page shows has stood still for a moment. */
export async function quiet(page) {
  let last = "";
  await until(async () => {
    const now = await page.locator("main").evaluate((e) => e.innerHTML.replace(/\d+/g, ""));
    const same = now === last;
    last = now;
    await sleep(150);
    return same;
  }, "the page stands still");
}

/** Calls the API as a program would. */
export async function api(method, path, body) {
  const response = await fetch(base + "api/v1/" + path, {
    method,
    headers: { "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw Object.assign(new Error(`${method} ${path} = ${response.status} ${text}`), { status: response.status });
  return text ? JSON.parse(text) : undefined;
}

export const start = (name, input, id) => api("POST", "runs", { name, ...(id ? { id } : {}), input });
export const ended = (id) => api("GET", `runs/${encodeURIComponent(id)}?wait=30s`);

async function control(what) {
  const response = await fetch(process.env.PERDURE_CONTROL + "/" + what, { method: "POST" });
  if (!response.ok) throw new Error(`${what}: ${await response.text()}`);
}
/** kill -9 of the server, and another one on the same address and data. */
export const kill = () => control("kill");
export const restart = () => control("start");

/** The number of the server's process. */
export const pid = async () => Number(await (await fetch(process.env.PERDURE_CONTROL + "/pid")).text());

/** Has the server make work; see load_test.go. */
export async function load(what, params) {
  const response = await fetch(new URL(`/load/${what}?` + new URLSearchParams(params), mount), { method: "POST" });
  if (!response.ok) throw new Error(`${what}: ${await response.text()}`);
}

export class World {
  constructor(browser, name) {
    this.browser = browser;
    this.name = name;
    this.contexts = [];
    this.complaints = [];
    /** Complaints of the console that are expected, such as of a server that was killed. */
    this.allowed = [];
  }

  /** Opens a page in a browser profile of its own. */
  async open(path = "", { root = base, ...options } = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    this.contexts.push(context);
    return this.tab(context, path, root);
  }

  /** Opens another tab of a profile. */
  async tab(context, path = "", root = base) {
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on("console", (m) => {
      if (["error", "warning"].includes(m.type())) this.complaints.push(`${m.type()}: ${m.text()}`);
    });
    page.on("pageerror", (e) => this.complaints.push(`page error: ${e.message}`));
    await page.goto(root + path);
    return page;
  }

  /** Fails if a page has complained of anything. */
  judge() {
    const rest = this.complaints.filter((c) => !this.allowed.some((a) => a.test(c)));
    assert.deepEqual(rest, [], "complaints of the console");
  }

  /** Expects that axe finds nothing. */
  async accessible(page) {
    if (!(await page.evaluate(() => "axe" in globalThis))) {
      await page.evaluate((await import("node:fs")).readFileSync(axe, "utf8"));
    }
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"], rules: { "label-content-name-mismatch": { enabled: true } } }));
    const violations = found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 5).join("; ")}`);
    assert.deepEqual(violations, [], `axe at ${page.url()}`);
  }

  async picture(what) {
    mkdirSync(artifacts, { recursive: true });
    for (const [i, c] of this.contexts.entries()) {
      for (const [j, p] of c.pages().entries()) {
        await p.screenshot({ path: join(artifacts, `${this.name.replace(/\W+/g, "-")}-${what}-${i}${j}.png`) }).catch(() => undefined);
      }
    }
  }

  async close() {
    for (const c of this.contexts) await c.close().catch(() => undefined);
  }
}
