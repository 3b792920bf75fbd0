// One action on many runs: what it would do, and how it goes.
import type { Batch } from "../api";
import { post, ProblemError } from "./api";
import { eventReader } from "./sse";

/** What a batch does, and to which runs: those with the ids, or all that match. */
export interface BatchOrder {
  action: string;
  ids?: string[];
  filter?: string;
  reason?: string;
  recursive?: boolean;
}

/** Counts for how many runs it is allowed, and why for others not. */
export const previewBatch = (order: BatchOrder): Promise<Batch> => post<Batch>("batches?dry_run=1", order);

/**
 * Runs a batch and tells how far it is. Aborting stops it: what was done stays done. A
 * repeat with the same key goes on where a lost connection has ended it.
 */
export async function runBatch(order: BatchOrder, key: string, signal: AbortSignal, tell: (b: Batch) => void): Promise<Batch> {
  const response = await fetch("api/v1/batches", {
    method: "POST",
    credentials: "same-origin",
    signal,
    headers: { Accept: "text/event-stream", "Content-Type": "application/json", "Idempotency-Key": key, "X-Perdure": "1" },
    body: JSON.stringify(order),
  });
  if (!response.ok || !response.body) {
    throw new ProblemError(response.status, await response.json().catch(() => ({ detail: response.statusText })));
  }
  const read = eventReader();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      throw new ProblemError(0, { detail: "the connection was lost before the end", hint: "Repeat: it goes on where it was." });
    }
    for (const e of read(value)) {
      const b = JSON.parse(e.data) as Batch;
      if (e.event === "done") {
        return b;
      }
      tell(b);
    }
  }
}
