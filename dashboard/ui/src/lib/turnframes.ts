// What the frames of a turn's stream add up to.

import type { AgentFrame } from "../api";

/** Said is a piece of text or reasoning of one model step. */
export interface Said {
  kind: "text" | "reasoning";
  step: number;
  offset: number;
  text: string;
}

/** Called is a call of a tool and what became of it. */
export interface Called {
  kind: "call";
  step: number;
  offset: number;
  callId: string;
  tool: string;
  args: string;
  /** Instance id of the sub-agent that serves the call. */
  run?: string;
  agent?: string;
  /** Id and kind of the decision that it waits for or has waited for. */
  decision?: string;
  decisionKind?: string;
  decided?: boolean;
  ended?: boolean;
  /** Absent in a call that has ended: it is long, or there is none. */
  result?: unknown;
  error?: string;
  since?: Since;
}

/** Since has the offsets of the frames that have told what became of a part. */
interface Since {
  run?: number;
  decision?: number;
  decided?: number;
  ended?: number;
}

/** Handed is the moment in which another agent is given the conversation. */
export interface Handed {
  kind: "agent";
  step: number;
  offset: number;
  agent: string;
  run?: string;
}

/** Asked is a decision that belongs to no call, such as one about a budget. */
export interface Asked {
  kind: "decision";
  step: number;
  offset: number;
  decision: string;
  decisionKind: string;
  decided?: boolean;
  since?: Since;
}

export type Part = Said | Called | Handed | Asked;

/** Turn is what is known of a turn from its frames. */
export interface TurnText {
  parts: Part[];
  /** Offset from which to go on. */
  next: number;
  /** The model step that runs, from 1. */
  step: number;
  /** Its attempt, from 1. */
  attempt: number;
  /** completed, failed, terminated or canceled; absent = it runs. */
  status?: string;
  error?: string;
}

export function emptyTurn(): TurnText {
  return { parts: [], next: 0, step: 0, attempt: 1 };
}

/**
 * applyFrames returns the turn after frames. Frames that were seen are left out, so
 * that a stream may begin again before where it ended. Parts that do not change stay
 * the same objects.
 */
export function applyFrames(turn: TurnText, frames: AgentFrame[]): TurnText {
  const t: TurnText = { ...turn, parts: [...turn.parts] };
  for (const f of frames) {
    if (f.offset >= t.next) {
      t.next = f.offset + 1;
      applyFrame(t, f);
    }
  }
  return t;
}

function applyFrame(t: TurnText, f: AgentFrame): void {
  const step = f.step ?? t.step;
  switch (f.type) {
    case "step":
      t.step = step;
      t.attempt = 1;
      return;
    case "reset": {
      // Whatever the step has said before is void. If the turn was rewound to before the
      // step, so is what came after it, and what became of calls before it.
      const from = f.toOffset ?? f.offset;
      t.parts = t.parts.filter((p) => p.offset < from).map((p) => before(p, from));
      t.step = step;
      t.attempt = f.attempt ?? 1;
      delete t.status;
      delete t.error;
      return;
    }
    case "text":
    case "reasoning":
      say(t, f.type, step, f);
      return;
    case "tool_call":
      t.parts.push({
        kind: "call", step, offset: f.offset, callId: f.callId ?? "", tool: f.tool ?? "", args: f.arguments ?? "",
      });
      return;
    case "tool_result":
      change(t, f.callId, { ended: true, result: f.result, error: f.error }, { ended: f.offset });
      return;
    case "decision":
      if (!f.callId || !change(t, f.callId, { decision: f.decision, decisionKind: f.kind, decided: false }, { decision: f.offset })) {
        t.parts.push({ kind: "decision", step, offset: f.offset, decision: f.decision ?? "", decisionKind: f.kind ?? "" });
      }
      return;
    case "decided":
      decided(t, f.offset, [f.decision ?? "", ...(f.with ?? [])]);
      return;
    case "agent":
      if (!f.callId || !change(t, f.callId, { agent: f.agent, run: f.run }, { run: f.offset })) {
        t.parts.push({ kind: "agent", step, offset: f.offset, agent: f.agent ?? "", run: f.run });
      }
      return;
    case "end":
      t.status = f.status ?? "completed";
      t.error = f.error;
      return;
  }
}

function say(t: TurnText, kind: "text" | "reasoning", step: number, f: AgentFrame): void {
  const last = t.parts[t.parts.length - 1];
  if (last && last.kind === kind && last.step === step) {
    t.parts[t.parts.length - 1] = { ...last, text: last.text + (f.delta ?? "") };
  } else {
    t.parts.push({ kind, step, offset: f.offset, text: f.delta ?? "" });
  }
}

// change changes the newest call with an id: providers may use one again in a later
// step.
function change(t: TurnText, callId: string | undefined, by: Partial<Called>, since: Since): boolean {
  for (let i = t.parts.length - 1; i >= 0; i--) {
    const p = t.parts[i];
    if (p && p.kind === "call" && p.callId === callId) {
      t.parts[i] = { ...p, ...by, since: { ...p.since, ...since } };
      return true;
    }
  }
  return false;
}

function decided(t: TurnText, offset: number, ids: string[]): void {
  t.parts = t.parts.map((p) =>
    (p.kind === "call" || p.kind === "decision") && p.decision && ids.includes(p.decision) ? { ...p, decided: true, since: { ...p.since, decided: offset } } : p,
  );
}

// before returns a part without what frames from an offset on have told of it.
function before(p: Part, from: number): Part {
  if ((p.kind !== "call" && p.kind !== "decision") || !p.since || Object.values(p.since).every((at) => at < from)) {
    return p;
  }
  const { since } = p;
  const q = { ...p, since: Object.fromEntries(Object.entries(since).filter(([, at]) => at < from)) as Since };
  const isVoid = (at: number | undefined) => at !== undefined && at >= from;
  if (isVoid(since.decided)) {
    q.decided = false;
  }
  if (q.kind === "call") {
    if (isVoid(since.ended)) {
      delete q.ended;
      delete q.result;
      delete q.error;
    }
    if (isVoid(since.decision)) {
      delete q.decision;
      delete q.decisionKind;
      delete q.decided;
    }
    if (isVoid(since.run)) {
      delete q.agent;
      delete q.run;
    }
  }
  return q;
}
