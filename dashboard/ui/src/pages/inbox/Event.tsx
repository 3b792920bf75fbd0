import { useEffect, useRef, useState } from "preact/hooks";

import type { Conversation, Run } from "../../api";
import { path, post, query, type ProblemError, useQuery } from "../../lib/api";
import { hindered } from "../../lib/hindered";
import { parseJson } from "../../lib/jsontext";
import { links } from "../../lib/router";
import { Markdown } from "../../lib/markdown";
import { Payload } from "../../parts/Payload";
import { Share } from "../../parts/Share";
import { Time } from "../../parts/Time";
import { Visible } from "../../parts/Visible";
import { Deadline } from "../../parts/Deadline";
import type { Ask } from "../../parts/Decide";

/** EventDetail shows a run that waits for an event, and raises it. */
export function EventDetail({ run: r, onDone, ask, gone }: { run: Run; onDone: (text: string | null) => void; ask?: Ask; gone?: boolean }) {
  const [text, setText] = useState<string | null>(null);
  const [confirm, setConfirm] = useState<boolean | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ProblemError | null>(null);
  const yes = useRef<HTMLButtonElement>(null);
  const whole = useQuery<Run>(path`runs/${r.id}`);
  const said = useQuery<Conversation>(path`runs/${r.id}/conversation`);
  const name = r.wait_name ?? "";
  const approves = /approv|decision|confirm|accept|review/i.test(name);
  const off = hindered();
  const typed = text === null ? null : parseJson(text);

  useEffect(() => {
    if (!off && ask?.id === "run:" + r.id && (ask.answer === "approve" || ask.answer === "deny")) {
      setConfirm(ask.answer === "approve");
    }
  }, [ask?.n]);
  useEffect(() => {
    if (confirm !== null) {
      yes.current?.focus();
    }
  }, [confirm]);

  async function raise(value: unknown, done: string) {
    setConfirm(null);
    setBusy(true);
    setError(null);
    try {
      await post<Run>(path`runs/${r.id}/events/${name}`, value);
      onDone(done);
    } catch (err) {
      setError(err as ProblemError);
    }
    setBusy(false);
  }

  const word = (value: boolean) => (approves ? (value ? "Approve" : "Deny") : value ? "Send true" : "Send false");
  const doneWord = (value: boolean) => (approves ? (value ? "approved" : "denied") : `${name} was raised with ${value}`);
  const last = (said.data?.items ?? []).filter((s) => s.kind === "message" && s.message).slice(-2);
  return (
    <article class="inbox-detail" aria-label={`${r.id} waits for ${name}`}>
      <header>
        <p class="inbox-kind"><span class="kind kind-event">Event</span><Deadline at={r.next_fire_at} then={r.next_fire_at ? "then the run goes on without it" : ""} />
          <Share what="wait" link={"inbox" + query({ id: "run:" + r.id })} id={r.id} command={["run get", [r.id]]} json={{ path: path`runs/${r.id}`, file: r.id + ".json" }} />
        </p>
        <h2><Visible text={`${r.name} waits for ${name}`} exact /></h2>
        <p class="dim">run <a href={links.run(r.id)}><Visible text={r.id} exact /></a> waits since <Time at={r.phase_since ?? r.created ?? ""} /></p>
      </header>
      {last.length > 0 && (
        <section>
          <h3>What was said last</h3>
          {last.map((s) => (
            <div key={s.run + s.position} class={"led led-" + s.message?.Role}>
              <span class="led-who">{s.message?.Role === "user" ? "asked" : s.agent}</span>
              <Markdown text={(s.message?.Contents ?? []).map((c) => (c.Type === "text" ? c.Text : "")).join("")} />
            </div>
          ))}
        </section>
      )}
      {whole.data?.input !== undefined && (
        <section><h3>Input of the run</h3><Payload value={whole.data.input} label="input" /></section>
      )}
      {text !== null && (
        <label class="field">
          Data of the event (JSON)
          <textarea class="code" rows={4} value={text} spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} aria-invalid={!!typed && !typed.ok} />
          {typed && !typed.ok && text.trim() !== "" && <span class="field-error" role="alert">Line {typed.line}, column {typed.column}: {typed.message}</span>}
        </label>
      )}
      {gone && !busy ? (
        <div class="decide-conflict" role="alert">
          <strong>It waits for {name} no more.</strong>
          <p class="dim">The event has come, its time was over, or the run has ended.</p>
          <button type="button" onClick={() => onDone(null)}>Go on</button>
        </div>
      ) : confirm !== null ? (
        <div class="decide-row" role="alertdialog" aria-label={word(confirm) + "?"} onKeyDown={(e) => e.key === "Escape" && (e.stopPropagation(), setConfirm(null))}>
          <span>{word(confirm)}?</span>
          <button type="button" ref={yes} class={confirm ? "tone-good" : "tone-bad"} disabled={off !== ""} onClick={() => raise(confirm, doneWord(confirm))}>Yes, {word(confirm).toLowerCase()}</button>
          <button type="button" onClick={() => setConfirm(null)}>No</button>
        </div>
      ) : (
        <div class="decide-row">
          {text === null ? (
            <>
              <button type="button" class="tone-good" disabled={busy || off !== ""} aria-keyshortcuts="a" onClick={() => raise(true, doneWord(true))}>{busy ? "Applying…" : word(true)}<kbd aria-hidden="true">a</kbd></button>
              <button type="button" class="tone-bad" disabled={busy || off !== ""} aria-keyshortcuts="d" onClick={() => raise(false, doneWord(false))}>{word(false)}<kbd aria-hidden="true">d</kbd></button>
              <button type="button" class="link" onClick={() => setText("")}>Other data</button>
            </>
          ) : (
            <>
              <button type="button" class="tone-good" disabled={busy || off !== "" || !typed?.ok} onClick={() => typed?.ok && raise(typed.value, name + " was raised")}>Raise {name}</button>
              <button type="button" class="link" onClick={() => setText(null)}>Back</button>
            </>
          )}
        </div>
      )}
      <p class="dim small">{text === null ? `Raises the event ${name} with ${approves ? "true or false as its data" : "this as its data"}.` : ""}</p>
      {off && <p class="dim" role="status">{off}</p>}
      {error && <p class="field-error" role="alert">{error.message}{error.hint && ". " + error.hint}</p>}
    </article>
  );
}
