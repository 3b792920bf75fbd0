import assert from "node:assert/strict";
import test from "node:test";

import { partEnd } from "../../src/lib/cut";
import { eventReader } from "../../src/lib/sse";
import { escaped, pieces } from "../../src/lib/visible";

test("characters that hide or reorder are shown by their number", () => {
  for (const [text, want] of [
    ["plain\ttext\n", "plain\ttext\n"],
    ["pay \u202e001 EUR", "pay <U+202E>001 EUR"],
    ["a\u0000b\u001b[31mc\u009b", "a<U+0000>b<U+001B>[31mc<U+009B>"],
    ["a\u200bb\u2066c\u2069\ufeff", "a<U+200B>b<U+2066>c<U+2069><U+FEFF>"],
    ["tag \u{e0041}\u{e0042}", "tag <U+E0041><U+E0042>"],
    ["half \ud800 pair", "half <U+D800> pair"],
    ["line\r\nend\r", "line\r\nend<U+000D>"],
    ["", ""],
  ]) {
    assert.equal(escaped(text!), want);
  }
});

test("letters that look like others are shown by their number where each character counts", () => {
  for (const [text, want] of [
    ["p\u0430ypal", "p<U+0430>ypal"],
    ["\u043f\u0440\u0438\u0432\u0435\u0442 you", "\u043f\u0440\u0438\u0432\u0435\u0442 you"],
    ["b\u{1d41a}nk, b\uff41nk, \u03b1b", "b<U+1D41A>nk, b<U+FF41>nk, <U+03B1>b"],
    ["caf\u00e9 na\u00efve e\u0301", "caf\u00e9 na\u00efve e\u0301"],
    ["\u0440\u0430\u0443", "<U+0440><U+0430><U+0443>"],
    ["\u0430 \u043f\u0440\u0438", "\u0430 \u043f\u0440\u0438"],
    ["\u{1d41a}\u{1d41b}, \uff50\uff41\uff59", "<U+1D41A><U+1D41B>, <U+FF50><U+FF41><U+FF59>"],
    ["\u65e5\u672c\u30fc", "\u65e5\u672c\u30fc"],
    ["x".repeat(1 << 20) + " p\u0430y\u202e", "x".repeat(1 << 20) + " p<U+0430>y<U+202E>"],
  ]) {
    assert.equal(escaped(text!), want);
  }
  assert.deepEqual(pieces("p\u0430ypal"), [{ text: "p\u0430ypal" }]);
});

test("joiners of ordinary text stay, unless each character counts", () => {
  const family = "👨\u200d👩";
  assert.deepEqual(pieces(family), [{ text: family }]);
  assert.equal(pieces(family, true).length, 3);
});

test("long texts part where it hurts least", () => {
  const text = "a".repeat(60) + "\n\n" + "b".repeat(60);
  assert.equal(partEnd(text, 0, 100), 62);
  assert.equal(partEnd("x".repeat(300), 0, 100), 100);
  assert.equal(partEnd("short", 0, 100), 5);
  const emoji = "x".repeat(99) + "🌊".repeat(9);
  assert.equal(partEnd(emoji, 0, 100), 101);
});

test("events are read however they are cut", () => {
  const text = ": hi\r\n\r\nid: 4\r\nevent: text\r\ndata: a\r\ndata:b\r\n\r\ndata: last\n\n";
  for (let size = 1; size <= text.length; size++) {
    const read = eventReader();
    const got = [];
    for (let at = 0; at < text.length; at += size) {
      got.push(...read(text.slice(at, at + size)));
    }
    assert.deepEqual(got, [{ id: "4", event: "text", data: "a\nb" }, { id: "4", event: "message", data: "last" }], "pieces of " + size);
  }
});
