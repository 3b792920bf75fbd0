// What the dashboard may cost, measured. `make test` has the short forms, whose times may
// be twice the budget; PERDURE_SOAK the long ones. Others use the machine too: how long
// work takes here is measured beside, and times may be as much longer as that is.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { api, base, ended, load, pid, quiet, sleep, start, until } from "../world.mjs";

const long = !!process.env.PERDURE_SOAK;
const leeway = long ? 1 : 2;
const runs = long ? 1_000_000 : 3_000;

/** How many times as long work takes as if this process had a core of its own. */
function contention() {
  const began = performance.now(), before = process.cpuUsage();
  while (performance.now() - began < 150);
  const used = process.cpuUsage(before);
  return Math.max(1, 150 / ((used.user + used.system) / 1000));
}

const percentile = (all, p) => [...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor((all.length * p) / 100))];
const round = (x) => Math.round(x * 10) / 10;

/** Measures up to three times, until all that was measured is within what is allowed. */
async function held(budgets, measure) {
  const best = {};
  let slower = 1;
  const allowed = (k, most) => (k.endsWith("_ms") ? most * leeway * slower : k.endsWith("_percent") ? most * leeway : most);
  for (let n = 0; n < 3; n++) {
    slower = Math.max(slower, contention());
    const got = await measure();
    slower = Math.max(slower, contention());
    for (const [k, v] of Object.entries(got)) best[k] = Math.min(best[k] ?? Infinity, round(v));
    if (Object.entries(budgets).every(([k, most]) => best[k] <= allowed(k, most))) break;
  }
  for (const [k, most] of Object.entries(budgets)) {
    assert.ok(best[k] <= allowed(k, most), `${k} is ${best[k]}, the budget ${most}, on a machine that is ${round(slower)} times slower`);
  }
  return { ...best, contention: round(slower) };
}

let filled = false;
/** Fills the server, once. */
async function fill() {
  for (let n = 0; !filled && n < runs; n += 50_000) await load("runs", { n: Math.min(runs, 50_000), prefix: `fill${n}-` });
  if (!filled) await start("Noop", 0, "0-last"); // above those that any letter finds
  filled = true;
}

// In the page: when the first row was painted, and how long tasks were.
function watch() {
  globalThis.seen = { longest: 0 };
  const observer = new MutationObserver(() => {
    if (seen.row === undefined && document.querySelector(".table [data-row]")) {
      seen.row = 0;
      requestAnimationFrame(() => (seen.row = performance.now()));
    }
  });
  observer.observe(document, { childList: true, subtree: true });
  new PerformanceObserver((l) => l.getEntries().forEach((e) => (seen.longest = Math.max(seen.longest, e.duration)))).observe({ type: "longtask" });
}

async function opened(w, path) {
  const page = await w.open("", { root: "about:blank" });
  await page.addInitScript(watch);
  await page.goto(base + path);
  return page;
}

const painted = (page) => page.waitForFunction(() => seen.row > 0).then(() => page.evaluate(() => seen.row));

