// The counts of runs by status and phase, as the stream tells them about every second.
import type { RunCount } from "../api";

/** With more new runs between two counts than that, much happens. */
const many = 20;

/** How many runs there are, or of a status or phase. */
export function runsOf(items: RunCount[], key?: "status" | "phase", value?: string): number {
  return items.filter((i) => !key || i[key] === value).reduce((n, i) => n + i.count, 0);
}

/** Whether so much happens that nobody can follow it row by row. */
export function muchHappens(before: RunCount[], now: RunCount[]): boolean {
  return Math.abs(runsOf(now) - runsOf(before)) > many;
}
