import assert from "node:assert/strict";
import test from "node:test";

import type { AgentFrame } from "../../src/api";
import { applyFrames, emptyTurn, type TurnText } from "../../src/lib/turnframes";

const all: AgentFrame[] = [
  { offset: 0, type: "step", step: 1 },
  { offset: 1, type: "reasoning", step: 1, delta: "Let me " },
  { offset: 2, type: "reasoning", step: 1, delta: "look." },
  { offset: 3, type: "text", step: 1, delta: "I loo" },
  { offset: 1 << 20, type: "reset", step: 1, attempt: 2, toOffset: 0 },
  { offset: (1 << 20) + 1, type: "text", step: 1, delta: "Looking." },
  { offset: (1 << 20) + 2, type: "tool_call", step: 1, callId: "c1", tool: "lookup", arguments: '{"q":1}' },
  { offset: 1 << 21, type: "decision", callId: "c1", tool: "lookup", decision: "d1", kind: "approval" },
  { offset: (1 << 21) + 1, type: "decided", decision: "d0", with: ["d1"] },
  { offset: (1 << 21) + 2, type: "agent", callId: "c1", agent: "Finder", run: "dafx-finder~x~1" },
  { offset: (1 << 21) + 3, type: "tool_result", callId: "c1", result: { found: true } },
  { offset: (1 << 21) + 4, type: "agent", agent: "Writer" },
  { offset: 1 << 22, type: "step", step: 2 },
  { offset: (1 << 22) + 1, type: "text", step: 2, delta: "Done." },
  { offset: 1 << 23, type: "end", status: "completed" },
];

const whole = applyFrames(emptyTurn(), all);

test("frames add up to parts", () => {
  assert.deepEqual(
    whole.parts.map((p) => ("text" in p ? p.text : p.kind === "call" ? [p.tool, p.agent, p.decided, p.result] : p.kind)),
    ["Looking.", ["lookup", "Finder", true, { found: true }], "agent", "Done."],
  );
  assert.deepEqual([whole.status, whole.step, whole.attempt, whole.next], ["completed", 2, 1, (1 << 23) + 1]);
});

test("a reset drops what the attempt before it has said", () => {
  const before = applyFrames(emptyTurn(), all.slice(0, 4));
  assert.equal(before.parts.length, 2);
  const after = applyFrames(before, all.slice(4, 5));
  assert.deepEqual([after.parts, after.attempt], [[], 2]);
});

test("however the stream is cut, and whatever is sent twice, the turn is the same", () => {
  for (let cut = 0; cut <= all.length; cut++) {
    let t: TurnText = applyFrames(emptyTurn(), all.slice(0, cut));
    t = applyFrames(t, all.slice(Math.max(0, cut - 3)));
    assert.deepEqual(t, whole, "cut at " + cut);
  }
});

test("who attaches after a reset sees nothing of what was void", () => {
  const late = applyFrames(emptyTurn(), all.slice(4));
  assert.deepEqual(late.parts, whole.parts);
});

test("a rewind drops the steps from the named one on, and the end", () => {
  const failed = applyFrames(whole, [{ offset: (1 << 23) + 1, type: "end", status: "failed", error: "no more" }]);
  const first: AgentFrame = { offset: (1 << 23) + 2, type: "reset", step: 1, toOffset: 0 };
  assert.deepEqual(applyFrames(failed, [first]), { parts: [], next: first.offset + 1, step: 1, attempt: 1 });
  const second = applyFrames(failed, [{ ...first, step: 2, toOffset: 1 << 22 }]);
  assert.deepEqual([second.parts, second.status, second.step, second.attempt], [whole.parts.slice(0, 3), undefined, 2, 1]);
});

test("a rewind to before a call has ended takes back what became of it", () => {
  for (const [to, until] of [[(1 << 21) + 3, 10], [(1 << 21) + 2, 9], [(1 << 21) + 1, 8], [1 << 21, 7]] as const) {
    const rewound = applyFrames(whole, [{ offset: (1 << 23) + 1, type: "reset", step: 2, toOffset: to }]);
    const was = applyFrames(emptyTurn(), all.slice(0, until)).parts;
    const told = (parts: TurnText["parts"]) => parts.map(({ since, ...p }: any) => p);
    assert.deepEqual(told(rewound.parts), told(was), "to " + to);
  }
});
