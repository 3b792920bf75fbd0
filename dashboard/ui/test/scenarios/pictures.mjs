// The pictures of the documentation: `make pictures` writes them to docs/pictures. Those
// in dark are only kept beside those of failures.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { api, artifacts, ended, pictures, quiet, start, until } from "../world.mjs";

const phase = (id, want) => until(async () => (await api("GET", `runs/${id}`)).phase === want, `${id} is ${want}`);
const order = (id, input, tags) => api("POST", "runs", { name: "Order", id, input, tags });

/** Fills the server with what a shop would have. */
async function shop() {
  await Promise.all([
    order("order-1041", { item: "a lamp", fails: 2 }, { customer: "ada" }),
    order("order-1042", { item: "a desk", fails: 3, pause: 3_600_000 }, { customer: "grace" }),
    order("order-1040", { item: "a chair", fails: 0 }, { customer: "alan" }),
    start("ExpertPanel", "What is temperature?", "panel-7"),
    start("Fragile", "/none", "import-17"),
    start("Steps", 12, "nightly-3"),
    api("POST", "agents/Clerk/sessions/ada/messages", { message: "The lamp of order A7 came broken. I want my money back." }),
  ]);
  await ended("panel-7");
  await phase("order-1040", "waiting_event");
  await api("POST", "runs/order-1040/events/PickedUp", "Alan");
  await ended("order-1040");
  await phase("order-1041", "waiting_event");
  await phase("order-1042", "retrying");
  await until(async () => (await api("GET", "decisions?state=pending")).items.length === 1, "a decision is open");
}

const shots = {
  runs: ["runs", (page) => page.locator('[data-id="order-1041"]')],
  timeline: ["runs/order-1041", (page) => page.getByText("PickedUp").first()],
  approval: ["agents/Clerk/s/ada", (page) => page.getByRole("button", { name: /^Deny/ })],
  agents: ["runs/panel-7?tab=graph", (page) => page.getByText("Judge", { exact: true }).first()],
};

export const scenarios = {
  async "pictures are taken"(w) {
    await shop();
    for (const folder of [pictures, artifacts]) mkdirSync(folder, { recursive: true });
    const sharp = process.env.PERDURE_PICTURES ? 1.5 : 1;
    const page = await w.open("", { colorScheme: "light", viewport: { width: 1200, height: 620 }, deviceScaleFactor: sharp, reducedMotion: "reduce" });
    for (const [name, [path, there]] of Object.entries(shots)) {
      await page.goto(process.env.PERDURE_URL + path);
      await there(page).waitFor();
      await quiet(page);
      await page.mouse.move(700, 600);
      for (const [colorScheme, folder, suffix] of [["light", pictures, ""], ["dark", artifacts, "-dark"]]) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(folder, name + suffix + ".png"), animations: "disabled" });
      }
      await page.emulateMedia({ colorScheme: "light" });
    }
  },
};
