import { useState } from "preact/hooks";

import type { PageProps } from "../app";
import type { Answered, EntitiesFrame, Entity as View, EntityOperation } from "../api";
import { path, post, type ProblemError, useQuery } from "../lib/api";
import { bytes } from "../lib/format";
import { hindered } from "../lib/hindered";
import { parseJson } from "../lib/jsontext";
import { useTopic } from "../lib/live";
import { links } from "../lib/router";
import { JsonView } from "../parts/JsonView";
import { Problem } from "../parts/Problem";
import { Share } from "../parts/Share";
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
        <div class="page-title"><h1><Visible text={name} exact /> <span class="dim">/ <Visible text={key} exact /></span></h1> <Share what="entity" id={`@${name}@${key}`} command={["entity get", [name, key]]} json={{ path: where, file: `${name}-${key}.json` }} /></div>
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
            <div><dt>Last operation</dt><dd>{e.last_op && <><code><Visible text={e.last_op} exact /></code> </>}<Time at={e.updated} />{e.last_error && <span class="bad"> failed</span>}</dd></div>
            <div><dt>Waiting</dt><dd>{e.queue_depth} {e.queue_depth === 1 ? "operation" : "operations"}</dd></div>
            <div><dt>Lock</dt><dd>{e.lock_owner ? <a href={links.run(e.lock_owner)}>held by <Visible text={e.lock_owner} exact /></a> : <span class="dim">free</span>}</dd></div>
            <div><dt>State</dt><dd>{bytes(e.state_bytes ?? 0)}</dd></div>
          </dl>
          <h2>State</h2>
          {e.state === undefined ? <p class="dim">none</p> : <JsonView value={e.state} label="state" />}
          <Operations list={e.operations ?? []} />
        </>
      )}
      {!name.startsWith("dafx-") && (e || entity.error?.status === 404) && <Operate where={where} known={[...new Set((e?.operations ?? []).map((o) => o.name))]} onSent={entity.refetch} />}
    </section>
  );
}

/** The newest operations that the entity has carried out. */
function Operations({ list }: { list: EntityOperation[] }) {
  return (
    <>
      <h2>Recent operations</h2>
      {list.length === 0 ? (
        <p class="dim">None is known. Each operation that it carries out is told here; the newest 8 are kept.</p>
      ) : (
        <ul class="plain operations" aria-label="What it has done lately, the newest first">
          {list.map((o, i) => (
            <li key={`${o.at} ${i}`} class={o.error ? "is-failed" : ""}>
              <code><Visible text={o.name} exact /></code>
              <span class="dim">{o.called ? "called by" : "signalled by"} <From id={o.from} /></span>
              <Time at={o.at} />
              {o.error && <span class="bad operation-error"><Visible text={o.error} exact /></span>}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Who has asked for an operation. */
function From({ id }: { id: string | undefined }) {
  if (!id) return <>a client</>;
  const entity = /^@([^@]+)@(.*)$/s.exec(id);
  return <a href={entity ? links.entity(entity[1] ?? "", entity[2] ?? "") : links.run(id)}><Visible text={id} exact /></a>;
}

/** The form by which a person has the entity carry out an operation. */
function Operate({ where, known, onSent }: { where: string; known: string[]; onSent: () => void }) {
  const [operation, setOperation] = useState("");
  const [input, setInput] = useState("");
  const [done, setDone] = useState<{ operation: string; answer?: Answered } | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ProblemError | null>(null);
  const typed = input.trim() === "" ? null : parseJson(input);
  const off = hindered();
  const unfit = off !== "" || busy || operation.trim() === "" || (typed !== null && !typed.ok);

  async function send(call: boolean) {
    setBusy(true);
    setError(null);
    setDone(null);
    try {
      const body = { operation: operation.trim(), ...(typed?.ok ? { input: typed.value } : {}) };
      const answer = await post<Answered>(`${where}/${call ? "call" : "signal"}`, body);
      setDone({ operation: body.operation, ...(call ? { answer } : {}) });
      onSent();
    } catch (err) {
      setError(err as ProblemError);
    }
    setBusy(false);
  }

  return (
    <form class="entity-signal" onSubmit={(e) => { e.preventDefault(); if (!unfit) void send(false); }}>
      <h2>Send an operation</h2>
      <p class="dim">A signal is taken once, in its turn, and nobody waits for it. A call waits for the answer.</p>
      <label class="field">
        Operation
        <input type="text" required placeholder={known.join(", ")} value={operation} onInput={(e) => setOperation(e.currentTarget.value)} />
      </label>
      <label class="field">
        Input (JSON, may be empty)
        <textarea class="code" rows={4} spellcheck={false} value={input} aria-invalid={!!typed && !typed.ok} onInput={(e) => setInput(e.currentTarget.value)} />
        {typed && !typed.ok && <span class="field-error" role="alert">Line {typed.line}, column {typed.column}: {typed.message}</span>}
      </label>
      <div class="decide-row">
        <button type="submit" class="primary" disabled={unfit}>{busy ? "Sending…" : "Send signal"}</button>
        <button type="button" disabled={unfit} onClick={() => void send(true)}>Call</button>
        <span role="status">{done && <>✓ {done.operation} {done.answer ? "answered" : "was accepted"}</>}</span>
      </div>
      {off && <p class="dim" role="status">{off}</p>}
      {done?.answer && <JsonView value={done.answer.output ?? null} label="answer" />}
      {error && <Problem error={error} />}
    </form>
  );
}
