// What a step looks like on the timeline. Pure.

import type { RunStep, StepAttempt } from "../../api";

/** How a part of a bar is drawn; each has a pattern of its own. */
export type PartKind = "queued" | "running" | "open" | "backoff" | "wait" | "fired" | "failed" | "canceled";

/** A part of a bar, in milliseconds. */
export interface Part {
  kind: PartKind;
  from: number;
  to: number;
  /** it goes on */
  open: boolean;
}

/** A bar: its parts in the order of time, and where attempts ended. */
export interface Bar {
  parts: Part[];
  ticks: number[];
  /** a decision: where it was asked */
  diamond?: number;
}

/** The time of an API's time, undefined if there is none. */
export function ms(time: string | undefined): number | undefined {
  return time ? Date.parse(time) : undefined;
}

/** Whether a step only waits, so that nobody works on it. */
export function waits(step: RunStep): boolean {
  return step.kind === "timer" || step.kind === "event" || step.kind === "decision" || step.kind === "lock";
}

/** Whether a step still goes on. */
export function isOpen(step: RunStep): boolean {
  return step.status === "open" || step.status === "retrying";
}

/** The bar of a step when it is now; end is when the run ended, if it has. */
export function barOf(step: RunStep, now: number, end?: number): Bar {
  const until = end ?? now;
  if (waits(step)) return waitingBar(step, now, until);
  const bar: Bar = { parts: [], ticks: [] };
  for (const attempt of step.attempts ?? []) {
    addAttempt(bar, attempt, "failed", until, now);
    const ended = ms(attempt.completed_at);
    if (ended !== undefined) bar.ticks.push(ended);
  }
  const kind = step.status === "failed" || step.status === "retrying" ? "failed" : step.status === "canceled" ? "canceled" : "running";
  addAttempt(bar, step, kind, until, now);
  if (step.status === "retrying") {
    const ended = ms(step.completed_at);
    if (ended !== undefined) bar.ticks.push(ended);
  }
  return bar;
}

function addAttempt(bar: Bar, a: RunStep | StepAttempt, kind: PartKind, until: number, now: number): void {
  const scheduled = ms(a.scheduled_at);
  if (scheduled === undefined) return;
  const ended = ms(a.completed_at);
  const started = ms(a.started_at) ?? (ended === undefined ? undefined : scheduled);
  if (started !== undefined && started > scheduled) bar.parts.push({ kind: "queued", from: scheduled, to: started, open: false });
  if (ended === undefined) {
    const queued = "state" in a && a.state === "queued";
    bar.parts.push({ kind: kind === "canceled" ? kind : queued ? "queued" : "open", from: started ?? scheduled, to: Math.max(until, scheduled), open: kind !== "canceled" });
    return;
  }
  bar.parts.push({ kind, from: started ?? scheduled, to: ended, open: false });
  const backoff = ms(a.backoff_until);
  if (backoff !== undefined && backoff > ended) bar.parts.push({ kind: "backoff", from: ended, to: backoff, open: backoff > now });
}

function waitingBar(step: RunStep, now: number, until: number): Bar {
  const from = ms(step.scheduled_at) ?? now;
  const bar: Bar = { parts: [], ticks: [] };
  if (step.kind === "decision") bar.diamond = from;
  const ended = ms(step.completed_at);
  if (ended !== undefined) {
    if (ended > from) bar.parts.push({ kind: "fired", from, to: ended, open: false });
    return bar;
  }
  if (step.status === "canceled") bar.parts.push({ kind: "canceled", from, to: Math.min(ms(step.fire_at) ?? until, until), open: false });
  else bar.parts.push({ kind: "wait", from, to: Math.max(until, from), open: true });
  return bar;
}

/** How long a step took, or has taken so far: waited for a worker, worked, and paused before attempts. */
export function timesOf(step: RunStep, now: number, end?: number): { queued: number; ran: number; paused: number; whole: number } {
  const times = { queued: 0, ran: 0, paused: 0, whole: 0 };
  const parts = barOf(step, now, end).parts;
  for (const p of parts) {
    const took = p.to - p.from;
    if (p.kind === "queued") times.queued += took;
    else if (p.kind === "backoff") times.paused += took;
    else times.ran += took;
  }
  if (parts.length > 0) times.whole = parts[parts.length - 1]!.to - parts[0]!.from;
  return times;
}
