import assert from "node:assert/strict";
import test from "node:test";

import { parseJson } from "../../src/lib/jsontext";

test("errors in JSON have a line, a column and a sentence", () => {
  for (const [text, place, message] of [
    ['{"a": 1,\n "b" 2}', "2:6", "a colon is missing"],
    ["{'a': 1}", "1:2", "a name in double quotes is missing"],
    ['{"a": yes}', "1:7", "yes is no value; texts stand in double quotes"],
    ["[1, 2", "1:6", "] is missing at the end"],
    ["[1,]", "1:4", "no comma may stand before ]"],
    ['"a\nb"', "1:3", "a text may not go over lines: write \\n"],
    ["", "1:1", "a value is missing"],
    ["1 2", "1:3", "nothing may follow the value"],
    ['{"a":"\\x"}', "1:7", "a backslash begins no known escape"],
    ["01", "1:1", "01 is no value; texts stand in double quotes"],
  ] as const) {
    const got = parseJson(text);
    assert.equal(got.ok ? "" : `${got.line}:${got.column} ${got.message}`, place + " " + message, text);
  }
});

test("what JSON.parse reads is read", () => {
  for (const text of ['{"a":[1,-2.5e3,"\\u00e9",null,true]}', " 1 ", '""', "[]", "{}"]) {
    assert.deepEqual(parseJson(text), { ok: true, value: JSON.parse(text) });
  }
});