export const scenarios = {
  async "the first view is painted soon"(w) {
    await fill();
    return held({ contentful_ms: 300, rows_cold_ms: 500, rows_in_app_ms: 150 }, async () => {
      const contentful = [], cold = [], inApp = [];
      for (let n = 0; n < (long ? 9 : 3); n++) {
        const page = await opened(w, "runs");
        cold.push(await painted(page));
        contentful.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
        await page.getByRole("link", { name: /^Workers/ }).click();
        await page.getByRole("heading", { name: "Workers", level: 1 }).waitFor();
        await quiet(page);
        const click = await page.evaluate(() => {
          seen.row = undefined;
          const at = performance.now();
          document.querySelector('nav a[href="runs"]').click();
          return at;
        });
        inApp.push((await painted(page)) - click);
        await page.context().close();
      }
      return { contentful_ms: percentile(contentful, 50), rows_cold_ms: percentile(cold, 50), rows_in_app_ms: percentile(inApp, 50) };
    });
  },

  async "lists and counts are read at once"() {
    await fill();
    await start("Waits", "x", "0-waits");
    await until(async () => (await api("GET", "runs/0-waits")).phase === "waiting_event", "one waits");
    const indexed = ["", "status:failed", "status:running", "phase:waiting_event", "name:Waits", "name:Noop status:completed", "parent:none", "created>-1h", "tag.team:one", "id:0-waits"];
    const any = ["name:N*", "id:ab-*", "duration>1m", "-status:completed", "error:nothing", "name:Noop or name:Waits", "cost>1", "ab", "attempt>3", "(status:failed or phase:stuck) age<1d"];
    const time = async (path) => {
      const began = performance.now();
      const page = await api("GET", path);
      return [performance.now() - began, page];
    };
    const runs = (filter) => "runs?limit=50&filter=" + encodeURIComponent(filter);
    const figures = await held({ indexed_p50_ms: 2, indexed_p95_ms: 20, counts_p95_ms: 10 }, async () => {
      const lists = [], counts = [];
      for (let n = 0; n < (long ? 20 : 5); n++) {
        for (const filter of indexed) lists.push((await time(runs(filter)))[0]);
        counts.push((await time("run-counts?group=status,phase"))[0]);
      }
      return { indexed_p50_ms: percentile(lists, 50), indexed_p95_ms: percentile(lists, 95), counts_p95_ms: percentile(counts, 95) };
    });
    return {
      ...figures,
      ...(await held({ any_p95_ms: 300 }, async () => {
        const all = [];
        for (let n = 0; n < (long ? 5 : 1); n++) for (const filter of any) all.push((await time(runs(filter)))[0]);
        return { any_p95_ms: percentile(all, 95) };
      })),
    };
  },

  async "a key in the filter brings new rows at once"(w) {
    await fill();
    const page = await opened(w, "runs");
    await painted(page);
    await page.evaluate(() => {
      const first = () => document.querySelector(".table [data-row]")?.dataset.id;
      let was = first();
      addEventListener("keydown", () => ((seen.key = performance.now()), (was = first()), (seen.took = undefined)), true);
      new MutationObserver(() => {
        if (seen.took === undefined && first() !== undefined && first() !== was) {
          seen.took = -1;
          requestAnimationFrame(() => (seen.took = performance.now() - seen.key));
        }
      }).observe(document.querySelector("main"), { childList: true, subtree: true, attributes: true });
    });
    const aborted = [];
    page.on("requestfailed", (r) => aborted.push(r.url()));
    const box = page.getByRole("searchbox");
    await box.focus();
    const figures = await held({ key_to_rows_p95_ms: 150 }, async () => {
      const all = [];
      for (const letter of long ? "bcdefghijklmnopqrstuvwxyz" : "cgkm") {
        for (const key of [letter, "Backspace"]) {
          await page.keyboard.press(key);
          await page.waitForFunction(() => seen.took > 0);
          all.push(await page.evaluate(() => seen.took));
        }
      }
      return { key_to_rows_p50_ms: percentile(all, 50), key_to_rows_p95_ms: percentile(all, 95) };
    });
    // Whoever types on does not wait for what he no longer wants.
    await page.route(/runs\?/, async (route) => (await sleep(300), route.continue().catch(() => undefined)));
    await page.keyboard.type("a");
    await sleep(120);
    await page.keyboard.type("b");
    await until(() => aborted.length > 0, "the older request is given up");
    return figures;
  },

  async "what changes is seen at once"(w) {
    const n = long ? 200 : 24;
    for (let i = 0; i < n; i++) await start("Waits", "x", `wait-${i}`);
    const page = await opened(w, "runs?filter=" + encodeURIComponent("name:Waits id:wait-*"));
    await until(async () => (await page.locator(".table [data-row]").count()) > 0, "rows are shown");
    await until(async () => (await api("GET", `runs/wait-${n - 1}`)).phase === "waiting_event", "all wait");
    await page.getByRole("button", { name: /Live/ }).waitFor();
    await quiet(page);
    await page.evaluate(() => {
      seen.done = {};
      new MutationObserver(() => {
        for (const row of document.querySelectorAll(".table [data-row]")) {
          if (!(row.dataset.id in seen.done) && row.textContent.includes("Completed")) seen.done[row.dataset.id] = performance.timeOrigin + performance.now();
        }
      }).observe(document.querySelector("main"), { childList: true, subtree: true, characterData: true });
    });
    await load("events", { n, rate: 20 });
    await until(async () => (await api("GET", `runs/wait-${n - 1}`)).status === "completed", "all have ended");
    const last = await page.evaluate(() => document.querySelector(".table [data-row]").dataset.id);
    await page.waitForFunction((id) => id in seen.done, last);
    const shown = await page.evaluate(() => seen.done);
    const all = [];
    for (const [id, at] of Object.entries(shown)) all.push(at - Date.parse((await api("GET", `runs/${id}`)).completed));
    assert.ok(all.length >= 15, `${all.length} changes were seen`);
    return {
      changes: all.length,
      ...(await held({ change_to_pixel_p50_ms: 150, change_to_pixel_p95_ms: 300 }, () => ({ change_to_pixel_p50_ms: percentile(all, 50), change_to_pixel_p95_ms: percentile(all, 95) }))),
    };
  },

  async "1,000 changes a second leave the page usable"(w) {
    const page = await opened(w, "runs");
    await painted(page);
    await page.getByRole("button", { name: /Live/ }).waitFor();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Performance.enable", { timeDomain: "threadTicks" }); // what the thread has used, not waited
    const metrics = async () => {
      await devtools.send("HeapProfiler.collectGarbage");
      return Object.fromEntries((await devtools.send("Performance.getMetrics")).metrics.map((m) => [m.name, m.value]));
    };
    const seconds = long ? 60 : 3;
    let n = 0;
    const churn = (runs) => load("runs", { n: runs, rate: 500, prefix: `churn${n++}-` }); // each changes twice: begun and ended
    await churn(long ? 1000 : 300);
    return held({ main_thread_percent: 35, longest_task_ms: 100, heap_growth_mb: 5 }, async () => {
      await page.evaluate(() => (seen.longest = 0));
      const before = await metrics();
      const began = Date.now();
      await churn(seconds * 500);
      const took = (Date.now() - began) / 1000;
      const after = await metrics();
      return {
        main_thread_percent: (100 * (after.TaskDuration - before.TaskDuration)) / took,
        longest_task_ms: await page.evaluate(() => seen.longest),
        heap_growth_mb: (after.JSHeapUsedSize - before.JSHeapUsedSize) / 1e6,
        seconds_too_many: took - seconds,
      };
    });
  },

  async "a run of 50,000 events opens and scrolls"(w) {
    const n = long ? 25_000 : 3_000;
    await start("Wide", n, "wide");
    assert.equal((await api("GET", "runs/wide?wait=60s")).output, n);
    const figures = await held({ useful_ms: 800 }, async () => {
      const useful = [];
      for (const tab of ["", "?tab=history"]) {
        const page = await w.open("", { root: "about:blank" });
        const began = Date.now();
        await page.goto(base + "runs/wide" + tab);
        await page.getByText("step").first().waitFor();
        useful.push(Date.now() - began);
        await page.context().close();
      }
      return { useful_ms: Math.max(...useful) };
    });
    for (const tab of ["timeline", "history"]) {
      const page = await w.open("runs/wide" + (tab === "timeline" ? "" : "?tab=history"));
      await page.getByText("step").first().waitFor();
      await quiet(page);
      Object.assign(figures, await held({ [tab + "_nodes"]: 3000, [tab + "_frame_ms"]: 20 }, () => scroll(page, tab)));
    }
    return figures;
  },

  async "the graph of a fan-out of 10,000 is shown at once"(w) {
    const n = long ? 10_000 : 2_000;
    await start("Wide", n, "fan-out");
    assert.equal((await api("GET", "runs/fan-out?wait=60s")).output, n);
    return held({ graph_ms: 500 }, async () => {
      const all = [];
      for (let i = 0; i < 3; i++) {
        const page = await w.open("runs/fan-out");
        await page.getByText("step").first().waitFor();
        await quiet(page);
        const began = Date.now();
        await page.getByRole("tab", { name: "Graph" }).click();
        await page.getByRole("region", { name: "Graph of the run" }).getByRole("button").first().waitFor();
        all.push(Date.now() - began);
        await page.context().close();
      }
      return { graph_ms: percentile(all, 50) };
    });
  },

  async "ten viewers cost the engine little"() {
    let n = 0;
    const once = async ([runs, rate]) => {
      await load("runs", { n: 200, rate: 400, prefix: `before${n++}-` }); // what opening a page has cost is over
      const before = await cpu();
      await load("runs", { n: runs, rate, prefix: `work${n++}-` });
      return (await cpu()) - before;
    };
    const watched = async (work, filters) => {
      const leave = await view(10, filters);
      const used = await once(work);
      leave();
      return used;
    };
    const rounds = long ? 20 : 1;
    const figures = {};
    for (const [name, work] of Object.entries({ usual: [800, 400], ...(long ? { busy: [2_000, 2_000] } : {}) })) {
      await once(work); // warm
      for (const [viewers, filters] of Object.entries({ same: [""], different })) {
        const more = [];
        for (let i = 0; i < rounds; i++) {
          // What the machine does besides comes and goes: those with and without come first by turns.
          const first = i % 2 ? await watched(work, filters) : await once(work);
          const then = i % 2 ? await once(work) : await watched(work, filters);
          more.push(100 * (i % 2 ? first / then - 1 : then / first - 1));
        }
        const [percent, error] = mean(more);
        Object.assign(figures, { [`${name}_${viewers}_more_percent`]: round(percent), [`${name}_${viewers}_error_percent`]: round(error) });
        // The budget is 1 %. It is broken if more than that is sure. One round, in which
        // the machine tells more than the viewers, finds only what is much worse; that
        // viewers are told little has tests that count.
        if (long) assert.ok(percent - 2 * error <= 1, JSON.stringify(figures));
        else assert.ok(percent <= 60, JSON.stringify(figures));
      }
    }
    return figures;
  },
};

