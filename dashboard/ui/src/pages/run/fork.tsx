// The fork panel: where the copy of the run ends, what is different in it, what would
// happen, then confirm.

import { useEffect, useState } from "preact/hooks";
import type { ForkBody, Json, Rewound, Run, RunStep, StepPage } from "../../api";
import { get, path, post, ProblemError, query } from "../../lib/api";
import { jsonError } from "../../lib/jsontext";
import { go, links } from "../../lib/router";
import { ActionForm } from "./actions";
import { choices, Plan } from "./rewind";
import { title } from "./timeline";

interface Props {
  run: Run;
  /** The execution that is copied. */
  execution: string;
  /** The first event that is not copied, to begin with; 0 = the server chooses. */
  to?: number;
  onClose(): void;
}

/** What a step is changed to. */
type Change = "result" | "failure";

/** Begins a new run as a copy of a run up to an event, after showing what that does. */
export function ForkDialog({ run, execution, to: first = 0, onClose }: Props) {
  const [to, setTo] = useState(first);
  const [steps, setSteps] = useState<RunStep[]>([]);
  const [id, setID] = useState("");
  const [input, setInput] = useState<string>();
  const [step, setStep] = useState(0);
  const [change, setChange] = useState<Change>("result");
  const [outcome, setOutcome] = useState("");
  const [reason, setReason] = useState("");
  const [dry, setDry] = useState<{ of: string; plan?: Rewound; error?: ProblemError }>();
  useEffect(() => {
    const abort = new AbortController();
    get<StepPage>(path`runs/${run.id}/steps` + query({ execution, limit: 10_000 }), abort.signal).then((page) => setSteps(page.items), () => undefined);
    return () => abort.abort();
  }, [run.id, execution]);
  const bad = (input !== undefined && jsonError(input)) || (step > 0 && change === "result" && jsonError(outcome)) || undefined;
  const where: ForkBody = { to, execution, ...(step > 0 ? { step: { n: step } } : {}) };
  const asked = JSON.stringify(where);
  useEffect(() => {
    let current = true;
    post<Rewound>(path`runs/${run.id}/fork` + "?dry_run=1", where).then(
      (plan) => current && setDry({ of: asked, plan }),
      (error: ProblemError) => current && setDry({ of: asked, error }),
    );
    return () => { current = false; };
  }, [run.id, asked]);
  const shown = dry?.of === asked ? dry : undefined;
  const body = (): ForkBody => ({
    ...where,
    ...(id ? { id } : {}),
    ...(reason ? { reason } : {}),
    ...(input !== undefined ? { input: value(input) } : {}),
    ...(step > 0 ? { step: change === "failure" ? { n: step, failure: outcome || "it was made to fail" } : { n: step, result: value(outcome) } } : {}),
  });
  const changeable = steps.filter((s) => s.n > 0 && (s.kind === "activity" || s.kind === "tool" || s.kind === "model" || s.kind === "child" || s.kind === "agent" || s.kind === "entity"));
  return (
    <ActionForm title="Fork the run" button="Fork" invalid={!shown?.plan || bad !== undefined} onClose={onClose}
      send={(key) => post<Run>(path`runs/${run.id}/fork`, body(), key).then((r) => { onClose(); go(links.run(r.id)); })}>
      <label class="field">The copy ends
        <select value={to} onChange={(e) => setTo(Number(e.currentTarget.value))}>
          <option value={0}>{step > 0 ? "before the outcome of the step that is changed" : "before what has failed first, else at the end"}</option>
          {choices(steps, to).map((c) => <option key={c.n} value={c.n}>{c.label}</option>)}
        </select>
      </label>
      <p class="dim">A new run begins with what is before that, and does what comes after it by itself. This run stays as it is.</p>
      <label class="field">Another outcome
        <select value={step} onChange={(e) => setStep(Number(e.currentTarget.value))}>
          <option value={0}>all steps have their own</option>
          {changeable.map((s) => <option key={s.n} value={s.n}>{title(s)} (event {s.n})</option>)}
        </select>
      </label>
      {step > 0 && (
        <fieldset class="fork-outcome">
          <legend class="hidden-text">Outcome of the step</legend>
          <label class="row"><input type="radio" name="change" checked={change === "result"} onChange={() => setChange("result")} /> Result</label>
          <label class="row"><input type="radio" name="change" checked={change === "failure"} onChange={() => setChange("failure")} /> Failure</label>
          <label class="field">{change === "result" ? <>Result <span class="dim">JSON; left empty it is null</span></> : "What has gone wrong"}
            <textarea rows={3} class={change === "result" ? "mono" : ""} spellcheck={false} value={outcome} onInput={(e) => setOutcome(e.currentTarget.value)} />
          </label>
        </fieldset>
      )}
      <label class="field row"><input type="checkbox" checked={input !== undefined} onChange={(e) => setInput(e.currentTarget.checked ? (run.input === undefined ? "" : JSON.stringify(run.input, null, 2)) : undefined)} /> Another input</label>
      {input !== undefined && (
        <label class="field">Input <span class="dim">JSON</span>
          <textarea rows={5} class="mono" spellcheck={false} value={input} onInput={(e) => setInput(e.currentTarget.value)} />
        </label>
      )}
      {bad && <p class="problem">{bad}</p>}
      <div class="rewind-plan" role="status">
        {!shown ? <span class="dim">Looking…</span> : shown.error ? <p class="bad">{shown.error.message} {shown.error.hint}</p>
          : <Plan plan={shown.plan!} asked={to || shown.plan!.to} moved={`It is copied up to event ${shown.plan!.to}, as something is open later that only this run can end.`} />}
      </div>
      <label class="field">Id of the new run <span class="dim">left empty it is a random one</span>
        <input value={id} maxLength={100} onInput={(e) => setID(e.currentTarget.value)} />
      </label>
      <label class="field">Reason <span class="dim">for the record</span>
        <input value={reason} maxLength={4000} onInput={(e) => setReason(e.currentTarget.value)} />
      </label>
    </ActionForm>
  );
}

/** The JSON of a text, of nothing null. */
function value(text: string): Json {
  return text.trim() === "" ? null : (JSON.parse(text) as Json);
}
