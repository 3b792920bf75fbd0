// The charts, and what the overview has of them.
import assert from "node:assert/strict";
import { ended, start, until } from "../world.mjs";

export const scenarios = {
  async "charts show what has run, and open it"(w) {
    for (const id of ["chart-1", "chart-2", "chart-3"]) {
      await start("Steps", 2, id);
      await ended(id);
    }
    await start("Fragile", "/none", "chart-bad");
    await ended("chart-bad");
    const page = await w.open("charts");
    const runs = page.getByRole("region", { name: "Runs", exact: true });
    await until(async () => {
      await page.reload();
      await page.locator(".charts .card").first().waitFor();
      return (await page.getByRole("region", { name: "Runs by name" }).getByText("Fragile").count()) > 0;
    }, "the counts are written");
    await runs.getByRole("img", { name: /^Runs\. started: at most/ }).waitFor();
    await runs.getByText("Numbers").click();
    await runs.getByRole("table").waitFor();
    await w.accessible(page);
    await page.getByLabel("Runs of").selectOption("Fragile");
    await until(() => /name=Fragile/.test(page.url()), "the address has the name");
    await runs.getByRole("link", { name: "Open these runs" }).click();
    await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
    await page.locator('[data-id="chart-bad"]').waitFor();
    assert.equal(await page.locator('[data-id="chart-1"]').count(), 0, "runs of other names are left out");
    const overview = await w.open("");
    await overview.getByRole("list", { name: "The last hour and today" }).getByText("completed, last hour").waitFor();
  },
};