/** The mean without the tenth at each end, and how far it may be off. */
function mean(all) {
  const sorted = [...all].sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 10);
  const kept = sorted.slice(cut, sorted.length - cut);
  const m = kept.reduce((a, b) => a + b) / kept.length;
  const variance = kept.reduce((v, x) => v + (x - m) ** 2, 0) / Math.max(1, kept.length - 1);
  return [m, Math.sqrt(variance / kept.length)];
}

/** The marks of ids, as lib/marks.ts makes them. */
function marks(ids) {
  const bytes = ids.flatMap((id) => {
    let h = 2166136261;
    for (const b of Buffer.from(id)) h = Math.imul(h ^ b, 16777619);
    h = (h >>> 24) ^ (h & 0xffffff);
    return [h >> 16, (h >> 8) & 255, h & 255];
  });
  return Buffer.from(bytes).toString("base64url");
}

const different = ["status:failed", "status:running", "name:Noop", "name:Wide", "status:completed", "phase:stuck", "phase:waiting_event", "id:a*", "duration>1m", "has:error"];

/** Follows lists of runs so many times, as pages do, until the function that it returns. */
async function view(viewers, filters) {
  const stop = new AbortController();
  for (let i = 0; i < viewers; i++) {
    const filter = encodeURIComponent(filters[i % filters.length]);
    const { as_of, items } = await api("GET", `runs?limit=100&filter=${filter}`);
    const held = marks(items.map((r) => r.id));
    const response = await fetch(`${base}api/v1/stream?topics=list:${filter}&topics=counts&since=${as_of}&held=${held}`, { signal: stop.signal });
    if (!response.ok) throw new Error(await response.text());
    response.body.pipeTo(new WritableStream()).catch(() => undefined);
  }
  await sleep(300); // what they are told first
  return () => stop.abort();
}

