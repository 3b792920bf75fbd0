// The shell and the list of runs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { api, base, ended, kill, mount, restart, sleep, start, until } from "../world.mjs";

const rows = (page) => page.locator(".table [data-row]");

export const scenarios = {
  async "an empty server says how to begin"(w) {
    const page = await w.open("runs");
    await page.getByText("No runs yet").waitFor();
    await w.accessible(page);
  },

  async "the overview tells runs that wait from each other, and counts phases"(w) {
    await start("Waits", "x", "need-one");
    await start("Waits", "x", "need-two");
    await api("POST", "agents/Clerk/sessions/overview/messages", { message: "Refund order A7." });
    const page = await w.open("");
    const needs = page.getByRole("region", { name: "Needs you" });
    for (const id of ["need-one", "need-two", "12000"]) await needs.getByText(id).first().waitFor();
    const phases = page.getByRole("list", { name: "Runs by phase" });
    await phases.getByText(/Waiting for event/).waitFor();
    await phases.getByRole("link", { name: /^Active sessions [1-9]/ }).waitFor();
    await w.accessible(page);
    await phases.getByRole("link", { name: /^Active sessions/ }).click();
    await page.locator(".table [data-row]").first().waitFor();
    for (const id of ["need-one", "need-two"]) await api("POST", `runs/${id}/terminate`, {});
    await api("POST", "agents/Clerk/sessions/overview/stop");
  },

  async "a run appears and changes by itself"(w) {
    const page = await w.open("runs");
    const { id } = await start("Waits", "x", "waits-1");
    const row = page.locator(`[data-id="${id}"]`);
    await row.getByText("Waiting for event").waitFor();
    await api("POST", `runs/${id}/events/Go`, "now");
    await row.getByText("Completed").waitFor();
  },

  async "a filter is read by the server"(w) {
    await ended((await start("Steps", 2, "steps-1")).id);
    await ended((await start("Fragile", "/none", "fragile-1")).id);
    const page = await w.open("runs");
    await until(async () => (await rows(page).count()) >= 2, "both runs are shown");
    await page.keyboard.press("/");
    await page.keyboard.type("status:failed");
    await until(async () => (await rows(page).count()) === 1, "one row is left");
    await page.getByText("the warehouse has no such file").first().waitFor();
    assert.match(page.url(), /filter=status%3Afailed/);
    w.allowed.push(/400/);
    await page.getByRole("searchbox").fill("statuss:failed");
    await page.getByRole("alert").filter({ hasText: "status" }).waitFor();
    await page.getByRole("button", { name: "All", exact: true }).click();
    await until(async () => (await rows(page).count()) >= 2, "all rows are back");
  },

  async "runs are opened and left by keys alone"(w) {
    await ended((await start("Steps", 1, "steps-keys")).id);
    const page = await w.open("");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
    await rows(page).first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await until(() => /\/runs\/.+/.test(page.url()), "a run is shown");
    await page.goBack();
    await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await until(async () => (await page.getByRole("dialog").count()) === 0, "the help is closed");
  },

  async "a run is started in a dialog"(w) {
    const page = await w.open("runs");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Start a run" });
    await dialog.getByLabel("Orchestration").selectOption("Steps");
    await dialog.getByLabel(/^Id/).fill("from-dialog");
    await dialog.getByLabel(/^Input/).fill("{");
    await dialog.getByRole("alert").filter({ hasText: "line 1" }).waitFor();
    await dialog.getByLabel(/^Input/).fill("3");
    await dialog.getByText(/^Tags, version/).click();
    await dialog.getByLabel(/^Tags/).fill("team");
    await dialog.getByRole("alert").filter({ hasText: "key=value" }).waitFor();
    await dialog.getByLabel(/^Tags/).fill("team=pay = all\nfor=test");
    await dialog.getByLabel(/^Begin at/).fill("2020-01-02T03:04");
    await dialog.getByLabel(/^If the id exists/).selectOption("get");
    await w.accessible(page);
    await dialog.getByRole("button", { name: "Start", exact: true }).click();
    await until(() => page.url().endsWith("/runs/from-dialog"), "the run is shown");
    assert.equal((await ended("from-dialog")).output, 3);
    assert.deepEqual((await api("GET", "runs/from-dialog")).tags, { team: "pay = all", for: "test" });
    await page.goto(base + "runs");
    await page.keyboard.press("n");
    await dialog.getByLabel(/^Id/).fill("from-dialog");
    await dialog.getByText(/^Tags, version/).click();
    await dialog.getByLabel(/^If the id exists/).selectOption("get");
    await dialog.getByRole("button", { name: "Start", exact: true }).click();
    await until(() => page.url().endsWith("/runs/from-dialog"), "the run that was there is shown");
  },

  async "a run is taken along as command, link and file"(w) {
    await ended((await start("Steps", 1, "it's mine")).id);
    const page = await w.open("runs/it's%20mine", { permissions: ["clipboard-read", "clipboard-write"] });
    const choose = async (item) => {
      await page.getByRole("button", { name: "Copy or download the run" }).click();
      await page.getByRole("menuitem", { name: item }).waitFor();
      await w.accessible(page);
      await page.getByRole("menuitem", { name: item }).click();
    };
    const copied = (text) => until(async () => (await page.evaluate(() => navigator.clipboard.readText())) === text, `${text} is copied`);
    await choose("Copy as CLI command");
    await copied(String.raw`perdure run get 'it'\''s mine' --hub ` + base.replace(/\/$/, ""));
    await choose("Copy link");
    await copied(page.url());
    const [file] = await Promise.all([page.waitForEvent("download"), choose("Download JSON")]);
    assert.equal(JSON.parse(readFileSync(await file.path(), "utf8")).id, "it's mine");
    for (const path of ["runs", "entities", "workers", "agents/Joker"]) {
      await page.goto(base + path);
      await page.getByRole("button", { name: /^Copy or download/ }).click();
      await page.getByRole("menuitem", { name: "Copy as CLI command" }).waitFor();
    }
  },

  async "the key that opens a dialog is not typed into it"(w) {
    const page = await w.open("runs");
    for (let n = 0; n < 4; n++) {
      await page.keyboard.press("g");
      await page.keyboard.press("e");
      await page.getByRole("heading", { name: "Entities", level: 1 }).waitFor();
      await sleep(1000); // letters of a choice count together for so long
      await page.keyboard.press("g");
      await page.keyboard.press("r");
      await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
      await page.keyboard.press("n");
      const names = page.getByRole("dialog", { name: "Start a run" }).getByLabel("Orchestration");
      await names.waitFor();
      await page.keyboard.type("Wi"); // chooses among the names
      assert.equal(await names.inputValue(), "Wide");
      await page.keyboard.press("Escape");
      await until(async () => (await page.getByRole("dialog").count()) === 0, "it is closed");
    }
  },

  async "the server is killed and comes back"(w) {
    w.allowed.push(/Failed to load resource|net::ERR|WebSocket|fetch/i);
    await start("Waits", "x", "offline");
    const page = await w.open("runs");
    await page.getByRole("button", { name: /Live/ }).waitFor();
    const inbox = await w.tab(page.context(), "inbox?id=run:offline");
    const send = inbox.getByRole("button", { name: /^Send true/ });
    await until(() => send.isEnabled(), "an answer can be given");
    const entity = await w.tab(page.context(), "entities/counter/offline");
    await entity.getByLabel("Operation").fill("add");
    const before = await rows(page).count();
    await kill();
    await page.getByRole("alert").filter({ hasText: "does not answer" }).waitFor();
    assert.ok(await page.getByRole("button", { name: "Start", exact: true }).isDisabled(), "a run can be started");
    await inbox.getByRole("status").filter({ hasText: "The server does not answer." }).waitFor();
    assert.ok(await send.isDisabled(), "an answer can be sent");
    await inbox.keyboard.press("a");
    assert.equal(await inbox.getByRole("alertdialog").count(), 0, "an answer is asked for");
    await entity.getByRole("status").filter({ hasText: "The server does not answer." }).waitFor();
    assert.ok(await entity.getByRole("button", { name: "Send signal" }).isDisabled(), "an entity can be told");
    await restart();
    const began = Date.now();
    const { id } = await start("Steps", 2, "after-kill");
    await page.locator(`[data-id="${id}"]`).getByText("Completed").waitFor();
    const caughtUp = Date.now() - began;
    assert.ok(caughtUp < 4000, `it has caught up after ${caughtUp} ms, want 2 s (twice that fails)`);
    const ids = await page.locator(".table [data-row]").evaluateAll((all) => all.map((r) => r.dataset.id));
    assert.equal(new Set(ids).size, ids.length, "no row is doubled");
    assert.equal(ids.length, before + 1, "no row is lost");
    await until(() => send.isEnabled(), "an answer can be given again");
    return { caught_up_ms: caughtUp };
  },

  async "below another path nothing complains"(w) {
    const page = await w.open("", { root: mount });
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    for (const name of ["Inbox", "Runs", "Agents", "Entities", "Workers", "Charts"]) {
      await page.getByRole("link", { name: new RegExp("^" + name) }).first().click();
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      assert.ok(page.url().startsWith(mount), page.url());
    }
    await page.reload();
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    const { id } = await start("Steps", 1, "mounted");
    await page.getByRole("link", { name: /^Runs/ }).first().click();
    await page.locator(`[data-id="${id}"]`).waitFor();
  },

  async "two tabs share one connection"(w) {
    const page = await w.open("runs");
    await page.getByRole("button", { name: /Live/ }).waitFor();
    const other = await w.tab(page.context(), "runs");
    await other.getByRole("button", { name: /Live/ }).waitFor();
    const { id } = await start("Steps", 1, "two-tabs");
    for (const p of [page, other]) {
      await p.locator(`[data-id="${id}"]`).getByText("Completed").waitFor();
      const own = await p.evaluate(() => performance.getEntriesByType("resource").filter((e) => e.name.includes("/stream")).length);
      assert.equal(own, 0, "a tab streams by itself");
    }
  },

  async "theme and time zone are kept"(w) {
    const page = await w.open("runs");
    await page.getByRole("button", { name: /^Theme/ }).click();
    await page.getByRole("button", { name: /^Theme/ }).click();
    await page.getByRole("button", { name: "Local" }).click();
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await page.getByRole("button", { name: "UTC" }).waitFor();
  },

  async "every page is accessible in light and dark"(w) {
    await ended((await start("Steps", 3, "axe")).id);
    await ended((await start("Counts", "axe", "axe-caller")).id);
    for (const colorScheme of ["light", "dark"]) {
      const page = await w.open("", { colorScheme });
      for (const path of ["", "inbox", "runs", "runs/axe", "agents", "agents/Joker", "entities", "entities/counter/axe", "workers", "charts", "settings", "none/such"]) {
        await page.goto(base + path);
        await page.getByRole("heading").first().waitFor();
        await sleep(400); // what is shown after the first answers
        await w.accessible(page);
      }
    }
  },

  async "it fits a telephone"(w) {
    const page = await w.open("", { viewport: { width: 360, height: 720 } });
    for (const path of ["", "inbox"]) {
      await page.goto(base + path);
      await page.getByRole("heading").first().waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 360, `${path || "overview"} is ${wide} wide`);
      const rail = await page.locator(".rail").evaluate((r) => r.scrollWidth);
      assert.ok(rail <= 360, `the rail is ${rail} wide`);
    }
    const more = async (name) => {
      await page.getByRole("button", { name: "More" }).click();
      await page.getByRole("menuitem", { name }).click({ timeout: 3000 });
    };
    await page.getByRole("button", { name: "More" }).click();
    await w.accessible(page);
    await page.keyboard.press("Escape");
    await more("Theme: light");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
    await more("Times in UTC");
    await more("Settings");
    await page.getByRole("heading", { name: "Settings" }).waitFor();
    await page.getByText("Times in UTC").first().waitFor();
    await more("Keys");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
  },
};
