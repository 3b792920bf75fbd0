// The state of a run in words. Pure.

import type { Overlay, Run, RunStep } from "../../api";
import { duration } from "../../lib/format";
import { isStuck } from "../../lib/status";

/** What a run does, or how it has ended, as a sentence without a point; steps are what is known of its own. */
export function sentence(run: Run, now: number, told?: Overlay, steps: RunStep[] = []): string {
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
      if (isStuck(run)) break;
      return run.start_at && Date.parse(run.start_at) > now ? `starts in ${duration(Date.parse(run.start_at) - now)}` : `queued${since(run, now)}`;
  }
  return phase(run, now, told, steps);
}

function phase(run: Run, now: number, told: Overlay | undefined, steps: RunStep[]): string {
  const fires = run.next_fire_at ? Date.parse(run.next_fire_at) : undefined;
  const left = fires === undefined ? "" : fires > now ? duration(fires - now) : "";
  switch (run.phase) {
    case "stuck":
      return `stuck${since(run, now)}: ${run.phase_cause || "nothing can move"}`;
    case "waiting_approval":
      return `waiting${since(run, now)} for a decision${run.phase_cause ? ` (${words(run.phase_cause)})` : ""}${left ? `; times out in ${left}${afterwards(steps)}` : ""}`;
    case "retrying":
      return `retrying ${run.current_step || "a step"}${run.attempt ? `, attempt ${run.attempt}${attempts(steps, run.current_step)}` : ""}${left ? ` in ${left}` : " now"}`;
    case "waiting_event":
      return `waiting${since(run, now)} for ${run.wait_name || waitsFor(run)}${left ? `; times out in ${left}` : ""}`;
    case "waiting_timer":
      return left ? `sleeping; wakes in ${left}` : "waking from its timer";
    case "active":
      return active(run, now, told);
  }
  return "running";
}

/** What becomes of the decision that is open when nobody has made it in time. */
function afterwards(steps: RunStep[]): string {
  const open = steps.filter((s) => s.kind === "decision" && s.status === "open" && s.fire_at).sort((a, b) => Date.parse(a.fire_at!) - Date.parse(b.fire_at!))[0];
  return open?.on_timeout === "deny" ? ", then denied" : open?.on_timeout === "escalate" ? ", then others are asked" : "";
}

/** How many attempts a step has at most. */
function attempts(steps: RunStep[], name: string | undefined): string {
  const most = steps.find((s) => s.status === "retrying" && s.name === name)?.max_attempts;
  return most ? ` of ${most}` : "";
}

/** Whether the work of an active run is queued or executed is known only from its overlay. */
function active(run: Run, now: number, told: Overlay | undefined): string {
  const step = run.current_step ? ` ${run.current_step}` : "";
  if (told?.state === "queued") return `queued${since(run, now)}:${step || " its next step"} waits for a worker`;
  return `running${step}${since(run, now)}${told?.worker ? ` on ${told.worker}` : ""}`;
}

function waitsFor(run: Run): string {
  const p = run.pending_counts ?? {};
  if (p.children) return p.children === 1 ? "a child run" : `${p.children} child runs`;
  if (p.entities) return "an entity";
  return "an event";
}

function since(run: Run, now: number): string {
  const at = run.phase_since ?? run.created;
  return at ? ` ${duration(now - Date.parse(at))}` : "";
}

function took(run: Run, word = "in"): string {
  return run.duration_ms === undefined ? "" : ` ${run.status === "failed" ? "after" : word} ${duration(run.duration_ms)}`;
}

function words(cause: string): string {
  return cause.replace(/_/g, " ");
}

function firstLine(text: string): string {
  const line = text.split("\n")[0] ?? "";
  return line.length > 200 ? line.slice(0, 199) + "…" : line;
}
