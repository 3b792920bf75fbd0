import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { commandOf, word } from "../../src/lib/shell.js";

test("a shell reads each word as it was", () => {
  const texts = ["plain-1", "@counter@x", "it's", "two words", "$(id) `id` $HOME", "a\\b", "tab\tand\nline", "\u001b[201~rm", "'\u0007'", "ü\u0085", "", "~", "#no", "*?[a]", "=x", "-v", "status:failed name:\"A b\""];
  const read = execFileSync("bash", ["-c", `printf '%s\\0' ${texts.map(word).join(" ")}`], { encoding: "utf8", env: { LC_ALL: "C.UTF-8" } });
  assert.deepEqual(read.split("\0").slice(0, -1), texts);
  for (const t of texts) assert.doesNotMatch(word(t), /[\u0000-\u001f\u007f-\u009f]/, `word(${JSON.stringify(t)}) has control characters`);
});

test("commands name the server, and keep ids from being options", () => {
  assert.equal(commandOf("run get", ["a b"], " --hub http://x:1"), "perdure run get 'a b' --hub http://x:1");
  assert.equal(commandOf("run get", ["-a"], " --hub http://x:1"), "perdure run get --hub http://x:1 -- -a");
  assert.equal(commandOf("run list", [], "", { filter: "status:failed -name:x", sort: "" }), "perdure run list --filter 'status:failed -name:x'");
});
