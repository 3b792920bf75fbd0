// What decisions ask, in words, and what can be answered. Pure.

import type { Decision, Run } from "../api";

/** Choice is one of the answers to a decision. */
export interface Choice {
  answer: string;
  label: string;
  /** What has happened when it was given, such as "approved". */
  done: string;
  tone: "good" | "bad" | "plain";
  key?: "a" | "d";
}

const approve: Choice = { answer: "approve", label: "Approve", done: "approved", tone: "good", key: "a" };
const deny: Choice = { answer: "deny", label: "Deny", done: "denied", tone: "bad", key: "d" };

/** choicesOf returns the answers of a kind. */
export function choicesOf(kind: string): Choice[] {
  switch (kind) {
    case "approval":
      return [approve, deny];
    case "outcome_unknown":
      return [
        { answer: "happened", label: "It happened", done: "it happened", tone: "plain", key: "a" },
        { answer: "did_not_happen", label: "It did not happen", done: "it did not happen", tone: "plain", key: "d" },
        { answer: "retry", label: "Call again", done: "call again", tone: "bad" },
      ];
    case "budget":
      return [
        { answer: "raise", label: "Raise", done: "raised", tone: "good", key: "a" },
        { answer: "stop", label: "Stop the run", done: "stopped", tone: "bad", key: "d" },
      ];
    case "restore_hold":
      return [
        { answer: "release", label: "Release", done: "released", tone: "good", key: "a" },
        { answer: "release_hub", label: "Release all of the hub", done: "all of the hub released", tone: "bad" },
      ];
  }
  return [];
}

/** refusedWhy says why an answer is not for this viewer to give, as the server tells; "" = it is. */
export function refusedWhy(d: Decision, answer: string): string {
  return d.refused?.find((r) => r.action === answer)?.reason ?? "";
}

/** refusalsText says what is not this viewer's to decide, a sentence for each reason. */
export function refusalsText(d: Decision): string[] {
  const by = new Map<string, string[]>();
  for (const c of choicesOf(d.kind)) {
    const why = refusedWhy(d, c.answer);
    if (why) {
      by.set(why, [...(by.get(why) ?? []), c.label.toLowerCase()]);
    }
  }
  return [...by].map(([why, labels]) => `Not yours to ${labels.join(" or ")}: ${why}.`);
}

/** decidersText says who may decide, "" = whoever may answer decisions. */
export function decidersText(d: Decision): string {
  const who = d.approvers?.length ? [...d.approvers, ...(d.assignee && !d.approvers.includes(d.assignee) ? [d.assignee] : [])].join(", ") : "";
  const askers = d.originator?.name ? [d.originator.name] : (d.starters ?? []);
  const apart = d.apart ? (askers.length ? `not ${askers.join(", ")}, who asked` : "not who asked, and nobody knows who that was") : "";
  return who && apart ? `${who}; approve: ${apart}` : who || (apart && "approve: anybody, but " + apart);
}

/** keyedAnswer is the answer that a key stands for. */
export function keyedAnswer(kind: string, key: "a" | "d"): string | undefined {
  return choicesOf(kind).find((c) => c.key === key)?.answer;
}

/** doneText is how a decision has ended, such as "approved by ada". */
export function doneText(d: Decision): string {
  const by = d.answered_by ? " by " + d.answered_by : "";
  switch (d.state) {
    case "answered":
      return (choicesOf(d.kind).find((c) => c.answer === d.answer)?.done ?? d.answer ?? "answered") + by + (d.unread && d.kind === "approval" ? ", without the hash of what was shown" : "");
    case "expired":
      return d.on_timeout === "escalate" ? "expired: nobody answered in time" : "expired: denied, as nobody answered in time";
    case "superseded":
      return "no longer needed: the run has ended";
  }
  return "waits";
}

/** askText says what a decision asks, in a sentence. */
export function askText(d: Decision): string {
  switch (d.kind) {
    case "approval":
      return `${d.agent} wants to call ${d.tool}`;
    case "outcome_unknown":
      return `What became of ${d.agent}'s call of ${d.tool}?`;
    case "budget":
      return `The budget of ${d.agent} is used up`;
    case "restore_hold":
      return `May ${d.agent} call ${d.tool}? The hub was restored from a backup`;
  }
  return `${d.agent} asks about ${d.tool}`;
}

/** kindText names a kind. */
export function kindText(kind: string): string {
  return { approval: "Approval", outcome_unknown: "Unknown outcome", budget: "Budget", restore_hold: "Restore hold", event: "Event" }[kind] ?? kind;
}

/** whyText explains a kind to whoever has not met it. */
export function whyText(d: Decision): string {
  switch (d.kind) {
    case "approval":
      return "The call is made once, with exactly these arguments, if you approve it.";
    case "outcome_unknown":
      return "The call was sent, but nobody knows whether it took effect. It is never repeated by itself.";
    case "budget":
      return "The run waits until the budget is raised, or ends it.";
    case "restore_hold":
      return "The call may have been made after the backup, which does not know of it. Released, the run and its conversation make their calls as ever. To prevent the call, terminate the run.";
  }
  return "";
}

/** timeoutText says what happens when nobody answers. */
export function timeoutText(onTimeout: string | undefined): string {
  return onTimeout === "escalate" ? "then others are asked" : onTimeout === "deny" ? "then it is denied" : "";
}

/** Item is what the inbox lists: a decision, or a run that waits for an event. */
export type Item = { kind: "decision"; id: string; deadline?: string; since: string; decision: Decision } | { kind: "event"; id: string; deadline?: string; since: string; run: Run };

/** itemsOf merges decisions and runs: the nearest deadline first, then the oldest. */
export function itemsOf(decisions: Decision[], runs: Run[]): Item[] {
  const items: Item[] = [
    ...decisions.map((d): Item => ({ kind: "decision", id: d.id, deadline: d.deadline ?? undefined, since: d.requested_at, decision: d })),
    ...runs.filter(waitsForPerson).map((r): Item => ({ kind: "event", id: "run:" + r.id, deadline: r.next_fire_at, since: r.phase_since ?? r.created ?? "", run: r })),
  ];
  return items.sort((a, b) => order(a.deadline, b.deadline) || order(a.since, b.since) || (a.id < b.id ? -1 : 1));
}

// waitsForPerson tells runs that wait for an event of the outside from turns, whose
// waits are decisions.
export function waitsForPerson(r: Run): boolean {
  return r.phase === "waiting_event" && !!r.wait_name && !r.agent && !r.id.startsWith("dafx-");
}

function order(a: string | undefined, b: string | undefined): number {
  if (a === b) {
    return 0;
  }
  return a === undefined ? 1 : b === undefined ? -1 : Date.parse(a) - Date.parse(b);
}
