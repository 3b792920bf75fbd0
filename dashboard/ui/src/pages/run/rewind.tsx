// The rewind panel: what would happen, then confirm.

import { useEffect, useState } from "preact/hooks";
import type { Rewound, Run } from "../../api";
import { path, post, ProblemError } from "../../lib/api";
import { ActionForm } from "./actions";

interface Props {
  run: Run;
  onClose(): void;
  onDone(): void;
}

/** Rewinds a run to before its failure, after showing what that does. */
export function RewindDialog({ run, onClose, onDone }: Props) {
  const [reason, setReason] = useState("");
  const [dry, setDry] = useState<{ preview?: Rewound; error?: ProblemError }>();
  useEffect(() => {
    let current = true;
    post<Rewound>(path`runs/${run.id}/rewind` + "?dry_run=1").then(
      (preview) => current && setDry({ preview }),
      (error: ProblemError) => current && setDry({ error }),
    );
    return () => { current = false; };
  }, [run.id, run.row_version]);
  return (
    <ActionForm title="Rewind the run" button="Rewind" invalid={!dry?.preview} onClose={onClose} send={(key) => post(path`runs/${run.id}/rewind`, reason ? { reason } : {}, key).then(onDone)}>
      <p>The run goes on from before the first step that failed. What it has done is served from its history.</p>
      <div class="rewind-plan" role="status">
        {!dry ? <span class="dim">Looking…</span> : dry.error ? <p class="bad">{dry.error.message} {dry.error.hint}</p> : <Plan preview={dry.preview!} />}
      </div>
      <label class="field">Reason <span class="dim">for the record</span>
        <input value={reason} maxLength={4000} onInput={(e) => setReason(e.currentTarget.value)} />
      </label>
    </ActionForm>
  );
}

function Plan({ preview }: { preview: Rewound }) {
  const again = preview.steps_run_again;
  return <p><b>{preview.steps_reused} step{preview.steps_reused === 1 ? "" : "s"} reused, {again.length} run again</b>{again.length > 0 && <>: {tally(again)}</>}</p>;
}

/** Names with how often they come: "charge, pick ×3". */
export function tally(names: string[]): string {
  const counts = new Map<string, number>();
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  const all = [...counts].map(([n, c]) => (c > 1 ? `${n} ×${c}` : n));
  return all.length > 8 ? `${all.slice(0, 8).join(", ")} and ${all.length - 8} more` : all.join(", ");
}
