// The run that the page shows, and its steps, read and kept up to date.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Frame, Run, RunStep, StepPage } from "../../api";
import { get, path, query } from "../../lib/api";
import { useTopic } from "../../lib/live";
import { isOpen } from "./bars";

/** What is known of the run. */
export interface RunState {
  run?: Run;
  error?: Error;
  /** it was purged while it was shown */
  gone: boolean;
  refetch(): void;
}

/** Follows a run. */
export function useRun(id: string): RunState {
  const [state, setState] = useState<{ id: string; run?: Run; error?: Error; gone: boolean }>({ id, gone: false });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    get<Run>(path`runs/${id}`, abort.signal).then(
      (run) => setState((old) => ({ id, run: old.id === id ? newer(old.run, run) : run, gone: false })),
      (error: Error) => abort.signal.aborted || setState((old) => ({ id, run: old.id === id ? old.run : undefined, error, gone: false })),
    );
    return () => abort.abort();
  }, [id, asked]);
  useTopic("run:" + id, undefined, (events) => {
    for (const e of events) {
      if (e.kind === "reset") {
        setAsked((n) => n + 1); // what came meanwhile is lost
        continue;
      }
      const frame = e.data as Frame;
      for (const row of frame.upsert) {
        // A row has no payloads: they are read when the run has ended.
        setState((old) => (old.run && row.row_version > old.run.row_version ? { ...old, run: { ...payloads(old.run, row), ...row } } : old));
        if (row.completed) setAsked((n) => n + 1);
      }
      if (frame.gone.length > 0) setState((old) => ({ ...old, gone: true }));
    }
  });
  const current = state.id === id ? state : { id, gone: false };
  return { ...current, refetch: () => setAsked((n) => n + 1) };
}

function newer(old: Run | undefined, read: Run): Run {
  return old && old.incarnation === read.incarnation && old.row_version > read.row_version ? { ...read, ...old } : read;
}

function payloads(old: Run, row: Run): Partial<Run> {
  return old.execution === row.execution ? { input: old.input, output: old.output, failure: old.failure } : {};
}

/** The steps of an execution as far as they are read. */
export interface Steps {
  items: RunStep[];
  page?: StepPage;
  /** what to add to this machine's clock for the server's, in ms */
  ahead: number;
  complete: boolean;
  error?: Error;
}

const firstPage = 1000;
const nextPage = 10_000;
const pause = 300; // ms between readings of a run that moves

/** Follows the steps of an execution; version is the run's row version, "" the current execution. */
export function useSteps(id: string, execution: string, version: number): Steps {
  const [steps, setSteps] = useState<Steps>({ items: [], ahead: 0, complete: false });
  const held = useRef({ key: "", steps });
  useEffect(() => {
    const key = id + "\n" + execution;
    const known = held.current.key === key ? held.current.steps : { items: [], ahead: 0, complete: false };
    const abort = new AbortController();
    const read = async () => {
      // What has ended stays as it is: reading begins with the first step that has not.
      let at = known.items.findIndex(isOpen);
      if (at < 0 || !known.complete) at = known.complete ? known.items.length : 0;
      let items = known.items.slice(0, at);
      for (;;) {
        const limit = items.length === 0 ? firstPage : nextPage;
        const page = await get<StepPage>(path`runs/${id}/steps` + query({ after: items.length, limit, execution }), abort.signal);
        items = items.concat(page.items);
        const complete = !page.next;
        // While a long run is read anew, what was known stays in place.
        const shown = complete || items.length >= known.items.length ? items : items.concat(known.items.slice(items.length));
        const next = { items: shown, page, ahead: Date.parse(page.now) - Date.now(), complete };
        if (complete) held.current = { key, steps: next };
        setSteps(next);
        if (complete) return;
      }
    };
    const timer = setTimeout(() => {
      read().catch((error: Error) => abort.signal.aborted || setSteps((old) => ({ ...old, error })));
    }, known.complete ? pause : 0);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [id, execution, version]);
  return steps;
}

/** A name of a step that stays the same while the run goes on. */
export function keyOf(step: RunStep): string {
  if (step.decision) return "d-" + step.decision;
  const n = step.attempts?.[0]?.n ?? step.n;
  return n > 0 ? String(n) : "w-" + (step.name ?? "");
}
