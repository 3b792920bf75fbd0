// What people do: talk, decide, mend.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { api, base, ended, kill, restart, scratch, start, until } from "../world.mjs";

const say = async (page, text) => {
  await page.getByLabel("Message").fill(text);
  await page.getByLabel("Message").press("Enter");
};
const pending = async () => (await api("GET", "decisions?state=pending")).items;

export const scenarios = {
  async "a chat is begun and answered"(w) {
    const page = await w.open("agents");
    await page.getByRole("link", { name: "Joker" }).first().click();
    await page.getByRole("heading", { name: "Joker" }).first().waitFor();
    await page.goto(base + "agents/Joker/s/first");
    await say(page, "Tell me a joke about a pirate.");
    await page.getByText("Why is a pirate called a pirate?").waitFor();
    await w.accessible(page);
    await page.reload();
    await page.getByText("Why is a pirate called a pirate?").waitFor();
  },

  async "agents that work without sessions are told too"(w) {
    await ended((await start("ExpertPanel", "What is temperature?", "expert-panel")).id);
    await ended((await start("AsksGrump", "", "asks-grump")).id);
    await until(async () => (await api("GET", "series?from=-1h")).models.some((m) => m.agent === "Physicist"), "its tokens are counted", 30_000);
    const page = await w.open("agents");
    const card = (name) => page.locator("article").filter({ has: page.getByRole("heading", { name }) });
    await card("Physicist").getByText("0 active, 1 in all").waitFor();
    await card("Physicist").getByText(/^Tokens, 8 days\s*[1-9]/).waitFor();
    await card("Grump").getByRole("link", { name: /the model is on strike/ }).click();
    await until(() => page.url().includes("/runs/asks-grump"), "the turn that has failed is shown");
  },

  async "a session tells who has asked in it and what it has cost"(w) {
    await ended((await start("AsksEcho", "valley", "asks-echo")).id);
    const page = await w.open("agents/Echo");
    const row = page.getByRole("row").filter({ hasText: "valley" });
    await row.getByText(/^\$0\.\d+/).waitFor();
    assert.equal(await row.getByRole("link", { name: "asks-echo" }).count(), 1);
    await row.getByRole("link", { name: "valley" }).click();
    const about = page.locator(".chat-about");
    await about.getByText(/^\$0\.\d+/).waitFor();
    await w.accessible(page);
    await about.getByRole("link", { name: "asks-echo" }).click();
    await page.getByRole("heading", { name: /AsksEcho/ }).first().waitFor();
  },

  async "a run with a call whose outcome is open is purged by force only"(w) {
    w.allowed.push(/409/);
    await start("AsksCourier", "", "asks-courier");
    const turn = await until(async () => {
      for (const r of (await api("GET", "runs?filter=" + encodeURIComponent("parent:asks-courier"))).items) {
        if ((await api("GET", `runs/${r.id}/steps`)).items.some((s) => s.outcome_open)) return r.id;
      }
      return undefined;
    }, "the call was sent");
    await api("POST", "runs/asks-courier/terminate", { recursive: true });
    await ended(turn);
    const page = await w.open("runs/" + encodeURIComponent(turn));
    await page.getByRole("button", { name: "All actions" }).click();
    await page.getByRole("menuitem", { name: /^Purge/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Count first" }).click();
    await dialog.getByText(/what became of a call of ship is not known: answer the decision/).waitFor();
    const force = dialog.getByLabel(/Give up this call/);
    await force.check();
    await w.accessible(page);
    await dialog.getByRole("button", { name: "Count first" }).click();
    await dialog.getByRole("button", { name: "Purge 1 run" }).click();
    await until(() => !page.url().includes("courier"), "the list of runs is shown");
    const told = (await api("GET", "audit?target=" + encodeURIComponent(turn))).items[0];
    assert.ok(told.action === "purge" && told.given_up.length === 1 && told.given_up[0].includes("ship"), JSON.stringify(told));
  },

  async "an answer survives a reload and kill -9 in its middle"(w) {
    w.allowed.push(/Failed to load resource|net::ERR|fetch|network/i);
    const page = await w.open("agents/Joker/s/long");
    await say(page, "Tell me a long story.");
    await page.getByText("And then the pirate went on").first().waitFor();
    await page.reload();
    await page.getByText("And then the pirate went on").first().waitFor();
    await kill();
    await restart();
    const whole = "And then the pirate went on, and on. ".repeat(20).trim();
    await until(
      async () => (await api("GET", "agents/Joker/sessions/long/messages")).items.some((m) => JSON.stringify(m).includes(whole)),
      "the turn has ended",
      60_000,
    );
    await until(async () => {
      const text = (await page.locator("main").innerText()).replace(/\s+/g, " ");
      return text.split("And then the pirate went on, and on.").length - 1 === 20;
    }, "the page has the answer once", 30_000);
  },

  async "hostile answers are harmless"(w) {
    const page = await w.open("agents/Joker/s/hostile");
    await say(page, "Say something hostile.");
    await page.getByText("window.hacked").first().waitFor();
    assert.equal(await page.evaluate(() => window.hacked), undefined, "a script of an answer ran");
    assert.equal(await page.locator("main img").count(), 0, "an image of an answer is loaded");
    assert.equal(await page.locator('a[href^="javascript:"]').count(), 0, "an answer has a link that runs");
    await w.accessible(page);
  },

  async "a call is approved in the inbox by keys alone"(w) {
    await api("POST", "agents/Clerk/sessions/keys/messages", { message: "Refund order A7." });
    await until(async () => (await pending()).length === 1, "a decision is open");
    const page = await w.open("");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.getByRole("heading", { name: "Inbox" }).waitFor();
    await page.getByText("issue_refund").first().waitFor();
    await page.getByText("12000").first().waitFor();
    await w.accessible(page);
    await page.keyboard.press("a");
    await page.getByRole("alertdialog").waitFor();
    await until(() => page.evaluate(() => document.activeElement?.textContent?.startsWith("Yes")), "the question has the focus");
    await page.keyboard.press("Enter");
    await until(async () => (await pending()).length === 0, "it is approved");
    await page.getByText(/Nothing waits for you/).first().waitFor();
    await until(
      async () => JSON.stringify(await api("GET", "agents/Clerk/sessions/keys/messages")).includes("refunded 12000 cents"),
      "the refund is made",
    );
  },

  async "what is to be approved is shown as it is"(w) {
    const orders = {
      turned: ["A\u202e7", "U+202E"],
      alike: ["\u0410pple", "U+0410"],
      "wholly-alike": ["\u0440\u0430\u0443", "U+0440"],
      "second-line": ["A7\ncents: 1", JSON.stringify("A7\ncents: 1")],
      number: ["5", JSON.stringify("5")],
      long: ["A".repeat(1_000_000), "AAAA"],
    };
    for (const [key, [order]] of Object.entries(orders)) {
      await api("POST", `agents/Clerk/sessions/${key}/messages`, { message: "Refund order " + JSON.stringify(order) });
    }
    await until(async () => (await pending()).length === Object.keys(orders).length, "all wait");
    for (const d of await pending()) {
      const [order, shown] = orders[d.session.split("@").pop()];
      const page = await w.open("inbox?id=" + encodeURIComponent(d.id));
      const args = page.locator(".inbox-detail .args");
      await args.waitFor();
      const text = await args.innerText();
      assert.ok(text.includes(shown), `${JSON.stringify(order.slice(0, 20))} is shown as ${JSON.stringify(text.slice(0, 200))}`);
      assert.ok(!text.includes("\u202e"), "a text is turned round");
      assert.deepEqual((await args.locator("dt").allInnerTexts()).sort(), ["cents", "order"]);
      assert.ok(text.length < 100_000, "all of a long text is on the page");
      await page.context().close();
      await api("POST", `decisions/${encodeURIComponent(d.id)}`, { answer: "deny" });
    }
  },

  async "what was answered to an event is told, and by whom"(w) {
    await start("Waits", "", "to-answer");
    const page = await w.open("inbox?id=run:to-answer");
    await page.getByRole("button", { name: /^Send true/ }).click();
    await ended("to-answer");
    await page.getByRole("tab", { name: "Answered" }).click();
    const row = page.getByRole("option").filter({ hasText: "to-answer was told Go" });
    await row.click();
    await page.getByText(/^raised by local/).first().waitFor();
    await page.getByRole("heading", { name: "Data of the event" }).waitFor();
    await w.accessible(page);
    await page.getByRole("link", { name: "Open the run" }).click();
    await page.getByRole("tab", { name: "Conversation" }).click();
    await page.getByText("event Go: true by local").waitFor();
    await page.getByRole("tab", { name: "Sequence" }).click();
    await page.getByRole("columnheader", { name: "people" }).waitFor();
  },

  async "a call is denied in the chat by mouse"(w) {
    const page = await w.open("agents/Clerk/s/mouse");
    await say(page, "Refund order A7.");
    await page.getByRole("button", { name: /^Deny/ }).first().click();
    await page.getByText("It is done.").waitFor();
    assert.ok(!JSON.stringify(await api("GET", "agents/Clerk/sessions/mouse/messages")).includes("refunded"), "it was refunded all the same");
  },

  async "a failed run is found by filter and rewound"(w) {
    const file = join(scratch, "warehouse");
    await ended((await start("Fragile", file, "to-mend")).id);
    const page = await w.open("runs");
    await page.getByRole("searchbox").fill("status:failed");
    await page.locator('[data-id="to-mend"] a').click();
    await page.getByText("the warehouse has no such file").first().waitFor();
    await w.accessible(page);
    writeFileSync(file, "");
    await page.getByRole("button", { name: /^Rewind/ }).first().click();
    await page.getByText(/reused/).first().waitFor();
    await page.getByRole("button", { name: /^Rewind/ }).last().click();
    await until(async () => (await api("GET", "runs/to-mend")).status === "completed", "the run has ended well");
    await page.getByText("Completed").first().waitFor();
  },

  async "a run that has completed is rewound to before a step"(w) {
    await start("Waits", "", "to-turn-back");
    await api("POST", "runs/to-turn-back/events/go", "first");
    await ended("to-turn-back");
    const page = await w.open("runs/to-turn-back?tab=history");
    await page.getByRole("row").filter({ hasText: "eventRaised" }).click();
    await page.getByRole("button", { name: "Rewind to before this event…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Forgotten, and waited for again: go").waitFor();
    await dialog.getByText("0 steps reused, 0 run again").waitFor();
    await w.accessible(page);
    await dialog.getByLabel(/^Reason/).fill("the wrong answer");
    await dialog.getByRole("button", { name: "Rewind" }).click();
    await until(async () => (await api("GET", "runs/to-turn-back")).status === "running", "it runs again");
    await api("POST", "runs/to-turn-back/events/go", "second");
    assert.equal((await ended("to-turn-back")).output, "second");
    await page.getByText("1 older execution").click();
    await page.getByText("until it was rewound").waitFor();
    await page.getByRole("tab", { name: "Audit" }).click();
    const row = page.getByRole("row").filter({ hasText: "the wrong answer" });
    await row.getByText("rewind", { exact: true }).waitFor();
    await w.accessible(page);
  },

  async "a run is told what it waits for"(w) {
    await start("Waits", "", "to-tell");
    const page = await w.open("runs/to-tell");
    await page.getByRole("button", { name: /^Raise event/ }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox").last().fill('"now"');
    await w.accessible(page);
    await dialog.getByRole("button", { name: /^Raise/ }).click();
    assert.equal((await ended("to-tell")).output, "now");
    await page.getByText("Completed").first().waitFor();
  },

  async "a thing is found with the palette"(w) {
    const page = await w.open("");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("Jok");
    await page.getByRole("option", { name: /Joker/ }).first().waitFor();
    await w.accessible(page);
    await page.keyboard.press("Enter");
    await until(() => page.url().endsWith("/agents/Joker"), "the agent is shown");
    const act = async (text, name) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").fill(text);
      await page.getByRole("option", { name }).first().click();
    };
    await act("theme: dark", /^Theme: dark/);
    await page.getByRole("button", { name: "Theme: dark" }).waitFor();
    await start("Waits", "", "from-palette");
    await page.goto(base + "runs/from-palette");
    await page.getByText(/^Waiting/).first().waitFor();
    await act("susp", /^Suspend/);
    await until(async () => (await api("GET", "runs/from-palette")).status === "suspended", "it is suspended");
    await page.getByText("Suspended").first().waitFor();
    await act("termin", /^Terminate/);
    await page.getByRole("dialog", { name: "Terminate the run" }).getByRole("button", { name: "Leave" }).click();
    await act("start", /^Start a run/);
    await page.getByRole("dialog", { name: "Start a run" }).waitFor();
  },
};
