import { test } from "node:test";
import assert from "node:assert/strict";

import { heldParam, markOf } from "../../src/lib/marks";

// The server's test has the same.
test("marks are the server's", () => {
  assert.deepEqual(["", "order-42", "größe/1%"].map(markOf), [0x1c9d44, 0x2446a3, 0x3df48f]);
  assert.equal(heldParam([]), "");
  assert.equal(heldParam(["", "order-42"]).length, 8);
  assert.equal(heldParam(Array.from({ length: 5000 }, (_, i) => `r${i}`)).length, 4000);
});
