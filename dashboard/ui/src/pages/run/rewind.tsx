// The rewind panel: choose a point, read what would happen, then confirm.

import { useEffect, useState } from "preact/hooks";
import type { Rewound, Run, RunStep } from "../../api";
import { path, post, ProblemError } from "../../lib/api";
import { ActionForm } from "./actions";
import { title } from "./timeline";

interface Props {
  run: Run;
  steps: RunStep[];
  /** number of the event that was chosen already, 0 = none */
  at: number;
  onClose(): void;
  onDone(): void;
}

/** The points that may be chosen: before each step. */
function points(steps: RunStep[]): { n: number; text: string; failed: boolean }[] {
  return steps
    .filter((s) => s.n > 0 && s.kind !== "decision")
    .map((s) => ({ n: s.attempts?.[0]?.n ?? s.n, text: `${title(s)}${s.status === "failed" ? " (failed)" : ""}`, failed: s.status === "failed" }));
}

/** Rewinds a run after showing what that does. */
export function RewindDialog({ run, steps, at, onClose, onDone }: Props) {
  const all = points(steps);
  const [to, setTo] = useState(at);
  const [reason, setReason] = useState("");
  const [dry, setDry] = useState<{ to: number; preview?: Rewound; error?: ProblemError }>();
  useEffect(() => {
    let current = true;
    post<Rewound>(path`runs/${run.id}/rewind` + "?dry_run=1", body(to, "")).then(
      (preview) => current && setDry({ to, preview }),
      (e: ProblemError) => current && setDry({ to, error: e }),
    );
    return () => { current = false; };
  }, [run.id, run.row_version, to]);
  const ready = dry?.to === to && dry.preview !== undefined;
  return (
    <ActionForm title="Rewind the run" button="Rewind" invalid={!ready} onClose={onClose} send={(key) => post(path`runs/${run.id}/rewind`, body(to, reason), key).then(onDone)}>
      <p>The run goes on from an earlier point. What it has done before is served from its history; its present branch stays readable.</p>
      <label class="field">Begin again before
        <select value={String(to)} onChange={(e) => setTo(Number(e.currentTarget.value))}>
          <option value="0">the first step that failed</option>
          {at > 0 && !all.some((p) => p.n === at) && <option value={String(at)}>event {at}</option>}
          {all.slice(0, 500).map((p) => <option key={p.n} value={String(p.n)}>event {p.n}: {p.text}</option>)}
        </select>
      </label>
      <div class="rewind-plan" role="status">
        {dry?.to !== to ? <span class="dim">Looking…</span> : dry.error ? <p class="problem">{dry.error.message} {dry.error.hint}</p> : <Plan preview={dry.preview!} />}
      </div>
      <label class="field">Reason <span class="dim">for the record</span>
        <input value={reason} maxLength={4000} onInput={(e) => setReason(e.currentTarget.value)} />
      </label>
    </ActionForm>
  );
}

function body(to: number, reason: string): Record<string, unknown> {
  return { ...(to > 0 ? { to } : {}), ...(reason ? { reason } : {}) };
}

function Plan({ preview }: { preview: Rewound }) {
  const again = preview.steps_run_again;
  return (
    <>
      <p><b>{steps(preview.steps_reused)} reused, {again.length} run again</b>{again.length > 0 && <>: {tally(again)}</>}</p>
    </>
  );
}

function steps(n: number): string {
  return `${n} step${n === 1 ? "" : "s"}`;
}

/** Names with how often they come: "charge, pick ×3". */
export function tally(names: string[]): string {
  const counts = new Map<string, number>();
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  const all = [...counts].map(([n, c]) => (c > 1 ? `${n} ×${c}` : n));
  return all.length > 8 ? `${all.slice(0, 8).join(", ")} and ${all.length - 8} more` : all.join(", ");
}
