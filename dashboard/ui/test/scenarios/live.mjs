// How the tabs of a browser follow what happens.
import assert from "node:assert/strict";
import { api, base, ended, start, until } from "../world.mjs";

/** Opens the list of runs where there are no shared workers, and notes its streams. */
async function alone(w, context) {
  const page = await (context ? w.tab(context, "about:blank", "") : w.open("about:blank", { root: "" }));
  await page.addInitScript(() => delete globalThis.SharedWorker);
  page.streams = 0;
  page.on("request", (r) => r.url().includes("/stream?") && page.streams++);
  page.on("requestfailed", (r) => r.url().includes("/stream?") && page.streams--);
  page.on("requestfinished", (r) => r.url().includes("/stream?") && page.streams--);
  await page.goto(base + "runs");
  await page.getByRole("button", { name: /Live/ }).waitFor();
  return page;
}

const completed = (page, id) => page.locator(`[data-id="${id}"]`).getByText("Completed").waitFor();

export const scenarios = {
  async "without shared workers one tab leads, and another when it is closed"(w) {
    const first = await alone(w);
    const second = await alone(w, first.context());
    await ended((await start("Steps", 1, "led-1")).id);
    await completed(first, "led-1");
    await completed(second, "led-1");
    assert.deepEqual([first.streams, second.streams], [1, 0], "streams of the two tabs");
    await first.close();
    await until(() => second.streams === 1, "the second tab leads");
    await ended((await start("Steps", 1, "led-2")).id);
    await completed(second, "led-2");
  },

  async "a page that is hidden for a minute follows nothing, and catches up"(w) {
    const page = await alone(w);
    await until(() => page.streams === 1, "it follows");
    const show = (state) =>
      page.evaluate((state) => {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, state);
    await start("Waits", "x", "hidden-1");
    await page.locator('[data-id="hidden-1"]').getByText("Waiting for event").waitFor();
    // A minute passes for the page alone.
    await page.evaluate(() => {
      const real = setTimeout;
      globalThis.setTimeout = (f, ms, ...more) => real(f, ms === 60_000 ? 300 : ms, ...more);
    });
    await show("hidden");
    assert.equal(page.streams, 1, "it leaves at once");
    await until(() => page.streams === 0, "it follows nothing");
    await api("POST", "runs/hidden-1/events/Go", "now");
    await ended("hidden-1");
    await start("Steps", 1, "hidden-2");
    await ended("hidden-2");
    assert.equal(await page.locator('[data-id="hidden-2"]').count(), 0);
    await show("visible");
    await completed(page, "hidden-1");
    await completed(page, "hidden-2");
  },
};
