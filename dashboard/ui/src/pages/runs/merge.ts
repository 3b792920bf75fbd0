// The rows of the list of runs: pages that were read, and what the stream tells of them.
import type { Gone, Run } from "../../api";
import { newer } from "../../lib/live";

/** A page of the list, as it was read. */
export interface Part {
  items: Run[];
  next?: string | undefined;
  prev?: string | undefined;
}

/** What is shown: pages without a gap, and what has come since. */
export interface Rows {
  parts: Part[];
  /** Runs that belong above what is shown and wait for the person. */
  fresh: Run[];
  /** How many more have come that were not told, or that may have come: with them gone by, what waits cannot be put above. */
  unseen: number;
  /** Ids of rows that no longer match and stay while nothing may move. */
  gone: string[];
}

/** How the list stands while something comes. */
export interface Stand {
  /** It is in the default order: the newest first. */
  newestFirst: boolean;
  /** Nothing may move: rows are selected, or a menu is open. */
  frozen: boolean;
  /** The person looks at the top. */
  atTop: boolean;
  /** When the list was read. */
  since: string;
}

export const pageSize = 100;
/** The rows that are kept: browsers cap heights. */
export const most = 2000;
const mostFresh = 500;

export const none: Rows = { parts: [], fresh: [], unseen: 0, gone: [] };

export const rowsOf = (r: Rows): Run[] => r.parts.flatMap((p) => p.items);
const created = (r: Run): string => r.created ?? "";
const newestFirst = (a: Run, b: Run): number => created(b).localeCompare(created(a)) || b.id.localeCompare(a.id);

/** Takes what the stream tells. Rows change in place; new ones come in, or wait. */
export function merged(rows: Rows, upsert: Run[], gone: Gone[], stand: Stand, unseen = 0): Rows {
  const parts = rows.parts.map((p) => ({ ...p, items: [...p.items] }));
  const places = new Map<string, [number, number]>();
  parts.forEach((p, i) => p.items.forEach((r, j) => places.set(r.id, [i, j])));
  const fresh = new Map(rows.fresh.map((r) => [r.id, r]));
  const left = new Set(rows.gone);
  for (const g of gone) {
    fresh.delete(g.id);
    if (places.has(g.id)) {
      left.add(g.id);
    }
  }
  for (const r of upsert) {
    const place = places.get(r.id);
    if (place) {
      const [i, j] = place;
      if (newer(parts[i]!.items[j]!, r)) {
        parts[i]!.items[j] = r;
        left.delete(r.id);
      }
    } else if (belongs(parts, r, stand)) {
      fresh.set(r.id, r);
    }
  }
  const list = [...fresh.values()].sort(newestFirst).slice(0, mostFresh);
  return settled({ parts, fresh: list, unseen: rows.unseen + unseen, gone: [...left] }, stand);
}

/** Whether a run that is not shown is new: not one of those below or, after a jump, above. */
function belongs(parts: Part[], r: Run, stand: Stand): boolean {
  const last = parts.at(-1);
  if (parts[0]?.prev !== undefined && created(r) <= stand.since) {
    return false;
  }
  const oldest = last?.items.at(-1);
  return !oldest || last?.next === undefined || !stand.newestFirst || created(r) >= created(oldest);
}

/** Lets what has waited move, if it may. */
export function settled(rows: Rows, stand: Stand): Rows {
  if (stand.frozen) {
    return rows;
  }
  let { parts, fresh } = rows;
  if (rows.gone.length > 0) {
    const gone = new Set(rows.gone);
    parts = parts.map((p) => ({ ...p, items: p.items.filter((r) => !gone.has(r.id)) }));
  }
  const live = parts.length > 0 && parts[0]?.prev === undefined;
  if (fresh.length > 0 && rows.unseen === 0 && live && stand.newestFirst && stand.atTop) {
    const all = [...parts[0]!.items, ...fresh].sort(newestFirst);
    parts = kept([{ ...parts[0]!, items: all }, ...parts.slice(1)], "start");
    fresh = [];
  }
  return { parts, fresh, unseen: rows.unseen, gone: [] };
}

/** Adds a page at an end and drops what is too much at the other. */
export function added(rows: Rows, page: Part, where: "start" | "end"): Rows {
  const have = new Set(rowsOf(rows).map((r) => r.id));
  const part = { ...page, items: page.items.filter((r) => !have.has(r.id)) };
  const parts = where === "end" ? [...rows.parts, part] : [part, ...rows.parts];
  const shown = new Set(part.items.map((r) => r.id));
  return { ...rows, parts: kept(parts, where), fresh: rows.fresh.filter((r) => !shown.has(r.id)) };
}

/** Drops pages at the end that is away from where something was added. */
function kept(parts: Part[], where: "start" | "end"): Part[] {
  let n = parts.reduce((sum, p) => sum + p.items.length, 0);
  const rest = [...parts];
  while (n > most && rest.length > 1) {
    n -= (where === "start" ? rest.pop() : rest.shift())!.items.length;
  }
  const [only] = rest;
  if (n > most && only) { // it has grown by what has come: its end is read anew
    const items = only.items.slice(0, most);
    return [{ ...only, items, next: "@" + created(items.at(-1)!) }];
  }
  return rest;
}
