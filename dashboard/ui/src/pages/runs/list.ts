// Reads the list of runs, both ways, and follows it.
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { ListFrame, RunPage } from "../../api";
import { get, ProblemError, query } from "../../lib/api";
import { refresh, useTopic } from "../../lib/live";
import { useSlowly } from "../../lib/slowly";
import { announce } from "../../parts/Announcer";
import { added, merged, none, pageSize, type Rows, rowsOf, settled, type Stand } from "./merge";

const problem = (e: unknown) => (e instanceof ProblemError ? e : new ProblemError(0, { detail: String(e) }));

/** How long nothing more has come when it has become quiet. */
const calmAfter = 1500;

interface Options {
  filter: string;
  sort: string;
  /** A time to begin at, in the place of the newest. */
  at: string;
  /** Nothing may move. */
  frozen: boolean;
  /** Whether the person looks at the top. */
  atTop(): boolean;
  /** Rows were put above or taken from there: positive = that many came. */
  onShift(n: number): void;
}

/** The runs that match, page by page, kept up to date. */
export function useRuns({ filter, sort, at, frozen, atTop, onShift }: Options) {
  const rows = useRef<Rows>(none);
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const [page, setPage] = useState<RunPage & { filter: string }>(); // read last, and for what
  const [error, setError] = useState<ProblemError>();
  const [loading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const stop = useRef(new AbortController());
  const paging = useRef(false);
  const since = useRef("");
  const took = useRef(0); // the last read of the newest, ms
  const reload = () => setRound((n) => n + 1);
  const put = (r: Rows) => {
    rows.current = r;
    draw(0);
  };
  useEffect(() => {
    stop.current.abort();
    const s = (stop.current = new AbortController());
    paging.current = false;
    since.current = new Date().toISOString();
    setLoading(true);
    const began = performance.now();
    get<RunPage>("runs" + query({ filter, sort, at, limit: pageSize }), s.signal).then(
      (p) => {
        took.current = performance.now() - began;
        put({ parts: [{ items: p.items, next: p.next, prev: p.prev }], fresh: [], unseen: 0, gone: [] });
        if (round > 0) {
          refresh(p.as_of); // the stream has to know what is held now
        }
        setPage({ ...p, filter });
        setError(undefined);
        setLoading(false);
      },
      (e: unknown) => {
        if (!s.signal.aborted) {
          setError(problem(e));
          setLoading(false);
        }
      },
    );
    return () => s.abort();
  }, [filter, sort, at, round]);
  const stand = (): Stand => ({ newestFirst: sort === "" || sort === "-created", frozen, atTop: atTop(), since: since.current });
  useEffect(() => {
    if (!frozen) {
      put(settled(rows.current, stand()));
    }
  }, [frozen]);
  useTopic(error || page === undefined || page.filter !== filter ? undefined : "list:" + filter, page?.as_of, (events) => {
    if (events.some((e) => e.kind === "reset")) {
      reload();
      return;
    }
    const frames = events.map((e) => e.data as ListFrame);
    put(frames.reduce((r, f) => merged(r, f.upsert ?? [], f.gone ?? [], stand(), f.unseen), rows.current));
    announce(`${rowsOf(rows.current).length} runs shown`, true);
    if (frames.some((f) => f.unseen > 0)) {
      calm();
    }
  }, () => rowsOf(rows.current).map((r) => r.id));
  // More has come than was told: it is read when nobody is in the way. Where a filter leaves
  // nobody knowing whether something has, now and then; else when no more comes.
  const catchUp = () => !frozen && atTop() && rows.current.unseen > 0 && reload();
  const slowly = useSlowly(catchUp, () => took.current);
  const quiet = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(quiet.current), [filter, sort, at]);
  const calm = () => {
    clearTimeout(quiet.current);
    quiet.current = setTimeout(() => newest.current(), calmAfter);
    if (filter !== "") {
      slowly(true);
    }
  };
  const newest = useRef(catchUp);
  newest.current = catchUp;
  /** Reads the page after or before what is shown. */
  const extend = (where: "start" | "end") => {
    const cursor = where === "end" ? rows.current.parts.at(-1)?.next : rows.current.parts[0]?.prev;
    if (!cursor || paging.current) {
      return;
    }
    paging.current = true;
    const from = cursor.startsWith("@") ? { at: cursor.slice(1) } : { cursor };
    get<RunPage>("runs" + query({ filter, sort, limit: pageSize, ...from }), stop.current.signal).then(
      (p) => {
        const before = rows.current.parts;
        const had = new Set(rowsOf(rows.current).map((r) => r.id));
        put(added(rows.current, { items: p.items, next: p.next, prev: p.prev }, where));
        const came = where === "start" ? p.items.filter((r) => !had.has(r.id)).length : 0;
        const left = where === "end" ? before.filter((b) => !rows.current.parts.includes(b)).reduce((n, b) => n + b.items.length, 0) : 0;
        onShift(came - left);
        refresh(p.as_of);
        setPage((now) => now && { ...now, ...(where === "end" ? { partial: p.partial, searched_to: p.searched_to } : {}), scanned: now.scanned + p.scanned });
        paging.current = false;
      },
      (e: unknown) => {
        if (!stop.current.signal.aborted) {
          paging.current = false;
          setError(problem(e));
        }
      },
    );
  };
  /** Shows what has come: above what is shown, or by reading the newest. */
  const showFresh = (): boolean => {
    const s = { ...stand(), atTop: true, frozen: false };
    if (s.newestFirst && rows.current.unseen === 0 && rows.current.parts[0]?.prev === undefined) {
      put(settled(rows.current, s));
      return true;
    }
    reload();
    return false;
  };
  const { parts, fresh, unseen } = rows.current;
  return { rows: rowsOf(rows.current), gone: rows.current.gone, fresh: fresh.length + (filter === "" ? unseen : 0), maybe: filter !== "" && unseen > 0, page, error, loading, next: parts.at(-1)?.next, prev: parts[0]?.prev, extend, showFresh, reload };
}
