// The list of runs: what is done to one from its menu, and to many at once.
import assert from "node:assert/strict";
import { api, base, ended, sleep, start, until } from "../world.mjs";

const rows = (page) => page.locator(".table [data-row]");
const row = (page, id) => page.locator(`[data-id="${id}"]`);
const status = async (id) => (await api("GET", `runs/${id}`)).status;

/** Starts runs that wait for an event. */
async function waiting(prefix, n) {
  const ids = Array.from({ length: n }, (_, i) => `${prefix}-${i}`);
  for (const id of ids) await start("Waits", "", id);
  return ids;
}

export const scenarios = {
  async "more than the newest answers of people are listed"(w) {
    const ids = await waiting("told", 210);
    for (const id of ids) await api("POST", `runs/${id}/events/go`, id);
    const page = await w.open("inbox?tab=answered");
    const rows = page.getByRole("option").filter({ hasText: /^told-/ });
    await until(async () => (await rows.count()) >= 190, "the first page is shown");
    assert.equal(await rows.filter({ hasText: "told-0 " }).count(), 0);
    await w.accessible(page);
    await page.getByRole("button", { name: "Show earlier ones" }).click();
    await rows.filter({ hasText: "told-0 " }).waitFor();
    assert.equal(await rows.count(), ids.length);
  },

  async "what is wrong in a filter is marked and can be mended"(w) {
    w.allowed.push(/400/);
    await ended((await start("Steps", 1, "marked-0")).id);
    const page = await w.open("runs");
    await page.getByLabel("Filter", { exact: true }).fill("id:marked-0 creatd>toady");
    const alert = page.locator("#filter-error");
    await until(async () => (await alert.locator("mark").allInnerTexts()).join() === "creatd", "the field is marked");
    await alert.getByText(/column 13/).waitFor();
    await w.accessible(page);
    await alert.getByRole("button", { name: "Search id:marked-0 created>toady" }).click();
    await until(async () => (await alert.locator("mark").allInnerTexts()).join() === "toady", "the value is marked");
    await alert.getByRole("button", { name: "Search id:marked-0 created>today" }).click();
    await until(async () => (await alert.count()) === 0, "nothing is wrong any more");
  },

  async "a run is restarted under an id and with a version of one's own"(w) {
    await ended((await start("Steps", 1, "again-0")).id);
    const page = await w.open("runs/again-0");
    await page.getByRole("button", { name: "Restart…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Version").fill("7");
    await dialog.getByLabel("Under a new id").check();
    await dialog.getByLabel(/^Id/).fill("again-0");
    await w.accessible(page);
    w.allowed.push(/409/);
    await dialog.getByRole("button", { name: "Restart", exact: true }).click();
    await dialog.getByRole("alert").waitFor(); // it is in use
    await dialog.getByLabel(/^Id/).fill("again-1");
    await dialog.getByRole("button", { name: "Restart", exact: true }).click();
    await until(() => page.url().includes("/runs/again-1"), "the new run is shown");
    const run = await ended("again-1");
    assert.ok(run.version === "7" && run.input === 1, JSON.stringify(run));
    assert.equal((await api("GET", "runs/again-0")).status, "completed");
  },

  async "a run is acted upon from its row, by mouse and by keys"(w) {
    const [a, b] = await waiting("menu", 2);
    const page = await w.open("runs?filter=id:menu*");
    await row(page, a).hover();
    await row(page, a).getByRole("button", { name: "Actions of menu-0" }).click();
    const menu = page.getByRole("menu");
    await menu.getByRole("menuitem", { name: /^Suspend/ }).waitFor();
    assert.equal(await menu.getByRole("menuitem", { name: /^Purge/ }).getAttribute("aria-disabled"), "true");
    await menu.getByText("the run has not ended").first().waitFor();
    await w.accessible(page);
    await menu.getByRole("menuitem", { name: /^Suspend/ }).click();
    await row(page, a).getByText("Suspended").waitFor();
    assert.equal(await status(a), "suspended");
    // By keys: the menu of the other row, closed, then an event for it.
    await row(page, b).focus();
    await page.keyboard.press("m");
    await menu.waitFor();
    await page.keyboard.press("Escape");
    await until(async () => (await menu.count()) === 0, "the menu is closed");
    await until(() => page.evaluate((id) => document.activeElement?.dataset.id === id, b), "the row has the focus again");
    await page.keyboard.press("e");
    const dialog = page.getByRole("dialog", { name: "Raise an event" });
    await dialog.waitFor();
    await dialog.getByRole("textbox").last().fill('"by key"');
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await row(page, b).getByText("Completed").waitFor();
    assert.equal((await api("GET", `runs/${b}`)).output, "by key");
  },

  async "many runs are acted upon at once"(w) {
    const ids = await waiting("many", 6);
    await api("POST", "runs/many-5/events/Go", "x");
    await until(async () => (await status("many-5")) === "completed", "the last one has ended");
    const page = await w.open("runs?filter=id:many*");
    await until(async () => (await rows(page).count()) === 6, "all are shown");
    const shown = await rows(page).evaluateAll((all) => all.map((r) => r.dataset.id));
    await row(page, shown[0]).focus();
    await page.keyboard.press("x");
    for (let i = 0; i < 5; i++) await page.keyboard.press("j");
    await page.keyboard.press("X");
    await page.getByText("6 selected").waitFor();
    await w.accessible(page);
    await page.getByRole("toolbar").getByRole("button", { name: /^Terminate/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("5 of 6 runs").waitFor();
    await dialog.getByText("the run has ended (completed)").waitFor();
    assert.ok(await dialog.getByRole("button", { name: "Terminate" }).isDisabled(), "it goes on without the number");
    await dialog.getByLabel(/^Type 5/).fill("5");
    await dialog.getByLabel(/^Reason/).fill("cleaning up");
    await w.accessible(page);
    await dialog.getByRole("button", { name: "Terminate" }).click();
    await dialog.getByText("5 runs terminated").waitFor();
    await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
    for (const id of ids.slice(0, 5)) {
      const run = await api("GET", `runs/${id}`);
      assert.equal(run.status, "terminated");
      assert.equal(run.output, "cleaning up");
    }
    await row(page, ids[0]).getByText("Terminated").waitFor();
    assert.equal(await page.getByText("selected").count(), 0, "the selection is given up");
  },

  async "all that match are purged, more than are shown"(w) {
    for (let i = 0; i < 130; i += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, j) => start("Steps", 1, `purge-${i + j}`)));
    }
    await until(async () => (await api("GET", "run-counts?filter=" + encodeURIComponent("status:completed id:purge*"))).total === 130, "all have ended");
    const page = await w.open("runs?filter=" + encodeURIComponent("id:purge*"));
    await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
    await page.getByText("100 selected").waitFor();
    await page.getByRole("button", { name: "Select all 130 that match" }).click();
    await page.getByText("All 130 that match").waitFor();
    await page.getByRole("toolbar").getByRole("button", { name: /^Purge/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("130 of 130 runs").waitFor();
    await dialog.getByLabel(/^Type 130/).fill("130");
    await dialog.getByRole("button", { name: "Purge", exact: true }).click();
    await dialog.getByText("130 runs purged").waitFor();
    await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
    await page.getByText("No run matches").waitFor();
    assert.equal((await api("GET", "run-counts?filter=" + encodeURIComponent("id:purge*"))).total, 0);
  },

  async "a batch is stopped in its middle"(w) {
    await waiting("stop", 30);
    const page = await w.open("runs?filter=" + encodeURIComponent("id:stop*"));
    await until(async () => (await rows(page).count()) === 30, "all are shown");
    // The server is slow with each of them, as seen from here: the answer is held back.
    await page.route("**/api/v1/batches", () => undefined);
    await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
    await page.getByRole("toolbar").getByRole("button", { name: /^Suspend/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("30 of 30 runs").waitFor();
    await dialog.getByRole("button", { name: "Suspend", exact: true }).click();
    await dialog.getByRole("button", { name: "Stop", exact: true }).click();
    await dialog.getByText("Stopped: what was done stays done").waitFor();
    assert.equal(await status("stop-0"), "running");
  },

  async "a filter is completed by what runs have"(w) {
    await api("POST", "runs", { name: "Steps", id: "facet-1", input: 1, tags: { team: "two words" } });
    await start("Waits", "", "facet-2");
    const page = await w.open("runs");
    const box = page.getByRole("searchbox");
    await box.waitFor();
    const offers = page.getByRole("listbox", { name: "Completions" });
    await page.keyboard.press("/");
    await page.keyboard.type("na");
    await offers.getByRole("option", { name: /^name/ }).waitFor();
    await w.accessible(page);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await until(async () => (await box.inputValue()) === "name:", "the field is put in");
    await offers.getByRole("option", { name: /^Steps \d/ }).waitFor();
    await page.keyboard.type("Wai");
    await offers.getByRole("option", { name: /^Waits/ }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await until(async () => (await box.inputValue()) === "name:Waits ", "the value is put in");
    await until(async () => page.url().includes("name%3AWaits"), "the list is filtered");
    await row(page, "facet-2").waitFor();
    await until(async () => (await row(page, "facet-1").count()) === 0, "others are not shown");
    // A value that needs quotes, of a tag, by mouse.
    await box.fill("tag.te");
    await offers.getByRole("option", { name: /^tag\.team/ }).click();
    await offers.getByRole("option", { name: /^two words/ }).click();
    assert.equal(await box.inputValue(), 'tag.team:"two words" ');
    await row(page, "facet-1").waitFor();
    await page.keyboard.press("Escape");
    await until(async () => (await offers.count()) === 0, "nothing is offered");
  },

  async "the list is read both ways, and from a time on"(w) {
    for (let i = 0; i < 260; i += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, j) => start("Steps", 0, `page-${String(i + j).padStart(3, "0")}`)));
      if (i === 120) await sleep(1100);
    }
    const middle = (await api("GET", "runs/page-130")).created;
    const page = await w.open("runs?filter=" + encodeURIComponent("id:page*"));
    await until(async () => (await rows(page).count()) > 0, "rows are shown");
    const seen = new Set();
    const note = async () => (await rows(page).evaluateAll((all) => all.map((r) => r.dataset.id))).forEach((id) => seen.add(id));
    await until(async () => {
      await note();
      await page.locator(".table").evaluate((t) => t.scrollBy(0, 600));
      return seen.size === 260;
    }, "all were seen on the way down");
    // From a time on, then up to the newest.
    await page.goto(base + "runs?filter=" + encodeURIComponent("id:page*") + "&at=" + middle.replace(/\.\d+/, ""));
    await page.getByText("Newer runs are above").waitFor();
    await w.accessible(page);
    const first = await rows(page).first().getAttribute("data-id");
    assert.ok(first < "page-130", `the first row is ${first}, want one from before the time`);
    await page.getByRole("button", { name: "Newer", exact: true }).click();
    await until(async () => page.locator(".table").evaluate((t) => t.scrollTop > 0), "rows came above");
    seen.clear();
    await until(async () => {
      await note();
      await page.locator(".table").evaluate((t) => t.scrollBy(0, -600));
      return seen.has("page-259");
    }, "the newest was seen on the way up");
    await until(async () => (await page.getByText("Newer runs are above").count()) === 0, "nothing is above");
    await page.getByLabel("Jump to").fill("2020-01-01T00:00");
    await page.getByText("Newer runs are above").waitFor();
    assert.match(page.url(), /at=20/);
  },

  async "new runs wait while rows are selected or read"(w) {
    await Promise.all(Array.from({ length: 60 }, (_, i) => start("Waits", "", `calm-${i}`)));
    const page = await w.open("runs?filter=" + encodeURIComponent("id:calm*"));
    await until(async () => (await rows(page).count()) > 20, "rows are shown");
    await page.getByRole("button", { name: /Live/ }).waitFor();
    const top = async () => rows(page).first().getAttribute("data-id");
    const before = await top();
    await row(page, before).getByRole("checkbox").click();
    await start("Waits", "", "calm-new-1");
    await page.getByRole("button", { name: "1 new" }).waitFor();
    assert.equal(await top(), before, "rows have moved");
    // What changes is told in place.
    await api("POST", `runs/${before}/suspend`, {});
    await row(page, before).getByText("Suspended").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await until(async () => (await top()) === "calm-new-1", "it came in when nothing was selected any more");
    await page.locator(".table").evaluate((t) => t.scrollTo(0, 600));
    await start("Waits", "", "calm-new-2");
    await start("Waits", "", "calm-new-3");
    await page.getByRole("button", { name: "2 new" }).click();
    await until(async () => (await top()) === "calm-new-3", "they came when they were asked for");
    assert.equal(await page.locator(".table").evaluate((t) => t.scrollTop), 0);
  },

  async "the list is sorted by its titles"(w) {
    await ended((await start("Steps", 1, "sort-1")).id);
    await ended((await start("Fragile", "/none", "sort-2")).id);
    const page = await w.open("runs?filter=" + encodeURIComponent("id:sort*"));
    const order = () => rows(page).evaluateAll((all) => all.map((r) => r.dataset.id).join(" "));
    await until(async () => (await order()) === "sort-2 sort-1", "the newest comes first");
    await page.getByRole("button", { name: "Created" }).click();
    await until(async () => (await order()) === "sort-1 sort-2", "the oldest comes first");
    assert.equal(await page.getByRole("columnheader", { name: "Created" }).getAttribute("aria-sort"), "ascending");
    await page.getByRole("button", { name: "Name" }).click();
    await until(async () => (await order()) === "sort-1 sort-2", "by name, reversed");
    await page.getByRole("button", { name: "Name" }).click();
    await until(async () => (await order()) === "sort-2 sort-1", "by name");
  },

  async "the overview tells what has failed, by cause, and what nobody serves"(w) {
    for (const id of ["cause-1", "cause-2"]) await ended((await start("Fragile", "/none", id)).id);
    await start("Unserved", "", "unserved-1");
    const page = await w.open("");
    await page.getByText("activity nobody").waitFor();
    await page.getByText("! no worker").waitFor();
    const group = page.locator("li").filter({ hasText: "the warehouse has no such file" });
    await group.getByText(/\d failed/).waitFor();
    assert.equal(await group.count(), 1, "failures that are alike are told once");
    await w.accessible(page);
    await group.getByRole("link", { name: "Fragile" }).click();
    await row(page, "cause-1").waitFor();
    await row(page, "cause-2").waitFor();
    assert.match(page.url(), /fingerprint/);
    await page.goto(base + "workers");
    await page.getByText("No worker and no node was lost since this one began.").waitFor();
    await w.accessible(page);
  },

  async "alternatives are found by or, parentheses and new fields"(w) {
    await ended((await start("Steps", 1, "alt-1")).id);
    await ended((await start("Fragile", "/none", "alt-2")).id);
    await start("Waits", "", "alt-3");
    const page = await w.open("runs");
    const shown = (...ids) => until(async () => (await rows(page).evaluateAll((all) => all.map((r) => r.dataset.id).sort().join(" "))) === ids.join(" "), `${ids} are shown`);
    const box = page.getByRole("searchbox");
    await box.fill("id:alt* (status:failed or phase:waiting_event)");
    await shown("alt-2", "alt-3");
    await box.fill("id:alt* -(status:failed or phase:waiting_event)");
    await shown("alt-1");
    await box.fill("id:alt-1 or id:alt-2 duration<1h");
    await shown("alt-1", "alt-2");
    // What comes is judged by the same filter.
    await box.fill("id:alt* (name:Steps or phase:waiting_event)");
    await shown("alt-1", "alt-3");
    await api("POST", "runs/alt-3/events/Go", "x");
    await shown("alt-1");
    w.allowed.push(/400/);
    await box.fill("id:alt* (name:Steps or");
    await page.getByRole("alert").filter({ hasText: "a term is missing" }).waitFor();
    await box.fill("id:alt* cost>1 or id:alt* tokens>5");
    await page.getByText("No run matches").waitFor();
  },

  async "a range of time is drawn, or chosen by keys"(w) {
    await ended((await start("Steps", 0, "hist-1")).id);
    await sleep(1200);
    await ended((await start("Fragile", "/none", "hist-2")).id);
    const page = await w.open("runs?filter=" + encodeURIComponent("id:hist-1 or id:hist-2"));
    await page.getByRole("button", { name: "Histogram" }).click();
    const bars = page.getByRole("slider");
    await bars.waitFor();
    await w.accessible(page);
    const box = await bars.boundingBox();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + 20);
    await page.mouse.up();
    await until(async () => (await rows(page).count()) === 1, "the range holds one");
    await row(page, "hist-2").waitFor();
    assert.match(decodeURIComponent(page.url()), /\(id:hist-1\+or\+id:hist-2\)\+created>=20/);
    await page.goBack();
    await until(async () => (await rows(page).count()) === 2, "going back takes the range away");
    await bars.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Enter");
    await until(async () => (await rows(page).count()) === 1, "the range holds one");
    await row(page, "hist-1").waitFor();
  },

  async "settings tell of the server, and are kept by the browser"(w) {
    const page = await w.open("");
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("heading", { name: "Settings" }).waitFor();
    await page.getByText("completed for ever").waitFor();
    await page.getByText("local (contributor)").waitFor();
    await page.getByRole("combobox", { name: "Theme" }).selectOption("dark");
    await page.getByLabel("Times in UTC").check();
    await w.accessible(page);
    await page.reload();
    assert.equal(await page.getByRole("combobox", { name: "Theme" }).inputValue(), "dark");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    assert.ok(await page.getByLabel("Times in UTC").isChecked());
  },

  async "one comes back to the row that was left, and Esc leaves a dialog only"(w) {
    for (let i = 0; i < 60; i++) await start("Noop", i, `back-${i}`);
    const page = await w.open("runs?filter=back-*");
    await row(page, "back-59").waitFor();
    await page.locator(".table").evaluate((e) => e.scrollTo(0, 28 * 30));
    const left = row(page, "back-20");
    await left.click();
    await page.getByRole("heading", { name: "Noop" }).waitFor();
    await page.getByRole("button", { name: "Restart…" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Restart the run" }).waitFor();
    await page.keyboard.press("Escape");
    await until(async () => (await page.getByRole("dialog").count()) === 0, "the dialog is closed");
    assert.match(page.url(), /runs\/back-20$/, "the page is still that of the run");
    await until(() => page.getByRole("button", { name: "Restart…" }).evaluate((e) => e === document.activeElement), "the focus is where it was");
    await page.keyboard.press("Escape");
    await until(() => page.evaluate(() => document.activeElement?.dataset.id === "back-20"), "its row has the focus");
    assert.ok((await page.locator(".table").evaluate((e) => e.scrollTop)) > 28 * 20, "the list is where it was");
  },

  async "what waits for a person is found, and what was understood of a filter that finds nothing"(w) {
    await api("POST", "agents/Clerk/sessions/to-wait/messages", { message: "Refund order A7." });
    const turn = await until(async () => (await api("GET", "decisions?state=pending")).items.find((d) => d.session?.includes("to-wait"))?.run, "a decision is open");
    const page = await w.open("runs");
    await page.getByRole("button", { name: "Waiting on me" }).click();
    await row(page, turn).getByText("Waiting for approval").waitFor();
    await page.getByRole("columnheader", { name: "Worker" }).waitFor(); // at 1280
    await page.goto(base + "runs?filter=" + encodeURIComponent('created>-24h "no such" (status:failed or phase:waiting_approval)'));
    await page.getByText("No run matches").waitFor();
    await page.getByRole("button", { name: /^created>20\d\d-.*✕$/ }).waitFor();
    await page.getByRole("button", { name: "(status:failed or phase:waiting_approval) ✕" }).waitFor();
    await w.accessible(page);
    await page.getByRole("button", { name: '"no such" ✕' }).click();
    await until(async () => (await rows(page).count()) > 0, "the rest of the filter finds runs");
    assert.match(decodeURIComponent(page.url()), /filter=created>20.*\(status:failed\+or\+phase:waiting_approval\)$/);
  },

  async "the runs of a list follow each other on their pages"(w) {
    for (const id of ["beside-1", "aside-1", "beside-2", "aside-2", "beside-3"]) await ended((await start("Noop", 1, id)).id);
    const page = await w.open("runs?sort=created&filter=" + encodeURIComponent("id:beside-1 or id:beside*"));
    await row(page, "beside-1").click();
    const to = async (key, id) => {
      await page.keyboard.press(key);
      await page.locator(".run-id", { hasText: id }).waitFor();
    };
    await page.getByRole("heading", { name: "Noop" }).waitFor();
    await to("]", "beside-2");
    await to("]", "beside-3");
    await to("[", "beside-2");
    await page.keyboard.press("Escape");
    await until(() => page.evaluate(() => document.activeElement?.dataset.id === "beside-1"), "one step back is the list");
    await page.getByRole("button", { name: "Name" }).click();
    await row(page, "beside-3").click();
    await page.getByRole("heading", { name: "Noop" }).waitFor();
    await to("]", "beside-2"); // by name, reversed
  },

  async "a search that gives up says how far it came"(w) {
    const page = await w.open();
    await page.route("**/api/v1/runs?*", async (route) => {
      const answer = await route.fetch();
      const body = { ...(await answer.json()), partial: true, next: "x", searched_to: "2026-01-02T03:04:05Z" };
      await route.fulfill({ response: answer, json: body });
    });
    await page.goto(base + "runs?filter=id:none");
    await page.getByText(/^Searched back to .*there are more\. $/).waitFor();
    await page.getByRole("button", { name: "Search on" }).waitFor();
  },

  async "links to lists keep working"(w) {
    await ended((await start("Noop", 1, "link-list")).id);
    const page = await w.open();
    for (const [address, seen] of [
      ["runs?filter=id%3Alink-list&sort=created", () => row(page, "link-list")],
      ["runs?filter=id:link-list&at=2099-01-01T00:00:00Z&chart=1", () => page.getByRole("slider")],
      ["runs?filter=phase:waiting_approval,waiting_event+-has:child", () => page.getByRole("heading", { name: "Runs" })],
      ["inbox?id=none", () => page.getByRole("heading", { name: "Inbox" })],
      ["agents/Clerk", () => page.getByRole("heading", { name: "Clerk" })],
      ["entities?name=counter", () => page.getByRole("heading", { name: "Entities" })],
      ["workers", () => page.getByRole("heading", { name: "Workers" })],
      ["charts?range=6h", () => page.getByRole("heading", { name: "Charts" })],
    ]) {
      await page.goto(base + address);
      await seen().first().waitFor().catch((e) => Promise.reject(new Error(`${address}: ${e.message}`)));
      assert.equal(page.url(), base + address);
    }
  },
};
