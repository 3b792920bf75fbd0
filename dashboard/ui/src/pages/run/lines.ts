// The lines of a run's log, read and kept up to date.

import { useCallback, useEffect, useState } from "preact/hooks";
import type { LogFrame, LogLine, LogPage, RunStep } from "../../api";
import { get, path, query } from "../../lib/api";
import { useTopic } from "../../lib/live";

/** How many lines are held; the oldest are dropped. */
const most = 20_000;
const pageSize = 1000;

export interface Lines {
  /** the oldest first */
  lines: LogLine[];
  loading: boolean;
  error?: string;
  /** there are older lines */
  more: boolean;
  older(): void;
}

/** The levels that can be asked for, the least first. */
export const levels = ["debug", "info", "warn", "error"] as const;

/** The place of a level among them. */
export function rank(level: string): number {
  return levels.indexOf(level.toLowerCase().replace(/[+-].*/, "") as (typeof levels)[number]);
}

/** What a line is called; the newest line under a name is shown. */
export function lineKey(l: LogLine): string {
  return `${l.execution} ${l.step} ${l.attempt ?? 0} ${l.number} ${l.time}`;
}

/** Lines without repeats, in the order of time. */
export function merge(old: LogLine[], more: LogLine[]): LogLine[] {
  const known = new Set(old.map(lineKey));
  const fresh = more.filter((l) => !known.has(lineKey(l)));
  if (fresh.length === 0) return old;
  // Times are UTC, with as many digits as they need: without the Z they sort as text.
  const at = (l: LogLine) => l.time.replace("Z", "");
  const all = old.concat(fresh).sort((a, b) => (at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : a.number - b.number));
  return all.slice(Math.max(0, all.length - most));
}

/** The ids by which lines name a step: one for each attempt. */
export function idsOf(step: RunStep): number[] {
  return [step.event_id, ...(step.attempts ?? []).map((a) => a.event_id)];
}

/** Follows the log of a run, of some steps or all, from a level on; live follows what comes. */
export function useLines(run: string, steps: number[] | undefined, level: string, live: boolean): Lines {
  const ids = steps?.join(",") ?? "";
  const [state, setState] = useState<{ key: string; lines: LogLine[]; next?: string; loading: boolean; error?: string }>({ key: "", lines: [], loading: true });
  const [asked, setAsked] = useState(0);
  const key = `${run}\n${ids}\n${level}`;
  const where = useCallback(
    (cursor?: string) => {
      const text = path`runs/${run}/logs` + query({ level, limit: pageSize, cursor });
      return text + (steps ?? []).map((n) => `&step=${n}`).join("");
    },
    [key],
  );
  useEffect(() => {
    const abort = new AbortController();
    setState((s) => ({ ...(s.key === key ? s : { key, lines: [] }), loading: true }));
    get<LogPage>(where(), abort.signal).then(
      (page) => setState((s) => ({ key, lines: merge(s.key === key ? s.lines : [], page.items), next: page.next, loading: false })),
      (e: Error) => abort.signal.aborted || setState((s) => ({ ...s, loading: false, error: e.message })),
    );
    return () => abort.abort();
  }, [key, asked]);
  useTopic(live ? "logs:" + run : undefined, undefined, (events) => {
    let fresh: LogLine[] = [];
    const known = new Set(state.lines.map(lineKey));
    for (const e of events) {
      if (e.kind === "reset") {
        setAsked((n) => n + 1);
      } else {
        const frame = e.data as LogFrame;
        const oldest = frame.lines[0];
        if (frame.whole && oldest && !state.loading && !known.has(lineKey(oldest))) setAsked((n) => n + 1); // there may be lines before it
        fresh = fresh.concat(frame.lines.filter((l) => rank(l.level) >= rank(level) && (!steps || steps.includes(l.step))));
      }
    }
    if (fresh.length > 0) setState((s) => (s.key === key ? { ...s, lines: merge(s.lines, fresh) } : s));
  });
  const older = () => {
    if (!state.next || state.loading) return;
    setState((s) => ({ ...s, loading: true }));
    get<LogPage>(where(state.next)).then(
      (page) => setState((s) => (s.key === key ? { ...s, lines: merge(s.lines, page.items), next: page.next, loading: false } : s)),
      (e: Error) => setState((s) => ({ ...s, loading: false, error: e.message })),
    );
  };
  const shown = state.key === key;
  return { lines: shown ? state.lines : [], loading: state.loading || !shown, more: shown && !!state.next && state.lines.length < most, older, ...(state.error ? { error: state.error } : {}) };
}
