// What the page of a run tells beside its steps.
import assert from "node:assert/strict";
import { api, start, until } from "../world.mjs";

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
};
