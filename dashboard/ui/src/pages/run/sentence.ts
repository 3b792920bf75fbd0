// The state of a run in words. Pure.

import type { Run } from "../../api";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A length of time in words as short as they can be: "350 ms", "4.2 s", "3 h 12 min". */
export function span(ms: number): string {
  if (ms < second) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * second) return `${trim(ms / second)} s`;
  if (ms < minute) return `${Math.floor(ms / second)} s`;
  if (ms < hour) return two(ms, minute, "min", second, "s");
  if (ms < day) return two(ms, hour, "h", minute, "min");
  return two(ms, day, "d", hour, "h");
}

function trim(n: number): string {
  const text = (Math.floor(n * 10) / 10).toFixed(1);
  return text.endsWith(".0") ? text.slice(0, -2) : text;
}

function two(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const n = Math.floor(ms / big);
  const rest = Math.floor((ms - n * big) / small);
  return rest === 0 || n >= 10 ? `${n} ${bigName}` : `${n} ${bigName} ${rest} ${smallName}`;
}

/** What a run does, or how it has ended, as a sentence without a point. */
export function sentence(run: Run, now: number): string {
  switch (run.status) {
    case "completed":
      return `completed${took(run)}`;
    case "failed":
      return `failed${took(run)}${run.error_text ? `: ${firstLine(run.error_text)}` : ""}`;
    case "terminated":
    case "canceled":
      return `was ${run.status}${took(run, "after")}`;
    case "suspended":
      return `suspended${since(run, now)}; steps that run finish, nothing else begins`;
    case "pending":
      return run.start_at && Date.parse(run.start_at) > now ? `starts in ${span(Date.parse(run.start_at) - now)}` : `queued${since(run, now)}`;
  }
  return phase(run, now);
}

function phase(run: Run, now: number): string {
  const fires = run.next_fire_at ? Date.parse(run.next_fire_at) : undefined;
  const left = fires === undefined ? "" : fires > now ? span(fires - now) : "";
  switch (run.phase) {
    case "stuck":
      return `stuck${since(run, now)}: ${run.phase_cause || "nothing can move"}`;
    case "waiting_approval":
      return `waiting${since(run, now)} for a decision${run.phase_cause ? ` (${words(run.phase_cause)})` : ""}${left ? `; times out in ${left}` : ""}`;
    case "retrying":
      return `retrying ${run.current_step || "a step"}${run.attempt ? `, attempt ${run.attempt}` : ""}${left ? ` in ${left}` : " now"}`;
    case "waiting_event":
      return `waiting${since(run, now)} for ${run.wait_name || waitsFor(run)}${left ? `; times out in ${left}` : ""}`;
    case "waiting_timer":
      return left ? `sleeping; wakes in ${left}` : "waking from its timer";
    case "active":
      return run.current_step ? `running ${run.current_step}${since(run, now)}` : `running${since(run, now)}`;
  }
  return "running";
}

function waitsFor(run: Run): string {
  const p = run.pending_counts ?? {};
  if (p.children) return p.children === 1 ? "a child run" : `${p.children} child runs`;
  if (p.entities) return "an entity";
  return "an event";
}

function since(run: Run, now: number): string {
  const at = run.phase_since ?? run.created;
  return at ? ` ${span(now - Date.parse(at))}` : "";
}

function took(run: Run, word = "in"): string {
  return run.duration_ms === undefined ? "" : ` ${run.status === "failed" ? "after" : word} ${span(run.duration_ms)}`;
}

function words(cause: string): string {
  return cause.replace(/_/g, " ");
}

function firstLine(text: string): string {
  const line = text.split("\n")[0] ?? "";
  return line.length > 200 ? line.slice(0, 199) + "…" : line;
}

/** A number of bytes. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  for (const [unit, size] of [["kB", 1e3], ["MB", 1e6], ["GB", 1e9]] as const) {
    if (n < 1000 * size || unit === "GB") return `${(n / size).toFixed(n < 10 * size ? 1 : 0)} ${unit}`;
  }
  return `${n} B`;
}

/** A number of tokens: "812", "12.4k", "3.1M". */
export function tokens(n: number): string {
  if (n < 1000) return String(n);
  return n < 1e6 ? `${trim(n / 1e3)}k` : `${trim(n / 1e6)}M`;
}

/** An amount of dollars, with as many digits as it takes to see it. */
export function dollars(usd: number): string {
  if (usd === 0) return "$0";
  return usd >= 1 ? `$${usd.toFixed(2)}` : `$${usd.toPrecision(2).replace(/\.?0+$/, "")}`;
}
