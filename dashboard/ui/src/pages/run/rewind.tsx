// The rewind panel: where the run goes back to, what would happen, then confirm.

import { useEffect, useState } from "preact/hooks";
import type { Rewound, Run, RunStep, StepPage } from "../../api";
import { get, path, post, ProblemError, query } from "../../lib/api";
import { go, links } from "../../lib/router";
import { ActionForm } from "./actions";
import { title } from "./timeline";

interface Props {
  run: Run;
  /** The event to which the run is to go back, to begin with; 0 = to before what failed. */
  to?: number;
  onClose(): void;
  onDone(): void;
}

/** Choices beyond this many are left out: an event can be chosen from the history. */
const maxChoices = 500;

/** Rewinds a run that has ended to a point in its history, after showing what that does. */
export function RewindDialog({ run, to: first = 0, onClose, onDone }: Props) {
  const [to, setTo] = useState(first || (run.status === "failed" ? 0 : 1));
  const [steps, setSteps] = useState<RunStep[]>([]);
  const [reason, setReason] = useState("");
  const [dry, setDry] = useState<{ of: number; plan?: Rewound; error?: ProblemError }>();
  const [execution] = useState(run.execution);
  useEffect(() => {
    const abort = new AbortController();
    get<StepPage>(path`runs/${run.id}/steps` + query({ execution, limit: 10_000 }), abort.signal).then((page) => setSteps(page.items), () => undefined);
    return () => abort.abort();
  }, [run.id, execution]);
  useEffect(() => {
    let current = true;
    post<Rewound>(path`runs/${run.id}/rewind` + "?dry_run=1", { to, execution }).then(
      (plan) => current && setDry({ of: to, plan }),
      (error: ProblemError) => current && setDry({ of: to, error }),
    );
    return () => { current = false; };
  }, [run.id, to, execution]);
  const shown = dry?.of === to ? dry : undefined;
  const plan = shown?.plan;
  return (
    <ActionForm title="Rewind the run" button="Rewind" invalid={!plan} onClose={onClose}
      send={(key) => post(path`runs/${run.id}/rewind`, { to: plan!.to, execution, ...(reason ? { reason } : {}) }, key).then(onDone)}>
      <label class="field">Go back to
        <select value={to} onChange={(e) => setTo(Number(e.currentTarget.value))}>
          {run.status === "failed" && <option value={0}>before what has failed</option>}
          {choices(steps, to).map((c) => <option key={c.n} value={c.n}>{c.label}</option>)}
        </select>
      </label>
      <p class="dim">{to === 0 ? "All that was done is served from the history; what has failed is given up." : "What was done before is served from the history; that and what came after it is given up."} This execution stays readable as an older one.</p>
      <div class="rewind-plan" role="status">
        {!shown ? <span class="dim">Looking…</span> : shown.error ? <p class="bad">{shown.error.message} {shown.error.hint}</p> : <Plan plan={plan!} asked={to} />}
      </div>
      <label class="field">Reason <span class="dim">for the record</span>
        <input value={reason} maxLength={4000} onInput={(e) => setReason(e.currentTarget.value)} />
      </label>
    </ActionForm>
  );
}

/** The points before steps, in the order of time, and the event that is chosen. */
export function choices(steps: RunStep[], to: number): { n: number; label: string }[] {
  const list = steps.filter((s) => s.n > 0 && s.kind !== "internal").map((s) => ({ n: s.attempts?.[0]?.n ?? s.n, label: `before ${title(s)} (event ${s.attempts?.[0]?.n ?? s.n})` }));
  const near = Math.max(0, list.findIndex((c) => c.n >= to) - maxChoices / 2);
  const shown = list.slice(near, near + maxChoices);
  if (to > 0 && !shown.some((c) => c.n === to)) shown.push({ n: to, label: to === 1 ? "the beginning" : `before event ${to}` });
  return shown.sort((a, b) => a.n - b.n);
}

/** Shows what a rewind or a fork would do; moved says why it goes back further than asked. */
export function Plan({ plan, asked, moved }: { plan: Rewound; asked: number; moved?: string }) {
  const again = plan.steps_run_again;
  return (
    <>
      <p><b>{count(plan.steps_reused, "step")} reused, {again.length} run again</b>{again.length > 0 && <>: {tally(again)}</>}</p>
      {plan.unknown.length > 0 && (
        <>
          <p class="dim">Only the code can tell</p>
          <ul aria-label="What is not known">{plan.unknown.map((what) => <li key={what}>{what}</li>)}</ul>
        </>
      )}
      {plan.steps_given_up.length > 0 && <p>{count(plan.steps_given_up.length, "step")} given up, to run again if the code comes to {plan.steps_given_up.length === 1 ? "it" : "them"}: {tally(plan.steps_given_up)}</p>}
      {plan.events_forgotten.length > 0 && <p>Forgotten, and waited for again: {tally(plan.events_forgotten)}</p>}
      {plan.runs_below.length > 0 && (
        <ul aria-label="Runs below">
          {plan.runs_below.map((r) => (
            <li key={r.id} class={r.becomes === "anew" ? "warn" : undefined}><a href={links.run(r.id)}>{r.name}</a> {becoming[r.becomes]}{r.steps_run_again.length > 0 && <>: {tally(r.steps_run_again)}</>}</li>
          ))}
          {plan.more_runs && <li class="dim">and others</li>}
        </ul>
      )}
      {plan.decisions_open.map((d) => (
        <p class="warn" key={d.run + d.kind + d.call_id + d.step}>⚠ <b>{d.tool}</b> {d.kind === "approval" ? "needs a new approval" : "was called already: you will be asked what became of that before it is called again"}</p>
      ))}
      {plan.to !== asked && <p class="dim">{moved ?? `It goes back to event ${plan.to}, as a decision was asked for there that has to be made again.`}</p>}
    </>
  );
}

/** What becomes of the runs below. */
const becoming: Record<Rewound["runs_below"][number]["becomes"], string> = {
  rewound: "is rewound to its beginning: what it did outside keeps its effect ids",
  retried: "has failed, and goes on from before that",
  resumed: "was ended, and goes on from there",
  goes_on: "still runs, and goes on",
  answered: "has ended, and is not run again",
  anew: "begins anew, and what it did outside is done again",
};

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

/** Names with how often they come: "charge, pick ×3". */
export function tally(names: string[]): string {
  const counts = new Map<string, number>();
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  const all = [...counts].map(([n, c]) => (c > 1 ? `${n} ×${c}` : n));
  return all.length > 8 ? `${all.slice(0, 8).join(", ")} and ${all.length - 8} more` : all.join(", ");
}
