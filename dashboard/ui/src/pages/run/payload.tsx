// Payloads of history events, read when they are opened.

import type { ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";
import { path, query } from "../../lib/api";
import { bytes } from "../../lib/format";
import { JsonView } from "../../parts/JsonView";

/** How much of a payload is read at once, in bytes. */
const cap = 256 * 1024;

interface Read {
  text: string;
  /** of the whole payload */
  size: number;
  cut: boolean;
}

/** Reads a payload, or its beginning if it is long. */
async function read(where: string, signal: AbortSignal): Promise<Read> {
  const answer = await fetch("api/v1/" + where, { headers: { "X-Perdure": "1", Range: `bytes=0-${cap - 1}` }, credentials: "same-origin", signal });
  if (!answer.ok) throw new Error(answer.status === 404 ? "There is no payload." : `The server answered ${answer.status}.`);
  const text = await answer.text();
  const size = Number(/\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "")?.[1] ?? new TextEncoder().encode(text).length);
  return { text, size, cut: size > cap };
}

interface Props {
  title: string;
  run: string;
  execution: string;
  /** number of the event */
  n: number;
  size: number;
  open?: boolean;
}

/** Shows the payload of an event under a title that opens it. */
export function Payload(p: Props) {
  const [open, setOpen] = useState(p.open ?? false);
  return (
    <details class="payload" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{p.title} <span class="dim">{bytes(p.size)}</span></summary>
      {open && <Content {...p} />}
    </details>
  );
}

function Content(p: Props): ComponentChild {
  const [state, setState] = useState<{ read?: Read; error?: string }>({});
  const where = path`runs/${p.run}/events/${String(p.n)}/payload` + query({ execution: p.execution });
  useEffect(() => {
    const abort = new AbortController();
    setState({});
    read(where, abort.signal).then(
      (read) => setState({ read }),
      (e: Error) => abort.signal.aborted || setState({ error: e.message }),
    );
    return () => abort.abort();
  }, [where, p.size]);
  if (state.error) return <p class="error">{state.error}</p>;
  if (!state.read) return <p class="dim">Loading…</p>;
  const { text, size, cut } = state.read;
  if (cut) {
    return (
      <>
        <pre class="code">{text}</pre>
        <p class="dim">The first {bytes(cap)} of {bytes(size)}. <a href={"api/v1/" + where} download={`${p.run}-${p.n}.json`}>Download all</a></p>
      </>
    );
  }
  return <JsonView value={parse(text)} />;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
