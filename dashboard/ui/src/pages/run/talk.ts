// What a conversation looks like: tool results beside their calls, hand-offs, decisions.
// Pure.

import type { Decision, FunctionCall, FunctionResult, Said } from "../../api";

/** A tool call with what became of it. */
export interface Call {
  call: FunctionCall;
  result?: FunctionResult;
  /** what is known of the tool's step */
  step?: Said;
  decisions: Decision[];
}

/** An entry of the conversation as it is shown. */
export interface Entry {
  said: Said;
  text: string;
  reasoning: string[];
  calls: Call[];
  /** contents that are none of these: their kinds */
  others: string[];
  error?: string;
  /** results without a call that is known */
  results: FunctionResult[];
  /** the agent, or "" the run, that asked what a user message asks; absent = a user did */
  asker?: string;
}

/** Brings what was said together: results and decisions stand with the calls that they belong to. */
export function entriesOf(items: Said[]): Entry[] {
  const calls = new Map<string, Call>();
  const askers = new Map(items.filter((s) => s.kind === "agent" && s.to_run && !s.handoff).map((s) => [s.to_run, s.agent]));
  const entries: Entry[] = [];
  for (const said of items) {
    const entry: Entry = { said, text: "", reasoning: [], calls: [], others: [], results: [] };
    const asker = askers.get(said.run);
    if (asker !== undefined && said.message?.Role === "user" && !said.message.AuthorName) entry.asker = asker;
    if (said.kind === "decision" && said.decision) {
      const call = calls.get(key(said.run, said.decision.call_id));
      if (call && said.decision.call_id) {
        call.decisions.push(said.decision);
        continue;
      }
    }
    for (const c of said.message?.Contents ?? []) {
      switch (c.Type) {
        case "text":
          entry.text += c.Text;
          break;
        case "reasoning":
          if (c.Text) entry.reasoning.push(c.Text);
          break;
        case "functionCall": {
          const call: Call = { call: c, decisions: [] };
          calls.set(key(said.run, c.CallID), call);
          entry.calls.push(call);
          break;
        }
        case "functionResult": {
          const call = calls.get(key(said.run, c.CallID));
          if (call && !call.result) {
            call.result = c;
            call.step = said;
          } else {
            entry.results.push(c);
          }
          break;
        }
        case "error":
          entry.error = c.Message;
          break;
        case "usage":
          break;
        default:
          entry.others.push(c.Type);
      }
    }
    const only = said.kind === "message" && !entry.text && entry.reasoning.length + entry.calls.length + entry.others.length + entry.results.length === 0 && !entry.error;
    if (!only) entries.push(entry);
  }
  return entries;
}

function key(run: string, call: string): string {
  return run + "\n" + call;
}

/** JSON as it is meant: text that is JSON is read. */
export function jsonOf(text: unknown): unknown {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
