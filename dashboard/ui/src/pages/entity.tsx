import { useState } from "preact/hooks";

import type { PageProps } from "../app";
import type { EntitiesFrame, Entity as View } from "../api";
import { path, post, type ProblemError, readOnly, useQuery } from "../lib/api";
import { bytes } from "../lib/format";
import { parseJson } from "../lib/jsontext";
import { useTopic } from "../lib/live";
import { links } from "../lib/router";
import { Copy } from "../parts/Copy";
import { JsonView } from "../parts/JsonView";
import { Problem } from "../parts/Problem";
import { Time } from "../parts/Time";
import { Visible } from "../parts/Visible";
import { sessionOf } from "./entities";

/** Entity is the page of an entity: its state, what waits for it, and a signal to it. */
export function Entity({ params }: PageProps) {
  const name = params["name"] ?? "";
  const key = params["key"] ?? "";
  const where = path`entities/${name}/${key}`;
  const entity = useQuery<View>(where);
  useTopic("entities:" + name, undefined, (events) => {
    if (events.some((e) => e.kind === "reset" || (e.data as EntitiesFrame).upsert.some((x) => x.key === key))) {
      entity.refetch();
    }
  });
  const e = entity.data;
  const chat = sessionOf({ name, key });
  return (
    <section class="page entity">
      <header class="page-head">
        <h1><Visible text={name} exact /> <span class="dim">/ <Visible text={key} exact /></span> <Copy text={`@${name}@${key}`} what="id" /></h1>
        {chat && <a href={chat}>Open the conversation</a>}
      </header>
      {entity.error?.status === 404 ? (
        <p class="dim">This entity does not exist yet. Its first operation makes it.</p>
      ) : (
        entity.error && <Problem error={entity.error} retry={entity.refetch} />
      )}
      {e && (
        <>
          <dl class="traits">
            <div><dt>Last operation</dt><dd><Time at={e.updated} /></dd></div>
            <div><dt>Waiting</dt><dd>{e.queue_depth} {e.queue_depth === 1 ? "operation" : "operations"}</dd></div>
            <div><dt>Lock</dt><dd>{e.lock_owner ? <a href={links.run(e.lock_owner)}>held by <Visible text={e.lock_owner} exact /></a> : <span class="dim">free</span>}</dd></div>
            <div><dt>State</dt><dd>{bytes(e.state_bytes ?? 0)}</dd></div>
          </dl>
          <h2>State</h2>
          {e.state === undefined ? <p class="dim">none</p> : <JsonView value={e.state} label="state" />}
        </>
      )}
      {!name.startsWith("dafx-") && (e || entity.error?.status === 404) && <Signal where={where} onSent={entity.refetch} />}
    </section>
  );
}

function Signal({ where, onSent }: { where: string; onSent: () => void }) {
  const [operation, setOperation] = useState("");
  const [input, setInput] = useState("");
  const [sent, setSent] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ProblemError | null>(null);
  const typed = input.trim() === "" ? null : parseJson(input);

  async function send() {
    setBusy(true);
    setError(null);
    setSent("");
    try {
      await post(where + "/signal", { operation, ...(typed?.ok ? { input: typed.value } : {}) });
      setSent(operation);
      onSent();
    } catch (err) {
      setError(err as ProblemError);
    }
    setBusy(false);
  }

  return (
    <form class="entity-signal" onSubmit={(e) => { e.preventDefault(); void send(); }}>
      <h2>Signal</h2>
      <p class="dim">Sends an operation that nobody waits for. It is taken once, in its turn.</p>
      <label class="field">
        Operation
        <input type="text" required value={operation} onInput={(e) => setOperation(e.currentTarget.value)} />
      </label>
      <label class="field">
        Input (JSON, may be empty)
        <textarea class="code" rows={4} spellcheck={false} value={input} aria-invalid={!!typed && !typed.ok} onInput={(e) => setInput(e.currentTarget.value)} />
        {typed && !typed.ok && <span class="field-error" role="alert">Line {typed.line}, column {typed.column}: {typed.message}</span>}
      </label>
      <div class="decide-row">
        <button type="submit" class="primary" disabled={readOnly || busy || operation.trim() === "" || (typed !== null && !typed.ok)}>{busy ? "Sending…" : "Send"}</button>
        <span role="status">{sent && <>✓ {sent} was accepted</>}</span>
      </div>
      {error && <Problem error={error} />}
    </form>
  );
}
