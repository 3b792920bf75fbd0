import { test } from "node:test";
import assert from "node:assert/strict";

import type { Run, RunStep } from "../../src/api";
import { Axis, folded, roundStep } from "../../src/pages/run/axis";
import { barOf, timesOf } from "../../src/pages/run/bars";
import { criticalPath } from "../../src/pages/run/critical";
import { withWork } from "../../src/pages/run/model";
import { outside } from "../../src/pages/run/outside";
import { curve, layered } from "../../src/pages/run/layered";
import { sequenceOf } from "../../src/pages/run/messages";
import { sentence } from "../../src/pages/run/sentence";
import { pages, reveal, slot, stepped, visible } from "../../src/pages/run/window";
import { work } from "./work";

const base = Date.UTC(2026, 0, 1);
const at = (s: number) => new Date(base + s * 1000).toISOString();
const step = (s: Partial<RunStep>): RunStep => ({ n: 1, event_id: 0, kind: "activity", status: "completed", attempt: 1, ...s });

test("an axis without long gaps is even", () => {
  const axis = new Axis(0, 1000, 500, [{ from: 100, to: 300 }]);
  assert.equal(axis.segments.length, 1);
  assert.equal(axis.x(500), 250);
  assert.equal(axis.time(250), 500);
});

test("gaps fold when they are over 70% of the span", () => {
  const long = { from: 100, to: 900 };
  assert.deepEqual(folded(0, 1000, 1000, [{ from: 100, to: 800 }]), []);
  assert.deepEqual(folded(0, 1000, 1000, [long]), [long]);
  const axis = new Axis(0, 1000, 1000, [long]);
  assert.deepEqual(axis.segments.map((s) => s.folded), [false, true, false]);
  assert.ok(axis.x(900) - axis.x(100) < 50);
  assert.ok(axis.x(100) > 400);
  for (const t of [0, 50, 100, 500, 900, 999, 1000]) assert.ok(Math.abs(axis.time(axis.x(t)) - t) < 1e-6, `there and back at ${t}`);
});

test("an axis keeps its order and ends, whatever the gaps", () => {
  const gaps = Array.from({ length: 100 }, (_, i) => ({ from: i * 1000 + 10, to: i * 1000 + 990 }));
  const axis = new Axis(0, 100_000, 900, gaps);
  let last = -1;
  for (let t = 0; t <= 100_000; t += 250) {
    assert.ok(axis.x(t) >= last);
    last = axis.x(t);
  }
  assert.equal(axis.x(100_000), 900);
  assert.equal(new Axis(5, 5, 100, []).x(5), 0);
  assert.equal(new Axis(0, 10, 100, [{ from: 0, to: 10 }]).x(10), 100);
});

test("ticks are round and apart", () => {
  const axis = new Axis(0, 60_000, 600, []);
  assert.deepEqual(axis.ticks(0, 90).map((t) => t.time), [0, 10_000, 20_000, 30_000, 40_000, 50_000]);
  assert.equal(roundStep(61_000), 120_000);
  assert.equal(roundStep(3), 5);
  assert.equal(roundStep(25_000), 30_000);
});

test("a bar has a part for queue, work and pause, and a tick for each attempt", () => {
  const s = step({
    attempt: 2,
    attempts: [{ n: 1, scheduled_at: at(0), started_at: at(1), completed_at: at(3), backoff_until: at(5) }],
    scheduled_at: at(5), started_at: at(6), completed_at: at(9),
  });
  const bar = barOf(s, base + 20_000);
  assert.deepEqual(bar.parts.map((p) => [p.kind, (p.from - base) / 1000, (p.to - base) / 1000]),
    [["queued", 0, 1], ["failed", 1, 3], ["backoff", 3, 5], ["queued", 5, 6], ["running", 6, 9]]);
  assert.deepEqual(bar.ticks, [base + 3000]);
  assert.deepEqual(timesOf(s, base), { queued: 2000, ran: 5000, paused: 2000, whole: 9000 });
});

