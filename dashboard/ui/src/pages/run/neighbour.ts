// The run before or after the one that is shown, in the list from which it was come to.

import type { Run, RunPage } from "../../api";
import { get, query } from "../../lib/api";
import { below, cameFrom, go, links, param } from "../../lib/router";

/** How many rows of a list are looked through that no time goes by. */
const most = 1000;

/** Goes to the run in the row below (1) or above (-1), in the place of this one: going back leads to the list. */
export async function toNeighbour(run: Run, by: 1 | -1): Promise<void> {
  const next = await neighbour(run, by, listOf(cameFrom()));
  if (next) go(links.run(next) + (param("tab") && `?tab=${param("tab")}`), true);
}

interface List {
  filter: string;
  sort: string;
}

/** The list that an address shows; without one all runs. */
export function listOf(from: URL | undefined): List {
  const asked = from && below(from) === "runs" ? from.searchParams : new URLSearchParams();
  return { filter: asked.get("filter") ?? "", sort: asked.get("sort") || "-created" };
}

async function neighbour(run: Run, by: 1 | -1, { filter, sort }: List): Promise<string | undefined> {
  const down = sort.startsWith("-");
  const field = down ? sort.slice(1) : sort;
  const time = field === "created" ? run.created : field === "completed" ? run.completed : undefined;
  if (!time) {
    const { items } = await get<RunPage>("runs" + query({ filter, sort, limit: most, fields: "id" }));
    const at = items.findIndex((r) => r.id === run.id);
    return at < 0 ? undefined : items[at + by]?.id;
  }
  // From this run on, to one side: those of the same moment may come before it.
  const later = down === by < 0;
  const bound = `${field}${later ? ">=" : "<="}${time}`;
  const { items } = await get<RunPage>("runs" + query({ filter: filter ? `(${filter}) ${bound}` : bound, sort: (later ? "" : "-") + field, limit: 50, fields: "id" }));
  return items[items.findIndex((r) => r.id === run.id) + 1]?.id;
}
