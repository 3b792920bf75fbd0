import { useEffect, useRef, useState } from "preact/hooks";

import type { Decision, DecisionAnswer } from "../api";
import { get, path, post, ProblemError } from "../lib/api";
import { choicesOf, doneText, refusalsText, refusedWhy, type Choice } from "../lib/decisions";
import { hindered } from "../lib/hindered";
import { parseJson } from "../lib/jsontext";
import { Time } from "./Time";
import { Visible } from "./Visible";

/** How an answer is asked for from outside, by a key. */
export interface Ask {
  /** Of what is to be answered. */
  id: string;
  answer: string;
  /** Changes with each press. */
  n: number;
}

interface Props {
  decision: Decision;
  onDone: (d: Decision) => void;
  ask?: Ask;
  /** Whether its keys are handled: then they are shown. */
  keys?: boolean;
  /** It is no longer open: others have answered, or nobody had to. */
  gone?: boolean;
}

/**
 * Decide are the answers of a decision that is open. An answer is for exactly the
 * arguments that are shown: their hash goes with it.
 */
export function Decide({ decision: d, onDone, ask, keys = false, gone = false }: Props) {
  const [comment, setComment] = useState("");
  const [confirm, setConfirm] = useState<Choice | null>(null);
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<ProblemError | null>(null);
  const [edited, setEdited] = useState<string | null>(null);
  const [result, setResult] = useState("");
  const [more, setMore] = useState<Record<string, string>>({});
  const yes = useRef<HTMLButtonElement>(null);
  const choices = choicesOf(d.kind);
  const off = hindered();

  useEffect(() => {
    const choice = ask?.id === d.id && choices.find((c) => c.answer === ask.answer);
    if (choice && !busy && !off && !refusedWhy(d, choice.answer)) {
      setConfirm(choice);
    }
  }, [ask?.n]);
  useEffect(() => {
    if (confirm) {
      yes.current?.focus();
    }
  }, [confirm]);

  const [current, setCurrent] = useState<Decision | null>(null);
  useEffect(() => {
    if (!gone || busy) {
      return; // our own answer may be what ended it
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      get<Decision>(path`decisions/${d.id}`, stop.signal).then(setCurrent, () => {}); // with its run everything is gone
    }, 500);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [gone, busy]);

  const typed = edited === null ? null : parseJson(edited);
  const outcome = result.trim() === "" ? null : parseJson(result);
  const wrong = (typed && !typed.ok) || (outcome && !outcome.ok);

  async function send(choice: Choice) {
    setConfirm(null);
    setBusy(choice.answer);
    setError(null);
    const body: DecisionAnswer = { answer: choice.answer, args_hash: d.args_hash, comment: comment || undefined };
    if (choice.answer === "approve" && typed?.ok) {
      body.args = typed.value;
    }
    if (choice.answer === "happened" && outcome?.ok) {
      body.result = outcome.value;
    }
    if (choice.answer === "raise") {
      body.raise = {
        tokens: Number(more.tokens) || undefined, usd: Number(more.usd) || undefined, calls: Number(more.calls) || undefined, time: more.time || undefined,
      };
    }
    try {
      onDone(await post<Decision>(path`decisions/${d.id}`, body));
    } catch (err) {
      const e = err as ProblemError;
      setError(e);
      if (e.status === 409) {
        setCurrent((e.problem.current as Decision | undefined) ?? null);
      }
    }
    setBusy("");
  }

  if (current && current.state !== "pending") {
    return (
      <div class="decide-conflict" role="alert">
        <strong>This was decided meanwhile: {doneText(current)}</strong>
        {current.answered_at && <>, <Time at={current.answered_at} /></>}.
        {current.comment && <p class="dim">“{current.comment}”</p>}
        {error && <p class="dim">Your answer changed nothing.</p>}
        <button type="button" onClick={() => onDone(current)}>Go on</button>
      </div>
    );
  }
  return (
    <div class="decide">
      {edited !== null && (
        <label class="field">
          Arguments instead of these
          <textarea class="code" rows={Math.min(12, edited.split("\n").length + 1)} value={edited} spellcheck={false}
            onInput={(e) => setEdited(e.currentTarget.value)} aria-invalid={!!typed && !typed.ok} />
          {typed && !typed.ok && <span class="field-error" role="alert">Line {typed.line}, column {typed.column}: {typed.message}</span>}
        </label>
      )}
      {d.kind === "outcome_unknown" && (
        <label class="field">
          Result, if it happened (JSON, may be empty)
          <textarea class="code" rows={2} value={result} spellcheck={false} onInput={(e) => setResult(e.currentTarget.value)} aria-invalid={!!outcome && !outcome.ok} />
          {outcome && !outcome.ok && <span class="field-error" role="alert">Line {outcome.line}, column {outcome.column}: {outcome.message}</span>}
        </label>
      )}
      {d.kind === "budget" && <Raise decision={d} values={more} onChange={setMore} />}
      <label class="field">
        <span class="hidden-text">Comment</span>
        <input type="text" value={comment} placeholder="Comment (goes with the answer)" onInput={(e) => setComment(e.currentTarget.value)} />
      </label>
      {confirm ? (
        <div class="decide-row" role="alertdialog" aria-label={confirm.label + "?"} onKeyDown={(e) => e.key === "Escape" && (e.stopPropagation(), setConfirm(null))}>
          <span>{confirm.label}?</span>
          <button type="button" class={"tone-" + confirm.tone} ref={yes} disabled={!!wrong || off !== "" || !!refusedWhy(d, confirm.answer)} onClick={() => send(confirm)}>Yes, {confirm.label.toLowerCase()}</button>
          <button type="button" onClick={() => setConfirm(null)}>No</button>
        </div>
      ) : (
        <div class="decide-row">
          {choices.map((c) => (
            <button key={c.answer} type="button" class={"tone-" + c.tone} disabled={off !== "" || busy !== "" || !!wrong || !!refusedWhy(d, c.answer) || (c.answer === "raise" && !raises(more))}
              title={refusedWhy(d, c.answer) || undefined} aria-keyshortcuts={keys ? c.key : undefined} onClick={() => (c.answer === "retry" ? setConfirm(c) : send(c))}>
              {busy === c.answer ? "Applying…" : c.answer === "approve" && edited !== null ? "Approve with these" : c.label}
              {keys && c.key && <kbd aria-hidden="true">{c.key}</kbd>}
            </button>
          ))}
          {d.kind === "approval" && (
            <button type="button" class="link" onClick={() => setEdited(edited === null ? JSON.stringify(d.args, null, 2) : null)}>
              {edited === null ? "Edit arguments" : "Keep the arguments"}
            </button>
          )}
        </div>
      )}
      {off && <p class="dim" role="status">{off}</p>}
      {refusalsText(d).map((text) => <p key={text} class="decide-refused"><Visible text={text} exact /></p>)}
      {error && <p class="field-error" role="alert">{error.message}{error.hint && ". " + error.hint}</p>}
    </div>
  );
}

