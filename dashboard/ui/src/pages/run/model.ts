// The run that the page shows, and its steps, read and kept up to date.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Frame, OverlayWork, Run, RunStep, StepPage } from "../../api";
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

/** A step, and whether its work is queued or executed now. */
export type LiveStep = RunStep & { state?: OverlayWork["state"] };

/** Steps with what is known of them at this moment. */
export function withWork(items: RunStep[], work: OverlayWork[] | undefined): LiveStep[] {
  const of = new Map((work ?? []).filter((w) => w.event_id !== undefined).map((w) => [w.event_id, w]));
  if (of.size === 0) return items;
  return items.map((s) => {
    const w = isOpen(s) ? of.get(s.event_id) : undefined;
    return w ? { ...s, state: w.state, ...(w.since ? { started_at: w.since } : {}), ...(w.worker ? { worker: w.worker } : {}) } : s;
  });
}

const firstPage = 1000;
const nextPage = 10_000;
const pause = 300; // ms between readings of a run that moves

const nothing: Steps = { items: [], ahead: 0, complete: false };

/** Follows the steps of an execution, "" the current one; version is the newest known of the run's row. */
export function useSteps(id: string, execution: string, version: number): Steps {
  const [steps, setSteps] = useState(nothing);
  const reader = useRef<Reader | undefined>(undefined);
  useEffect(() => {
    const r = new Reader(id, execution, setSteps);
    reader.current = r;
    r.want(0);
    return () => r.stop.abort();
  }, [id, execution]);
  useEffect(() => reader.current?.want(version), [id, execution, version]);
  return steps;
}

/** Reads the steps until they are as new as is wanted. */
class Reader {
  readonly stop = new AbortController();
  private known = nothing;
  private wanted = 0;
  private reading = false;

  constructor(
    private readonly id: string,
    private readonly execution: string,
    private readonly show: (s: Steps) => void,
  ) {
    show(nothing);
  }

  /** Has the steps read, unless they are of this version or a newer one. */
  want(version: number): void {
    this.wanted = Math.max(this.wanted, version);
    if (!this.reading && !this.isNew()) {
      this.reading = true;
      this.read()
        .catch((error: Error) => this.stop.signal.aborted || this.show((this.known = { ...this.known, error })))
        .finally(() => (this.reading = false));
    }
  }

  private isNew(): boolean {
    return this.known.complete && (this.known.page?.row_version ?? 0) >= this.wanted;
  }

  private async read(): Promise<void> {
    await this.readOnce();
    while (!this.isNew() && !this.stop.signal.aborted) {
      await new Promise((done) => setTimeout(done, pause));
      await this.readOnce();
    }
  }

  private async readOnce(): Promise<void> {
    const { items: old, page: before, complete } = this.known;
    // What has ended stays as it is: reading begins with the first step that has not.
    const open = complete ? old.findIndex(isOpen) : 0;
    let items = old.slice(0, open < 0 ? old.length : open);
    for (;;) {
      const limit = items.length === 0 ? firstPage : nextPage;
      const page = await get<StepPage>(path`runs/${this.id}/steps` + query({ after: items.length, limit, execution: this.execution }), this.stop.signal);
      if (before && items.length > 0 && (page.execution !== before.execution || (before.ended && !page.ended) || page.total < items.length)) {
        items = []; // it has begun anew, or was rewound
        this.known = nothing;
        continue;
      }
      items = items.concat(page.items);
      const done = !page.next;
      // While a long run is read anew, what was known stays in its place.
      const shown = done || items.length >= old.length ? items : items.concat(old.slice(items.length));
      const next = { items: shown, page, ahead: Date.parse(page.now) - Date.now(), complete: done };
      this.show(next);
      if (done) {
        this.known = next;
        return;
      }
    }
  }
}

/** A name of a step that stays the same while the run goes on. */
export function keyOf(step: RunStep): string {
  if (step.decision) return "d-" + step.decision;
  const n = step.attempts?.[0]?.n ?? step.n;
  return n > 0 ? String(n) : "w-" + (step.name ?? "");
}
