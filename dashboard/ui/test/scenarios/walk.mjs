// What somebody does who has just found Perdure, with `perdure dev` and nothing read: once
// with the mouse, once with keys alone.
import assert from "node:assert/strict";
import { api, until } from "../world.mjs";

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
const said = async (key) => JSON.stringify(await api("GET", `agents/Joker/sessions/${key}/messages`));
const keyOf = (page) => decodeURIComponent(new URL(page.url()).pathname.split("/").pop());
const rows = (page) => page.locator(".table [data-row]");

/** Presses Tab until the focus is on what has that role and name; fails if that takes long. */
async function tabTo(page, role, name, most = 25) {
  for (let n = 0; n <= most; n++) {
    const there = await page.getByRole(role, { name }).evaluateAll((all) => all.includes(document.activeElement));
    if (there) return n;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${role} ${name} is not reached with ${most} presses of Tab`);
}

const press = async (page, ...keys) => {
  for (const k of keys) await page.keyboard.press(k);
};

export const scenarios = {
  async "a new user goes through with the mouse"(w) {
    const page = await w.open("");
    await heading(page, "Overview");
    const rail = (name) => page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: new RegExp("^" + name) }).click();

    // chat with Joker
    await rail("Agents");
    await page.getByRole("button", { name: "Chat with Joker" }).click();
    await page.getByLabel("Message").fill("Tell me a joke about a pirate.");
    await page.getByRole("button", { name: "Send" }).click();
    await until(async () => (await said(keyOf(page))).includes("demo model"), "Joker has answered");
    await page.locator("main").getByText("demo model").first().waitFor();

    // start the content approval
    await rail("Runs");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Start a run" });
    await dialog.getByLabel("Orchestration").selectOption("ContentApproval");
    await dialog.getByLabel(/^Input/).fill("the tides");
    await dialog.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByText(/waiting .*for ApprovalDecision/i).first().waitFor();
    const id = keyOf(page);

    // see it wait in the inbox, approve it, watch it publish
    await rail("Inbox");
    await page.getByRole("heading", { name: "ContentApproval waits for ApprovalDecision" }).waitFor();
    await page.locator(".inbox-detail").getByRole("link", { name: id }).waitFor();
    await page.getByRole("button", { name: /^Approve/ }).click();
    await page.getByText("Nothing waits for you").first().waitFor();

    // find it by filter
    await rail("Runs");
    await page.getByRole("searchbox").fill("name:ContentApproval status:completed");
    await rows(page).first().waitFor();
    await rows(page).first().click();
    await page.getByText("Content published").first().waitFor();

    // rewind a failed run
    await rail("Runs");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await dialog.getByLabel("Orchestration").selectOption("Delivery");
    await dialog.getByLabel(/^Input/).fill('"a lamp"');
    await dialog.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByText("the warehouse is closed").first().waitFor();
    const failed = keyOf(page);
    await rail("Entities");
    await page.getByRole("link", { name: "main" }).click();
    await page.getByLabel("Operation").fill("Open");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("Open was accepted").waitFor();
    await rail("Runs");
    await page.getByRole("button", { name: "Failed 24 h" }).click();
    await page.locator(`[data-id="${failed}"]`).click();
    await page.getByRole("button", { name: /^Rewind/ }).first().click();
    await page.getByText("2 steps reused, 1 run again").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Rewind" }).click();
    await page.getByText("Delivered from").first().waitFor();
    assert.equal((await api("GET", `runs/${failed}`)).status, "completed");
  },

  async "a new user goes through with keys alone"(w) {
    await api("POST", "entities/warehouse/main/signal", { operation: "Close" }); // as a new user finds it
    await until(async () => (await api("GET", "entities/warehouse/main")).state.open === false, "the warehouse is closed");
    const page = await w.open("");
    await heading(page, "Overview");

    // chat with Joker
    await press(page, "g", "a");
    await heading(page, "Agents");
    await page.getByRole("button", { name: "Chat with Joker" }).waitFor();
    await tabTo(page, "button", "Chat with Joker");
    await press(page, "Enter");
    await until(() => page.getByLabel("Message").evaluate((e) => e === document.activeElement), "the message has the focus");
    await page.keyboard.type("Tell me a joke about a pirate.");
    await press(page, "Enter");
    await until(async () => (await said(keyOf(page))).includes("demo model"), "Joker has answered");
    await page.locator("main").getByText("demo model").first().waitFor();
    await press(page, "Escape", "g", "r");

    // start the content approval
    await heading(page, "Runs");
    await press(page, "n");
    await page.getByRole("dialog", { name: "Start a run" }).waitFor();
    await tabTo(page, "combobox", "Orchestration", 0);
    await page.keyboard.type("ContentA");
    await tabTo(page, "textbox", /^Input/);
    await page.keyboard.type('"the moon"');
    await tabTo(page, "button", "Start");
    await press(page, "Enter");
    await page.getByText(/waiting .*for ApprovalDecision/i).first().waitFor();
    const id = keyOf(page);

    // see it wait in the inbox, approve it, watch it publish
    await press(page, "g", "i");
    await page.getByRole("heading", { name: "ContentApproval waits for ApprovalDecision" }).waitFor();
    await page.locator(".inbox-detail").getByRole("link", { name: id }).waitFor();
    await press(page, "a");
    await page.getByRole("alertdialog").waitFor();
    await until(() => page.evaluate(() => document.activeElement?.textContent?.startsWith("Yes")), "the question has the focus");
    await press(page, "Enter");
    await page.getByText("Nothing waits for you").first().waitFor();

    // find it by filter
    await press(page, "g", "r");
    await heading(page, "Runs");
    await press(page, "/");
    await page.keyboard.type(`name:ContentApproval status:completed id:${id}`);
    await until(async () => (await rows(page).count()) === 1 && (await page.locator(`[data-id="${id}"]`).count()), "it is found");
    await press(page, "Enter", "j", "Enter");
    await page.getByText("Content published").first().waitFor();

    // rewind a failed run
    await press(page, "g", "r");
    await heading(page, "Runs");
    await press(page, "n");
    await page.getByRole("dialog", { name: "Start a run" }).waitFor();
    await page.keyboard.type("Deli");
    await tabTo(page, "textbox", /^Input/);
    await page.keyboard.type('"a lamp"');
    await press(page, "Control+Enter");
    await page.getByText("the warehouse is closed").first().waitFor();
    const failed = keyOf(page);
    await press(page, "g", "e");
    await heading(page, "Entities");
    await rows(page).first().waitFor();
    await until(async () => {
      await press(page, "j");
      return page.evaluate(() => document.activeElement?.dataset.id === "@warehouse@main");
    }, "the warehouse has the focus");
    await press(page, "Enter");
    await page.getByLabel("Operation").waitFor();
    await tabTo(page, "textbox", "Operation"); // with the names of those that were sent before
    await page.keyboard.type("Open");
    await press(page, "Enter");
    await page.getByText("Open was accepted").waitFor();
    await press(page, "Escape", "g", "r");
    await heading(page, "Runs");
    await press(page, "/");
    await page.keyboard.type("status:failed");
    await until(async () => (await rows(page).count()) === 1 && (await page.locator(`[data-id="${failed}"]`).count()), "it is found");
    await press(page, "Enter", "j", "Enter");
    await page.getByRole("button", { name: /^Rewind/ }).first().waitFor();
    await tabTo(page, "button", /^Rewind/);
    await press(page, "Enter");
    await page.getByText("2 steps reused, 1 run again").waitFor();
    await tabTo(page, "button", "Rewind");
    await press(page, "Enter");
    await page.getByText("Delivered from").first().waitFor();
    assert.equal((await api("GET", `runs/${failed}`)).status, "completed");
  },
};