function raises(more: Record<string, string>): boolean {
  return Object.values(more).some((v) => v.trim() !== "" && v !== "0");
}

const bounds = [
  ["tokens", "Tokens", "tokens"],
  ["usd", "US dollars", "usd"],
  ["calls", "Calls of models", "calls"],
] as const;

function Raise({ decision, values, onChange }: { decision: Decision; values: Record<string, string>; onChange: (v: Record<string, string>) => void }) {
  const b = decision.budget;
  const set = (name: string) => (e: { currentTarget: HTMLInputElement }) => onChange({ ...values, [name]: e.currentTarget.value });
  return (
    <table class="budget">
      <thead>
        <tr><th scope="col">Budget</th><th scope="col">Limit</th><th scope="col">Spent</th><th scope="col">Reserved</th><th scope="col">Needed</th><th scope="col">Raise by</th></tr>
      </thead>
      <tbody>
        {bounds.map(([field, label, name]) => {
          const limit = b?.limit[field];
          return (
            <tr key={name}>
              <th scope="row">{label}</th>
              <td>{limit || "none"}</td><td>{b?.spent[field] ?? 0}</td><td>{b?.reserved[field] ?? 0}</td><td>{b?.needed[field] ?? 0}</td>
              <td><input type="number" min="0" step="any" disabled={!limit} aria-label={"Raise " + label + " by"} value={values[name] ?? ""} onInput={set(name)} /></td>
            </tr>
          );
        })}
        <tr>
          <th scope="row">Time</th>
          <td>{b?.limit.time ? (b.limit.time / 60e9).toFixed(1) + " min" : "none"}</td><td colSpan={3}>{b?.late ? "is over" : ""}</td>
          <td><input type="text" placeholder="10m" disabled={!b?.limit.time} aria-label="Raise time by" value={values.time ?? ""} onInput={set("time")} /></td>
        </tr>
      </tbody>
    </table>
  );
}
