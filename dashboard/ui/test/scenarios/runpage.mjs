// What the page of a run tells beside its steps.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { api, base, scratch, start, until } from "../world.mjs";

const rows = (page) => page.getByRole("grid", { name: "Log of the run" }).getByRole("row");

export const scenarios = {
  async "what a run logs is read and followed"(w) {
    await start("Packs", 5, "to-log");
    await until(async () => (await api("GET", "runs/to-log")).phase === "waiting_event", "the run waits");
    const page = await w.open("runs/to-log?tab=logs");
    await page.getByText("the belt starts").waitFor();
    await page.getByText("the box is torn").waitFor();
    assert.equal(await rows(page).count(), 11, "lines: one of the orchestration, six of packing, three of the tape, one of the box");
    await w.accessible(page);

    // What comes is shown without being asked for.
    await api("POST", "runs/to-log/events/Go", "done");
    await page.getByText("the belt stops").waitFor();

    // Levels and words narrow it down, and stand in the address.
    await page.getByLabel("Least level").selectOption("warn");
    await until(async () => (await rows(page).count()) === 4, "only warnings and errors are shown");
    await page.reload();
    await until(async () => (await rows(page).count()) === 4, "the address keeps the level");
    await page.getByLabel("Filter lines by text").fill("torn");
    await until(async () => (await rows(page).count()) === 1, "only what matches is shown");

    // A line opens with its attributes, and leads to its step.
    await page.getByText("the box is torn").click();
    const line = page.getByRole("complementary", { name: "Line of the log" });
    await line.getByText("parcel:").waitFor();
    await w.accessible(page);
    await line.getByRole("button", { name: "Show the step in the timeline" }).click();
    const inspector = page.getByRole("complementary", { name: "Step pack" });
    await inspector.getByText("the box is torn").waitFor();
    await inspector.getByText("2 attempts").waitFor();
    await w.accessible(page);

    // The step leads back, to its own lines: those of both attempts.
    await inspector.getByRole("button", { name: "Open in the log" }).click();
    await page.getByLabel("Least level").selectOption("debug");
    await until(async () => (await rows(page).count()) === 3, "only the step's lines are shown");
    await page.getByRole("button", { name: /^only pack/ }).click();
    await until(async () => (await rows(page).count()) === 12, "all lines are shown");
  },

  async "a run that logs nothing says how to log"(w) {
    await start("Waits", "", "to-be-silent");
    const page = await w.open("runs/to-be-silent?tab=logs");
    await page.getByText("Nothing was logged").waitFor();
    await w.accessible(page);
  },

  async "an entity is told what to do, and tells what it did"(w) {
    w.allowed.push(/status of 404/, /status of 409/); // it is not there at first, and refuses an operation
    const page = await w.open("entities/counter/shelf");
    await page.getByText("This entity does not exist yet").waitFor();
    await page.getByLabel("Operation").fill("add");
    await page.getByLabel("Input (JSON, may be empty)").fill("{,");
    await page.getByRole("alert").getByText("Line 1").waitFor();
    assert.ok(await page.getByRole("button", { name: "Send signal" }).isDisabled(), "what is no JSON can be sent");
    await page.getByLabel("Input (JSON, may be empty)").fill("");
    await page.getByLabel("Operation").press("Enter");
    await page.getByText("add was accepted").waitFor();
    const done = page.getByRole("list", { name: "What it has done lately" });
    await done.getByText("signalled by a client").waitFor();
    await page.getByRole("button", { name: "Call" }).click();
    await page.getByText("add answered").waitFor();
    await page.getByRole("group", { name: "answer" }).getByText("2").waitFor();
    await done.getByText("called by a client").waitFor();
    await page.getByLabel("Operation").fill("burn");
    await page.getByRole("button", { name: "Call" }).click();
    await page.getByText("it does not burn").first().waitFor();
    await until(async () => (await done.getByRole("listitem").count()) === 3, "three operations are told");
    await done.locator(".is-failed").getByText("it does not burn").waitFor();
    await w.accessible(page);

    // A list says how the last operation went.
    await page.goto(base + "entities?name=counter");
    await page.locator('[data-id="@counter@shelf"]').getByText("burn failed").waitFor();
    await w.accessible(page);
  },

  async "names of what is drawn begin with what is read"(w) {
    await api("POST", "agents/Clerk/sessions/drawn/messages", { message: "Refund order A7." });
    await start("Packs", 3, "to-draw");
    const turn = await until(async () => (await api("GET", "decisions?state=pending")).items.find((d) => d.session?.includes("drawn"))?.run, "a decision is open");
    for (const id of [turn, "to-draw"]) {
      const page = await w.open(`runs/${encodeURIComponent(id)}?tab=graph`);
      await page.getByRole("region", { name: "Graph of the run" }).getByRole("button").first().waitFor();
      await w.accessible(page);
    }
  },

  async "a long run has rows wherever one scrolls"(w) {
    await start("Steps", 400, "to-scroll");
    await until(async () => (await api("GET", "runs/to-scroll")).status === "completed", "the run has ended", 60_000);
    for (const [tab, grid] of [["timeline", "Steps of the run over time"], ["history", "Events of the history"], ["sequence", "Messages by time"]]) {
      const page = await w.open(`runs/to-scroll?tab=${tab}`);
      await page.getByRole("grid", { name: grid }).getByRole("row").nth(10).waitFor();
      for (const top of [0, 55, 111, 112, 3000, 7777]) {
        const blank = await page.evaluate(async ([name, top]) => {
          const box = [...document.querySelectorAll("[role=grid]")].find((e) => e.getAttribute("aria-label") === name);
          box.scrollTop = top;
          for (let i = 0; i < 3; i++) await new Promise((done) => requestAnimationFrame(done));
          const at = box.getBoundingClientRect();
          return [at.top + 60, at.top + at.height / 2, at.bottom - 12].filter((y) => !document.elementFromPoint(at.left + 40, y)?.closest("[role=row]"));
        }, [grid, top]);
        assert.deepEqual(blank, [], `${tab}: nothing is drawn there, scrolled to ${top}`);
      }
    }
  },

  async "it is told what is queued and what is executed"(w) {
    const file = scratch + "/let-go";
    const { id } = await start("Holds", file);
    const list = await w.open("runs?filter=name:Holds");
    await list.locator(`[data-id="${id}"]`).getByText("Executing").waitFor();
    const page = await w.open("runs/" + id);
    await page.getByText(/^Running hold .* on /).waitFor();
    const rows = page.getByRole("grid", { name: "Steps of the run over time" }).locator(".tl-row");
    await until(async () => (await rows.count()) === 2, "both steps are there");
    await rows.nth(0).locator(".part-open").waitFor();
    await rows.nth(1).locator(".part-queued").waitFor();
    await rows.nth(1).click();
    await page.getByText("queued: it waits for a worker").waitFor();
    await w.accessible(page);
    writeFileSync(file, "");
    await page.getByText("Completed in").first().waitFor();
    await list.locator(`[data-id="${id}"]`).getByText("Completed").waitFor();
  },

  async "a run that no worker serves says so, and how one connects"(w) {
    await start("Begins", "nobody serves this", "begins-stuck");
    const below = "filter=" + encodeURIComponent("parent:begins-stuck");
    const { id } = await until(async () => (await api("GET", "runs?" + below)).items.find((r) => r.phase === "stuck"), "the child is stuck");
    const page = await w.open("runs/" + encodeURIComponent(id));
    await page.getByText(/^Stuck .*: no worker serves orchestration "nobody serves this"\.$/).waitFor();
    await page.locator(".run-title").getByText("Stuck", { exact: true }).waitFor();
    await page.getByText("workers and SDKs connect with").waitFor();
    await w.accessible(page);
    const list = await w.open("runs?" + below);
    await list.locator(`[data-id="${id}"]`).getByText("Stuck", { exact: true }).waitFor();
  },

  async "an event is offered by each name that is waited for"(w) {
    await start("WaitsForEither", "", "either");
    await until(async () => (await api("GET", "runs/either")).wait_names?.length === 2, "the run waits for two events");
    const page = await w.open("runs/either");
    await page.getByRole("button", { name: "Raise event…" }).click();
    const dialog = page.getByRole("dialog", { name: "Raise an event" });
    await dialog.getByRole("group", { name: "The run waits for" }).getByRole("button", { name: "Stop" }).click();
    await w.accessible(page);
    await dialog.getByRole("button", { name: "Raise", exact: true }).click();
    await until(async () => (await api("GET", "runs/either")).output === "stop", "the chosen event was raised");
  },

  async "links to a run keep working"(w) {
    await start("Steps", 3, "linked");
    await until(async () => (await api("GET", "runs/linked")).status === "completed", "the run has ended");
    const execution = (await api("GET", "runs/linked")).execution;
    const first = (await api("GET", "runs/linked/steps")).items[0].event_id;
    const page = await w.open();
    for (const [address, seen] of [
      ["?step=3", () => page.getByRole("complementary", { name: "Step step" })],
      [`?step=e${first}`, () => page.getByRole("complementary", { name: "Step step" })],
      ["?steps=nothing", () => page.getByText("No step matches.")],
      ["?from=0&to=1", () => page.getByRole("button", { name: "Whole run" })],
      ["?critical=1", () => page.getByRole("button", { name: "Critical path", pressed: true })],
      ["?tab=history&event=3", () => page.getByRole("complementary", { name: "Event 3" })],
      ["?tab=history&events=TaskCompleted", () => page.getByText("3 of ")],
      ["?tab=conversation", () => page.getByRole("tab", { name: "Conversation", selected: true })],
      ["?tab=graph", () => page.getByRole("region", { name: "Graph of the run" })],
      ["?tab=sequence", () => page.getByRole("grid", { name: "Messages by time" })],
      ["?tab=state&at=3", () => page.getByRole("slider")],
      ["?tab=logs&level=warn", () => page.getByLabel("Least level")],
      ["?tab=related", () => page.getByText("This run has no parent")],
      ["?tab=audit", () => page.getByRole("tab", { name: "Audit", selected: true })],
      [`?execution=${execution}`, () => page.getByText("Completed in").first()],
    ]) {
      await page.goto(base + "runs/linked" + address);
      await seen().waitFor().catch((e) => Promise.reject(new Error(`runs/linked${address}: ${e.message}`)));
      assert.ok(page.url().endsWith(address), `${address} became ${page.url()}`);
    }
    // What is typed stands in the address.
    await page.goto(base + "runs/linked");
    await page.getByLabel("Filter steps by name, kind or status").fill("none at all");
    await page.getByText("No step matches.").waitFor();
    assert.match(page.url(), /steps=none\+at\+all/);
  },

  async "the critical path of a run is shown"(w) {
    const { id } = await start("Order", { item: "tea", fails: 0 });
    const page = await w.open(`runs/${id}`);
    await page.getByText(/waiting .*for PickedUp/i).first().waitFor();
    await page.getByRole("button", { name: "Critical path" }).click();
    assert.match(page.url(), /critical=1/);
    const row = (name) => page.locator(".tl-row", { hasText: name });
    await until(async () => (await row("CheckFraud").getAttribute("class")) === "tl-row", "the slowest step is on it");
    assert.match(await row("PrintLabel").getAttribute("class"), /aside/, "a quicker one is not");
    await w.accessible(page);
    // The head names the children; in the graph a timer has a name.
    await page.getByText("Child", { exact: true }).waitFor();
    await page.getByRole("tab", { name: "Graph" }).click();
    await page.getByRole("region", { name: "Graph of the run" }).getByText("timer", { exact: true }).waitFor();
  },
};
