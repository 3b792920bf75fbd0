import { test } from "node:test";
import assert from "node:assert/strict";

import type { Run } from "../../src/api";
import { pause } from "../../src/lib/slowly";
import { fieldSuggestions, pieceAt, quotedValue } from "../../src/pages/runs/complete";
import { added, merged, most, none, pageSize, type Rows, rowsOf, settled, type Stand } from "../../src/pages/runs/merge";
import { within } from "../../src/pages/runs/range";
import { marked, mended } from "../../src/pages/runs/wrong";

const run = (n: number, version = 1) => ({ id: `r${n}`, incarnation: "i", row_version: version, created: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString() }) as Run;
const list = (from: number, n: number) => Array.from({ length: n }, (_, i) => run(from - i));
const ids = (r: Rows) => rowsOf(r).map((x) => x.id).join(" ");
const stand: Stand = { newestFirst: true, frozen: false, atTop: true, since: new Date(Date.UTC(2026, 0, 2)).toISOString() };
const shown = (next?: string, prev?: string): Rows => ({ ...none, parts: [{ items: list(10, 3), next, prev }] });

test("new runs come in at the top, old ones only where nothing is below", () => {
  assert.equal(ids(merged(shown("n"), [run(11), run(2)], [], stand)), "r11 r10 r9 r8");
  assert.equal(ids(merged(shown(), [run(2)], [], stand)), "r10 r9 r8 r2");
});

test("where runs were not told, others wait instead of hiding the gap", () => {
  const flooded = merged(shown("n"), [run(9, 2)], [], stand, 400);
  assert.deepEqual([ids(flooded), rowsOf(flooded)[1]?.row_version, flooded.unseen], ["r10 r9 r8", 2, 400]);
  const later = merged(flooded, [run(900)], [], stand, 30);
  assert.deepEqual([ids(later), later.fresh.map((r) => r.id), later.unseen], ["r10 r9 r8", ["r900"], 430]);
});

test("nothing moves while rows are selected", () => {
  const held = merged(shown("n"), [run(11), run(9, 2)], [{ id: "r8", row_version: 3 }], { ...stand, frozen: true });
  assert.equal(ids(held), "r10 r9 r8");
  assert.equal(rowsOf(held)[1]?.row_version, 2);
  assert.deepEqual([held.fresh.length, held.gone], [1, ["r8"]]);
  assert.equal(ids(settled(held, stand)), "r11 r10 r9");
  const away = settled(held, { ...stand, atTop: false });
  assert.deepEqual([ids(away), away.fresh.length], ["r10 r9", 1]);
});

test("an older version changes nothing, and a row that matches again stays", () => {
  const newer = merged(shown(), [run(9, 5)], [], stand);
  assert.equal(rowsOf(merged(newer, [run(9, 4)], [], stand))[1]?.row_version, 5);
  const frozen = { ...stand, frozen: true };
  assert.deepEqual(merged(merged(shown(), [], [{ id: "r9", row_version: 2 }], frozen), [run(9, 3)], [], frozen).gone, []);
});

test("after a jump only what was created since is new", () => {
  const r = merged(shown("n", "p"), [run(50), run(90_000)], [], stand);
  assert.deepEqual([ids(r), r.fresh.map((x) => x.id)], ["r10 r9 r8", ["r90000"]]);
});

test("pages are added at both ends, without doubles, and dropped at the other", () => {
  let r: Rows = { ...none, parts: [{ items: list(100_000, pageSize), next: "n" }] };
  for (let i = 1; i <= most / pageSize; i++) r = added(r, { items: list(100_000 - i * pageSize + 1, pageSize), next: "n", prev: `p${i}` }, "end");
  assert.ok(rowsOf(r).length <= most);
  assert.equal(new Set(rowsOf(r).map((x) => x.id)).size, rowsOf(r).length);
  assert.equal(r.parts[0]?.prev, "p1");
  const before = added(shown("n", "p"), { items: list(13, 3) }, "start");
  assert.deepEqual([ids(before), before.parts[0]?.prev], ["r13 r12 r11 r10 r9 r8", undefined]);
});

test("a list that has grown at its top is read anew at its end", () => {
  const grown = merged({ ...none, parts: [{ items: list(most, most) }] }, [run(most + 1)], [], stand);
  assert.equal(rowsOf(grown).length, most);
  assert.equal(grown.parts.at(-1)?.next, "@" + run(2).created);
});

test("the piece that is written is found", () => {
  const at = (text: string) => {
    const [before = "", after = ""] = text.split("|");
    const p = pieceAt(before + after, before.length);
    return [p.field, p.text, p.rest];
  };
  assert.deepEqual(at("sta|"), ["", "sta", ""]);
  assert.deepEqual(at("name:Order -status:fai| id:x"), ["status", "fai", "name:Order id:x"]);
  assert.deepEqual(at("status:failed,run|"), ["status", "run", ""]);
  assert.deepEqual(at("(phase:st|) id:a"), ["phase", "st", ""]);
  assert.deepEqual(at('tag.team:"two wo|'), ["tag.team", "two wo", ""]);
  assert.deepEqual(at("-status:fai| name:x"), ["status", "fai", "name:x"]);
  assert.equal(quotedValue("two words"), '"two words"');
  assert.deepEqual(fieldSuggestions([{ name: "status", type: "choice", choices: ["failed"], indexed: true }], "st").map((s) => s.insert), ["status:"]);
});

test("a range takes the place of the one before", () => {
  const [a, b] = [new Date(Date.UTC(2026, 0, 1)), new Date(Date.UTC(2026, 0, 2))];
  const range = "created>=2026-01-01T00:00:00.000Z created<2026-01-02T00:00:00.000Z";
  assert.equal(within("", a, b), range);
  assert.equal(within("name:x created>-24h", a, b), "name:x " + range);
  assert.equal(within("a or b", a, b), "(a or b) " + range);
});

test("a list that takes the server long is read less often while much happens", () => {
  assert.equal(pause(0), 10_000);
  assert.equal(pause(20), 10_000);
  assert.equal(pause(100), 30_000); // 1/300 of the time
  assert.equal(pause(5_000), 60_000); // it is not forgotten
});

test("what is wrong in a filter is marked by bytes, and mended by the nearest names", () => {
  const text = "ä statsu:failed created>toady";
  const marks = [{ from: 3, to: 9, nearest: "status" }, { from: 25, to: 30, nearest: "today" }];
  assert.deepEqual(marked(text, marks).map((p) => (p.mark ? `[${p.text}]` : p.text)).join(""), "ä [statsu]:failed created>[toady]");
  assert.equal(mended(text, marks), "ä status:failed created>today");
  assert.equal(mended(text, [{ from: 3, to: 9 }]), undefined);
  assert.deepEqual(marked("ab", marks), [{ from: 0, text: "ab", mark: false }]);
});