test("what is open reaches to now, or to the end of the run", () => {
  const wait = step({ kind: "event", status: "open", scheduled_at: at(2) });
  assert.deepEqual(barOf(wait, base + 9000).parts, [{ kind: "wait", from: base + 2000, to: base + 9000, open: true }]);
  const gone = step({ status: "canceled", scheduled_at: at(2) });
  assert.deepEqual(barOf(gone, base + 9000, base + 4000).parts, [{ kind: "canceled", from: base + 2000, to: base + 4000, open: false }]);
  assert.deepEqual(barOf(step({ status: "open", scheduled_at: at(2) }), base + 3000).parts.map((p) => p.kind), ["open"]);
});

test("a decision is a diamond", () => {
  const bar = barOf(step({ kind: "decision", scheduled_at: at(1), completed_at: at(4), answer: "approve" }), base + 9000);
  assert.equal(bar.diamond, base + 1000);
  assert.deepEqual(bar.parts.map((p) => p.kind), ["fired"]);
});

test("between two strides the same rows are drawn, and all that are seen", () => {
  const draws = new Set<number>();
  for (let top = 0; top < 5000; top++) {
    const drawn = visible(stepped(top, 28), 600, 28, 1000);
    draws.add(drawn.first);
    assert.ok(drawn.first * 28 <= top && drawn.last * 28 >= top + 600, `at ${top} the rows ${drawn.first} to ${drawn.last} are drawn`);
  }
  assert.ok(draws.size <= 5000 / (4 * 28) + 1, `${draws.size} drawings`);
});

test("a window draws what is seen", () => {
  assert.deepEqual(visible(0, 280, 28, 50_000, 8), { first: 0, last: 18 });
  assert.deepEqual(visible(28_000, 280, 28, 50_000, 8), { first: 992, last: 1018 });
  assert.deepEqual(visible(1e9, 280, 28, 10, 8), { first: 2, last: 10 });
  assert.equal(reveal(0, 280, 28, 3), 0);
  assert.equal(reveal(0, 280, 28, 10), 56);
  assert.equal(reveal(560, 280, 28, 5), 112);
  assert.deepEqual(pages({ first: 990, last: 2001 }, 1000), [0, 1, 2]);
});

test("rows that are drawn at once have slots of their own, those that stay keep them", () => {
  for (let scroll = 0; scroll < 9000; scroll += 37) {
    const { first, last } = visible(stepped(scroll, 28), 283, 28, 50_000);
    const slots = new Set(Array.from({ length: last - first }, (_, i) => slot(first + i, 283, 28)));
    assert.equal(slots.size, last - first, `at ${scroll}`);
  }
  assert.equal(slot(100, 283, 28), slot(100 + 29, 283, 28)); // of one that has left
});

test("a layout leads to the right", () => {
  const boxes = ["a", "b", "c", "d"].map((id) => ({ id, width: 100, height: 40 }));
  const l = layered(boxes, [{ from: "a", to: "b" }, { from: "a", to: "c" }, { from: "b", to: "d" }, { from: "c", to: "d" }, { from: "a", to: "d" }]);
  const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => l.boxes.get(id)!) as [any, any, any, any];
  assert.ok(a.x < b.x && b.x === c.x && c.x < d.x);
  assert.ok(Math.abs(b.y - c.y) >= 40, "boxes of a layer do not overlap");
  assert.equal(l.links[4]!.length, 4, "a long link has a bend");
  assert.ok(curve(l.links[0]!).startsWith("M100 "));
  assert.ok([...l.boxes.values()].every((p) => p.y >= 0));
});

