// Runs the scenarios of one file, one JSON line for each outcome.
import { chromium } from "playwright-core";
import { World } from "./world.mjs";

const file = process.argv[2];
const { scenarios } = await import(`./scenarios/${file}`);
const only = process.argv[3] ?? process.env.PERDURE_ONLY; // part of a scenario's name
const names = Object.keys(scenarios).filter((n) => !only || n.includes(only));
console.log(JSON.stringify({ plan: names }));
const browser = await chromium.launch({
  executablePath: process.env.PERDURE_BROWSER ?? "/usr/bin/chromium-headless-shell",
  args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP evil.test 127.0.0.1"],
});
for (const name of names) {
  const began = Date.now();
  const world = new World(browser, name);
  let error = "";
  let figures;
  try {
    figures = await scenarios[name](world);
    world.judge();
  } catch (e) {
    error = String(e.stack ?? e);
    await world.picture("failed");
  }
  await world.close();
  console.log(JSON.stringify({ scenario: name, error, ms: Date.now() - began, figures }));
}
await browser.close();
process.exit(0);
