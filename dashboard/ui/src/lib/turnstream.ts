// Follows the stream of a turn, over lost connections and restarts of the server.

import type { AgentFrame } from "../api";
import { eventReader } from "./sse";

/** State of the connection: attaching, live, or waiting to attach again. */
export type Attachment = "attaching" | "live" | "lost";

export interface FollowOptions {
  /** Returns the response of the stream from an offset on. */
  open: (offset: number, signal: AbortSignal) => Promise<Response>;
  /** Offset of the first frame that is wanted. */
  offset: number;
  /** Is given frames in order, none twice. */
  onFrames: (frames: AgentFrame[]) => void;
  onState?: (state: Attachment) => void;
  signal: AbortSignal;
  /** Longest silence of a living stream, ms: the server says something every 15 s. */
  silence?: number;
  /** Waits; resolves early when the signal is aborted. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** GoneError says that there is no such turn, or none that may be seen. */
export class GoneError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

const longestPause = 2000;

/**
 * followTurn hands on the frames of a turn until its end. A connection that is lost is
 * made again, from the offset after the last frame. It throws a GoneError when the
 * server refuses, and returns when the signal is aborted.
 */
export async function followTurn(o: FollowOptions): Promise<void> {
  const pause = o.pause ?? wait;
  let next = o.offset;
  let failures = 0;
  while (!o.signal.aborted) {
    o.onState?.("attaching");
    try {
      const ended = await attach(o, next, (frames) => {
        failures = 0;
        const last = frames[frames.length - 1];
        if (last) {
          next = last.offset + 1;
        }
      });
      if (ended) {
        return;
      }
    } catch (err) {
      if (o.signal.aborted) {
        return;
      }
      if (err instanceof GoneError) {
        throw err;
      }
    }
    o.onState?.("lost");
    failures++;
    await pause(Math.min(longestPause, 100 * 2 ** Math.min(failures, 5)) * (0.5 + Math.random() / 2), o.signal);
  }
}

// attach reads one connection; it reports whether the turn has ended.
async function attach(o: FollowOptions, offset: number, seen: (frames: AgentFrame[]) => void): Promise<boolean> {
  const silent = new AbortController();
  const abort = () => silent.abort();
  o.signal.addEventListener("abort", abort);
  let timer = setTimeout(abort, o.silence ?? 40_000);
  try {
    const response = await o.open(offset, silent.signal);
    if (!response.ok || !response.body) {
      // What is over or forbidden stays so; all else may be better in a moment.
      if ([400, 401, 403, 404, 410].includes(response.status)) {
        throw new GoneError(response.status, "the stream of the turn cannot be read");
      }
      return false;
    }
    o.onState?.("live");
    const reader = response.body.getReader();
    const events = eventReader();
    const text = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return false;
      }
      clearTimeout(timer);
      timer = setTimeout(abort, o.silence ?? 40_000);
      const frames: AgentFrame[] = [];
      for (const e of events(text.decode(value, { stream: true }))) {
        if (e.event !== "error" && e.event !== "accepted") {
          frames.push(JSON.parse(e.data) as AgentFrame);
        }
      }
      if (frames.length > 0) {
        seen(frames);
        o.onFrames(frames);
        if (frames.some((f) => f.type === "end")) {
          return true;
        }
      }
    }
  } finally {
    clearTimeout(timer);
    o.signal.removeEventListener("abort", abort);
    silent.abort();
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