test("a layout bears circles, loops, unknown ends and much", () => {
  const boxes = ["a", "b"].map((id) => ({ id, width: 10, height: 10 }));
  const l = layered(boxes, [{ from: "a", to: "b" }, { from: "b", to: "a" }, { from: "a", to: "a" }, { from: "a", to: "x" }]);
  assert.equal(l.boxes.size, 2);
  assert.deepEqual(l.links[2], []);
  assert.deepEqual(layered([], []), { boxes: new Map(), links: [], width: 0, height: 0 });
});

test("a layout of ten times as much takes ten times the work", async () => {
  const fanout = (n: number) => (m: { layered: typeof layered }) => {
    const many = Array.from({ length: n }, (_, i) => ({ id: "n" + i, width: 100, height: 30 }));
    m.layered([{ id: "a", width: 10, height: 10 }, ...many], many.map((b) => ({ from: "a", to: b.id })));
  };
  const [some, much] = await work("../../src/pages/run/layered", fanout(1000), fanout(10_000)) as [number, number];
  assert.ok(some > 1000 && much < 11 * some, `a fan-out of 1,000 runs ${some} blocks, one of 10,000 runs ${much}`);
});

test("a sequence has a lifeline for each who takes part", () => {
  const seq = sequenceOf([
    step({ name: "charge", scheduled_at: at(0), completed_at: at(2) }),
    step({ kind: "agent", agent: "Writer", scheduled_at: at(1), completed_at: at(5), status: "failed", failure: { type: "x", message: "no\nmore" } }),
    step({ kind: "event", name: "go", scheduled_at: at(0), completed_at: at(3) }),
    step({ kind: "timer", scheduled_at: at(4), status: "open" }),
  ], "Order");
  assert.deepEqual(seq.lines.map((l) => l.label), ["Order", "charge", "Writer", "senders"]);
  assert.deepEqual(seq.messages.map((m) => [m.from, m.to, m.text, m.answer]), [
    [0, 1, "charge", false], [0, 2, "Writer", false], [1, 0, "", true], [3, 0, "go", false], [0, 0, "timer", false], [2, 0, "no", true],
  ]);
  assert.equal(seq.messages[5]!.failed, true);
  const crowd = sequenceOf(Array.from({ length: 9 }, (_, i) => step({ name: "a" + i, scheduled_at: at(i) })), "r");
  assert.deepEqual(crowd.lines.map((l) => l.label), ["r", "activities"]);
});

test("a run's state is a sentence", () => {
  const now = base + 3 * 3600_000;
  const run = (r: Partial<Run>): Run => ({ id: "r", incarnation: "", row_version: 1, name: "n", status: "running", actions: [], refused: [], ...r }) as Run;
  for (const [r, want] of [
    [{ phase: "waiting_event", phase_since: at(0), wait_name: "ApprovalDecision", next_fire_at: at(24 * 3600) }, "waiting 3 h for ApprovalDecision; times out in 21 h"],
    [{ phase: "active", phase_since: at(3 * 3600 - 4), current_step: "charge" }, "running charge 4.0 s"],
    [{ phase: "retrying", current_step: "charge", attempt: 3, next_fire_at: at(3 * 3600 + 8) }, "retrying charge, attempt 3 in 8.0 s"],
    [{ phase: "waiting_event", phase_since: at(0), pending_counts: { children: 2 } }, "waiting 3 h for 2 child runs"],
    [{ status: "failed", duration_ms: 4200, error_text: "no money\nat" }, "failed after 4.2 s: no money"],
    [{ status: "pending", phase: "stuck", phase_since: at(3 * 3600 - 9), phase_cause: 'no worker serves orchestration "orders"' }, 'stuck 9.0 s: no worker serves orchestration "orders"'],
    [{ status: "pending", phase: "active", phase_since: at(3 * 3600 - 9) }, "queued 9.0 s"],
    [{ status: "completed", duration_ms: 90_000 }, "completed in 1 min 30 s"],
    [{ status: "terminated", duration_ms: 1000 }, "was terminated after 1.0 s"],
  ] as [Partial<Run>, string][]) assert.equal(sentence(run(r), now), want);
  const approval = step({ kind: "decision", status: "open", fire_at: at(24 * 3600), on_timeout: "deny" });
  assert.equal(sentence(run({ phase: "waiting_approval", phase_since: at(0), next_fire_at: at(24 * 3600) }), now, undefined, [approval]), "waiting 3 h for a decision; times out in 21 h, then denied");
  const again = step({ name: "charge", status: "retrying", max_attempts: 4 });
  assert.equal(sentence(run({ phase: "retrying", current_step: "charge", attempt: 3 }), now, undefined, [again]), "retrying charge, attempt 3 of 4 now");
});

