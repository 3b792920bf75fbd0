// The sequence of a run: who told whom what, and when. Pure.

import type { RunStep } from "../../api";
import { isOpen, ms } from "./bars";

/** Who takes part. */
export type LineKind = "run" | "activity" | "agent" | "model" | "tool" | "child" | "entity" | "human" | "sender";

/** A lifeline. */
export interface Line {
  key: string;
  kind: LineKind;
  label: string;
}

/** A message from one lifeline to another, or of one to itself. */
export interface Message {
  from: number; // place of a line
  to: number;
  time: number;
  text: string;
  /** an answer goes back */
  answer: boolean;
  failed: boolean;
  /** no answer has come yet */
  open: boolean;
  /** place of its step */
  step: number;
}

/** Lifelines and messages, these by time. */
export interface Sequence {
  lines: Line[];
  messages: Message[];
}

/** More activities, tools or children than this share one lifeline for each kind. */
const mostOfKind = 8;

/** Tells the sequence of the steps of a run; name is that of the run. */
export function sequenceOf(steps: RunStep[], name: string): Sequence {
  const lines: Line[] = [{ key: "run", kind: "run", label: name }];
  const places = new Map<string, number>([["run", 0]]);
  const crowded = crowds(steps);
  const messages: Message[] = [];
  steps.forEach((s, i) => {
    const other = otherOf(s, crowded);
    let place = 0;
    if (other) {
      const key = other.kind + ":" + other.label;
      place = places.get(key) ?? lines.push({ ...other, key }) - 1;
      places.set(key, place);
    }
    messages.push(...messagesOf(s, i, place));
  });
  return { lines, messages: messages.sort((a, b) => a.time - b.time || a.step - b.step) };
}

/** The kinds of which there are too many to have a lifeline each. */
function crowds(steps: RunStep[]): Set<LineKind> {
  const names = new Map<LineKind, Set<string>>();
  for (const s of steps) {
    const other = otherOf(s, new Set());
    if (other) names.set(other.kind, (names.get(other.kind) ?? new Set()).add(other.label));
  }
  return new Set([...names].filter(([, set]) => set.size > mostOfKind).map(([kind]) => kind));
}

/** Whom a step concerns beside the run; undefined = nobody. */
function otherOf(s: RunStep, crowded: Set<LineKind>): { kind: LineKind; label: string } | undefined {
  const line = (kind: LineKind, label: string, many: string) => ({ kind, label: crowded.has(kind) ? many : label });
  switch (s.kind) {
    case "activity":
    case "internal":
    case "context":
      return line("activity", s.name ?? "activity", "activities");
    case "model":
      return line("model", s.model || s.name || "model", "models");
    case "tool":
      return line("tool", s.name ?? "tool", "tools");
    case "agent":
      return line("agent", s.agent || s.name || "agent", "agents");
    case "child":
      return line("child", s.name ?? "child run", "child runs");
    case "entity":
    case "signal":
    case "lock":
      return line("entity", s.target ?? "entity", "entities");
    case "sent":
      return line("child", s.target ?? "another run", "other runs");
    case "event":
      return s.decided_by ? { kind: "human", label: nameOfPerson(s.decided_by) } : { kind: "sender", label: "senders" };
    case "decision":
      return { kind: "human", label: nameOfPerson(s.decided_by) };
    case "timer":
      return undefined;
  }
}

/** Who has done something, as lifelines call them: without tokens nobody is told from others. */
function nameOfPerson(by = ""): string {
  return by === "local" ? "people" : by || "people";
}

function messagesOf(s: RunStep, step: number, other: number): Message[] {
  const asked = ms(s.scheduled_at);
  const ended = ms(s.completed_at);
  const base = { answer: false, failed: false, open: false, step };
  const label = s.name || s.agent || s.kind;
  switch (s.kind) {
    case "event":
      return ended === undefined ? [] : [{ ...base, from: other, to: 0, time: ended, text: label }];
    case "timer":
      return asked === undefined ? [] : [{ ...base, from: 0, to: 0, time: ended ?? asked, text: ended === undefined ? "timer" : "timer fires", open: isOpen(s) }];
    case "sent":
    case "signal":
      return asked === undefined ? [] : [{ ...base, from: 0, to: other, time: asked, text: label }];
  }
  if (asked === undefined) return [];
  const all: Message[] = [];
  for (const [i, a] of (s.attempts ?? []).entries()) {
    const [began, failed] = [ms(a.scheduled_at), ms(a.completed_at)];
    if (began !== undefined) all.push({ ...base, from: 0, to: other, time: began, text: label + attempt(i + 1) });
    if (failed !== undefined) all.push({ ...base, from: other, to: 0, time: failed, text: firstLine(a.failure?.message) || "failed", answer: true, failed: true });
  }
  const tries = s.attempt > 1 ? attempt(s.attempt) : "";
  all.push({ ...base, from: 0, to: other, time: asked, text: s.kind === "decision" ? `${s.ask ?? "decision"}: ${label}` : label + tries, open: isOpen(s) });
  if (ended !== undefined && !isOpen(s)) {
    all.push({ ...base, from: other, to: 0, time: ended, text: answerText(s), answer: true, failed: s.status === "failed" });
  }
  return all;
}

function answerText(s: RunStep): string {
  if (s.kind === "decision") return s.answer ?? s.status;
  if (s.status === "failed") return firstLine(s.failure?.message) || "failed";
  if (s.tokens) return `${s.tokens.total} tokens`;
  return s.status === "completed" ? "" : s.status;
}

function attempt(n: number): string {
  return ` (attempt ${n})`;
}

function firstLine(text = ""): string {
  return text.split("\n")[0] ?? "";
}
