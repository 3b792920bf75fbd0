import assert from "node:assert/strict";
import test from "node:test";

import type { AgentFrame } from "../../src/api";
import { followTurn, GoneError } from "../../src/lib/turnstream";

const frames: AgentFrame[] = [
  { offset: 0, type: "step", step: 1 },
  { offset: 1, type: "text", step: 1, delta: "Ein schöner — " },
  { offset: 2, type: "text", step: 1, delta: "Tag 🌊" },
  { offset: 9, type: "end", status: "completed" },
];

// serve answers with the stream from an offset on, cut after some bytes.
function serve(offset: number, bytes: number, piece = 7): Response {
  const text = ": turn\n\n" + frames
    .filter((f) => f.offset >= offset)
    .map((f) => `id: ${f.offset}\nevent: ${f.type}\ndata: ${JSON.stringify(f)}\n\n`)
    .join("");
  const all = new TextEncoder().encode(text).slice(0, bytes);
  let at = 0;
  return new Response(new ReadableStream({
    pull(c) {
      if (at >= all.length) {
        c.close();
        return;
      }
      c.enqueue(all.slice(at, at + piece));
      at += piece;
    },
  }));
}


async function follow(open: (offset: number, times: number) => Response | Error) {
  const got: AgentFrame[] = [];
  const offsets: number[] = [];
  await followTurn({
    offset: 0,
    signal: new AbortController().signal,
    pause: async () => {},
    onFrames: (list) => got.push(...list),
    open: async (offset) => {
      offsets.push(offset);
      const answer = open(offset, offsets.length);
      if (answer instanceof Error) {
        throw answer;
      }
      return answer;
    },
  });
  return { got, offsets };
}

test("a stream that is cut anywhere goes on, without loss and without anything twice", async () => {
  for (let cut = 0; cut < 330; cut += 3) {
    const { got } = await follow((offset, times) => serve(offset, times === 1 ? cut : 10_000));
    assert.deepEqual(got, frames, "cut after " + cut + " bytes");
  }
});

test("errors of network and server are waited out", async () => {
  const { got, offsets } = await follow((offset, times) => {
    if (times === 1) {
      return serve(offset, 150);
    }
    return times < 4 ? new TypeError("network") : times < 6 ? new Response("", { status: 503 }) : serve(offset, 10_000);
  });
  assert.deepEqual(got, frames);
  assert.equal(offsets.length, 6);
  assert.ok(offsets[5]! > 0, "it goes on where it was, not from the beginning: " + offsets.join(" "));
});

test("a turn that is not there is not asked for again", async () => {
  await assert.rejects(follow(() => new Response("", { status: 404 })), GoneError);
});

test("an aborted reader returns", async () => {
  const c = new AbortController();
  c.abort();
  await followTurn({ offset: 0, signal: c.signal, onFrames: () => {}, open: async () => serve(0, 10) });
});