const scrolled = long ? 90 : 40; // frames

/** Scrolls a list up and down for a while: how many nodes there are, how long frames take, and how much of that the page. */
async function scroll(page, tab) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const used = async () => Object.fromEntries((await devtools.send("Performance.getMetrics")).metrics.map((m) => [m.name, m.value])).TaskDuration;
  const before = await used();
  const figures = await page.evaluate(async ([tab, scrolled]) => {
    const box = [...document.querySelectorAll("main *")].filter((e) => e.scrollHeight > e.clientHeight + 200 && /auto|scroll/.test(getComputedStyle(e).overflowY)).pop();
    if (!box) throw new Error("nothing scrolls");
    const frames = [];
    let nodes = 0;
    let last = await new Promise(requestAnimationFrame);
    for (let n = 0; n < scrolled; n++) {
      box.scrollTop = Math.min(n, scrolled - n) * 700;
      const now = await new Promise(requestAnimationFrame);
      frames.push(now - last);
      last = now;
      nodes = Math.max(nodes, document.querySelectorAll("*").length);
    }
    frames.sort((a, b) => a - b);
    return { [tab + "_nodes"]: nodes, [tab + "_frame_ms"]: frames.reduce((a, b) => a + b) / frames.length };
  }, [tab, scrolled]);
  return { ...figures, [tab + "_frame_cpu_ms"]: (1000 * ((await used()) - before)) / scrolled };
}

/** CPU seconds that the server's threads have used. */
async function cpu() {
  const tasks = `/proc/${await pid()}/task`;
  const of = (task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]);
  return readdirSync(tasks).reduce((sum, task) => sum + of(task), 0) / 1e9;
}
