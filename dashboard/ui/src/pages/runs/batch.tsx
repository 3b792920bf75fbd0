// One action on many runs: what it would do, a confirmation, then how it goes.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Batch, BatchProblem } from "../../api";
import { ProblemError } from "../../lib/api";
import { type BatchOrder, previewBatch, runBatch } from "../../lib/batch";
import { links } from "../../lib/router";
import { announce } from "../../parts/Announcer";
import { Dialog } from "../../parts/Dialog";

/** An action on the runs with some ids, or on all that match a filter. */
export interface BatchTarget {
  action: string;
  ids?: string[];
  filter?: string;
}

const verbs: Record<string, [string, string]> = {
  suspend: ["Suspend", "suspended"],
  resume: ["Resume", "resumed"],
  cancel: ["Cancel", "canceled"],
  terminate: ["Terminate", "terminated"],
  restart: ["Restart", "restarted"],
  rewind: ["Rewind", "rewound"],
  purge: ["Purge", "purged"],
};
const lasting = ["cancel", "terminate", "purge"]; // what cannot be taken back

const runs = (n: number) => `${n.toLocaleString("en")} run${n === 1 ? "" : "s"}`;
const asProblem = (e: unknown) => (e instanceof ProblemError ? e : new ProblemError(0, { detail: String(e) }));

interface Props {
  target: BatchTarget;
  onClose(): void;
  onDone(): void;
}

/** Asks, runs and tells. Closing it while it runs stops the batch. */
export function BatchDialog({ target, onClose, onDone }: Props) {
  const [verb, done] = verbs[target.action] ?? [target.action, target.action];
  const [preview, setPreview] = useState<Batch>();
  const [going, setGoing] = useState<Batch>();
  const [stage, setStage] = useState<"asking" | "running" | "ended" | "stopped">("asking");
  const [error, setError] = useState<ProblemError>();
  const [form, setForm] = useState({ reason: "", recursive: false, typed: "" });
  const [key] = useState(() => crypto.randomUUID());
  const stop = useRef(new AbortController());
  useEffect(() => {
    let shown = true;
    previewBatch(target).then(
      (b) => shown && setPreview(b),
      (e: unknown) => shown && setError(asProblem(e)),
    );
    return () => {
      shown = false;
      stop.current.abort();
    };
  }, []);
  const start = () => {
    const order: BatchOrder = { ...target, ...(form.reason ? { reason: form.reason } : {}), ...(form.recursive ? { recursive: true } : {}) };
    const s = (stop.current = new AbortController());
    setStage("running");
    setError(undefined);
    runBatch(order, key, s.signal, setGoing).then(
      (b) => {
        setGoing(b);
        setStage("ended");
        announce(`${runs(b.done)} ${done}`);
        onDone();
      },
      (e: unknown) => {
        setStage(s.signal.aborted ? "stopped" : "asking");
        setError(s.signal.aborted ? undefined : asProblem(e));
        onDone();
      },
    );
  };
  const ready = preview !== undefined && preview.done > 0 && (!lasting.includes(target.action) || form.typed.trim() === String(preview.done));
  const closeWord = { asking: "Leave", running: "Stop", ended: "Close", stopped: "Close" }[stage];
  return (
    <Dialog title={`${verb} ${preview ? runs(preview.done) : "runs"}`} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && stage === "asking") {
            start();
          }
        }}
      >
        {stage === "asking" && <Question target={target} preview={preview} failed={error !== undefined} done={done} form={form} onChange={setForm} />}
        {stage !== "asking" && <Progress batch={going} total={preview?.total ?? 0} done={done} stage={stage} />}
        {error && (
          <p class="problem" role="alert">
            {error.message} {error.hint}
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={() => (stage === "running" ? stop.current.abort() : onClose())}>
            {closeWord}
          </button>
          {stage === "asking" && (
            <button type="submit" class={lasting.includes(target.action) ? "danger" : "primary"} disabled={!ready}>
              {verb}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

type Form = { reason: string; recursive: boolean; typed: string };

function Question({ target, preview, failed, done, form, onChange }: { target: BatchTarget; preview: Batch | undefined; failed: boolean; done: string; form: Form; onChange(f: Form): void }) {
  if (!preview) {
    return failed ? null : <p class="dim">Counting…</p>;
  }
  const word = `${preview.done.toLocaleString("en")} of ${runs(preview.total)}`;
  return (
    <>
      <p role="status">
        <b>{word}</b> would be {done}.{target.filter !== undefined && (target.filter === "" ? " All runs are meant." : <> All are meant that match <code>{target.filter}</code>.</>)}
        {preview.partial && " More match than one batch takes: repeat it for the rest."}
      </p>
      <Problems batch={preview} />
      {preview.done > 0 && (
        <>
          {(target.action === "terminate" || target.action === "cancel" || target.action === "purge") && (
            <label class="field row">
              <input type="checkbox" checked={form.recursive} onChange={(e) => onChange({ ...form, recursive: e.currentTarget.checked })} /> Their child runs too
            </label>
          )}
          <label class="field">
            Reason <span class="dim">for the record</span>
            <input value={form.reason} maxLength={4000} onInput={(e) => onChange({ ...form, reason: e.currentTarget.value })} />
          </label>
          {lasting.includes(target.action) && (
            <label class="field">
              Type {preview.done} to go on <span class="dim">it cannot be taken back</span>
              <input inputMode="numeric" autocomplete="off" value={form.typed} onInput={(e) => onChange({ ...form, typed: e.currentTarget.value })} />
            </label>
          )}
        </>
      )}
    </>
  );
}

function Progress({ batch, total, done, stage }: { batch: Batch | undefined; total: number; done: string; stage: string }) {
  const looked = batch ? batch.done + batch.skipped + batch.failed : 0;
  const of = batch?.total ?? total;
  return (
    <>
      <progress max={Math.max(1, of)} value={looked} aria-label="Progress" />
      <p role="status">
        {stage === "stopped" && "Stopped: what was done stays done. "}
        {runs(batch?.done ?? 0)} {done}, {batch?.skipped ?? 0} left out, {batch?.failed ?? 0} failed, of {of.toLocaleString("en")}.
        {stage === "ended" && batch?.partial && " More match: repeat it for the rest."}
      </p>
      {batch && stage !== "running" && <Problems batch={batch} />}
    </>
  );
}

/** Why nothing was done to some, by reason. */
function Problems({ batch }: { batch: Batch }) {
  const reasons = new Map<string, BatchProblem[]>();
  for (const p of batch.problems) {
    reasons.set(p.detail, [...(reasons.get(p.detail) ?? []), p]);
  }
  const left = batch.skipped + batch.failed;
  return left === 0 ? null : (
    <ul class="plain batch-problems" aria-label="Left out">
      {[...reasons].map(([detail, all]) => (
        <li key={detail}>
          <span class="num">{all.length}</span>
          <span>
            {detail}:{" "}
            {all.slice(0, 3).map((p, i) => (
              <span key={p.id}>
                {i > 0 && ", "}
                <a href={links.run(p.id)} class="mono">
                  {p.id}
                </a>
              </span>
            ))}
            {all.length > 3 && ` and ${all.length - 3} more`}
          </span>
        </li>
      ))}
      {left > batch.problems.length && <li class="dim">and {left - batch.problems.length} more</li>}
    </ul>
  );
}
