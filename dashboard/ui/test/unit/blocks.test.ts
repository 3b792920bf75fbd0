import assert from "node:assert/strict";
import test from "node:test";

import type { Content, Decision, LogMessage, Run } from "../../src/api";
import { itemsOf, keyedAnswer } from "../../src/lib/decisions";
import { blocksOf, callsOf, spokenIn, turnKey } from "../../src/pages/chat/blocks";

let position = 0;

function message(turn: string, role: string, contents: Partial<Content>[], author?: string): LogMessage {
  return { position: position++, turn, message: { Role: role, ID: "m", Contents: contents as Content[], AuthorName: author } };
}

const log: LogMessage[] = [
  message("dafx-a~k~1", "user", [{ Type: "text", Text: "Hello" }]),
  message("dafx-a~k~1", "assistant", [
    { Type: "reasoning", Text: "Look " }, { Type: "reasoning", Text: "first." }, { Type: "text", Text: "Looking." },
    { Type: "functionCall", CallID: "c1", Name: "look", Arguments: "{}" },
    { Type: "functionCall", CallID: "c2", Name: "look", Arguments: "{}" },
  ]),
  message("dafx-a~k~1", "tool", [{ Type: "functionResult", CallID: "c2", Error: "no" }, { Type: "functionResult", CallID: "c1", Result: 7 }]),
  message("dafx-a~k~1", "assistant", [{ Type: "text", Text: "Seven." }, { Type: "usage" }], "Other"),
  message("dafx-a~k~2", "user", [{ Type: "data", URI: "data:image/png;base64,AA" }]),
];

test("a conversation parts into turns", () => {
  const blocks = blocksOf(log);
  assert.deepEqual(blocks.map((b) => b.turn), ["dafx-a~k~1", "dafx-a~k~2"]);
  assert.deepEqual(
    blocks[0]?.parts.map((p) => ("text" in p ? p.kind + ":" + p.text : p.kind)),
    ["user:Hello", "reasoning:Look first.", "text:Looking.", "call", "call", "by", "text:Seven."],
  );
  assert.equal(spokenIn(blocks[1])[0]?.others.length, 1);
  assert.equal(turnKey("dafx-a~k~1"), "1");
});

test("results find their calls, also where a provider uses an id again", () => {
  const calls = callsOf(blocksOf(log)[0]!);
  assert.deepEqual(calls.map((c) => [c.callId, c.ended, c.result, c.error]), [["c1", true, 7, undefined], ["c2", true, undefined, "no"]]);
  const again = blocksOf([
    ...log.slice(0, 3),
    message("dafx-a~k~1", "assistant", [{ Type: "functionCall", CallID: "c1", Name: "look", Arguments: "{}" }]),
  ]);
  assert.deepEqual(callsOf(again[0]!).map((c) => c.ended), [true, true, undefined]);
});

test("the inbox has the nearest deadline first, and no run that waits for something else", () => {
  const decision = (id: string, asked: string, deadline?: string) => ({ id, requested_at: asked, deadline }) as Decision;
  const run = (id: string, more: Partial<Run>) => ({ id, phase: "waiting_event", wait_name: "go", ...more }) as Run;
  const items = itemsOf(
    [decision("late", "2026-01-01T00:00:00Z"), decision("near", "2026-01-03T00:00:00Z", "2026-02-01T00:00:00Z"), decision("early", "2025-01-01T00:00:00Z")],
    [run("r", { next_fire_at: "2026-01-15T00:00:00.5Z" }), run("dafx-a~k~1", {}), run("child", { wait_name: undefined }), run("agent", { agent: "A" })],
  );
  assert.deepEqual(items.map((i) => i.id), ["run:r", "near", "early", "late"]);
});

test("keys stand for the answers of the kind", () => {
  assert.deepEqual(
    ["approval", "budget", "outcome_unknown", "restore_hold"].map((k) => [keyedAnswer(k, "a"), keyedAnswer(k, "d")]),
    [["approve", "deny"], ["raise", "stop"], ["happened", "did_not_happen"], ["release", undefined]],
  );
});