test("the critical path goes back from the last end, by what let each step be scheduled", () => {
  const first = step({ n: 1, scheduled_at: at(0), completed_at: at(2) });
  const quick = step({ n: 2, scheduled_at: at(2), completed_at: at(3) });
  const slow = step({ n: 3, attempts: [{ n: 3, scheduled_at: at(2), completed_at: at(4) }], scheduled_at: at(6), completed_at: at(9) });
  const dropped = step({ n: 4, scheduled_at: at(2), completed_at: at(9), status: "canceled" });
  const last = step({ n: 5, scheduled_at: at(9), completed_at: at(10) });
  const got = criticalPath([first, quick, slow, dropped, last], base + 10_000);
  assert.deepEqual([...got.steps].map((s) => s.n), [5, 3, 1]);
  assert.equal(got.took, 10_000);
  const open = step({ n: 6, scheduled_at: at(3), status: "open" });
  assert.deepEqual([...criticalPath([first, quick, open], base + 20_000).steps].map((s) => s.n), [6, 2, 1]);
  assert.equal(criticalPath([], base).steps.size, 0);
});

test("steps that begin at the same time are not the cause of each other", () => {
  const all = Array.from({ length: 50 }, (_, i) => step({ n: i + 1, scheduled_at: at(0), completed_at: at(0) }));
  assert.ok(criticalPath(all, base).steps.size >= 1);
});

test("open steps get what is known of them now", () => {
  const open = step({ n: 1, event_id: 7, status: "open", scheduled_at: at(0) });
  const done = step({ n: 2, event_id: 8, scheduled_at: at(0), completed_at: at(1) });
  const items = [open, done];
  assert.equal(withWork(items, undefined), items);
  const [a, b] = withWork(items, [{ kind: "activity", event_id: 7, name: "x", state: "queued" }, { kind: "activity", event_id: 8, name: "x", state: "executing" }]);
  assert.deepEqual(barOf(a!, base + 5000).parts.map((p) => p.kind), ["queued"]);
  assert.equal(b, done);
  const [c] = withWork(items, [{ kind: "activity", event_id: 7, name: "x", state: "executing", worker: "w", since: at(2) }]);
  assert.deepEqual(barOf(c!, base + 5000).parts.map((p) => [p.kind, p.from - base, p.to - base]), [["queued", 0, 2000], ["open", 2000, 5000]]);
  assert.equal(c!.worker, "w");
});

test("links to other systems need all their values, and are web addresses", () => {
  const run = { id: "a/b", name: "Order", tags: { order: "7 8" }, trace_id: "t1" } as unknown as Run;
  const web = "https:" + "//";
  const of = (patterns: Record<string, string>) => outside(run, patterns).map((l) => l.field + " " + l.value + " " + l.href);
  assert.deepEqual(of({ trace: web + "x.test/{value}", id: web + "x.test/{value}?o={tag.order}" }), [`id a/b ${web}x.test/a%2Fb?o=7%208`, `trace t1 ${web}x.test/t1`]);
  assert.deepEqual(of({ worker: web + "x.test/{value}", id: web + "x.test/{agent}", name: "javascript:alert('{value}')", trace: "data:text/html,{value}", "tag.none": web + "x.test" }), []);
  assert.deepEqual(outside(run, undefined), []);
});
