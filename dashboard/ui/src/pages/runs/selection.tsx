import type { Run, RunCounts } from "../../api";
import { query, useQuery } from "../../lib/api";
import { hindered } from "../../lib/hindered";

const actions: [string, string][] = [
  ["suspend", "Suspend…"],
  ["resume", "Resume…"],
  ["restart", "Restart…"],
  ["rewind", "Rewind…"],
  ["cancel", "Cancel…"],
  ["terminate", "Terminate…"],
  ["purge", "Purge…"],
];

interface Props {
  chosen: Run[];
  /** The filter of the list, with times resolved. */
  filter: string;
  /** There are runs that match and are not shown. */
  more: boolean;
  everything: boolean;
  onEverything(): void;
  onClear(): void;
  onAct(action: string): void;
}

/** What may be done to the runs that are selected: what is legal for at least one of them. */
export function Selection({ chosen, filter, more, everything, onEverything, onClear, onAct }: Props) {
  const counts = useQuery<RunCounts>(more ? "run-counts" + query({ filter }) : undefined);
  const total = counts.data && (counts.data.exact ? counts.data.total.toLocaleString("en") : `more than ${counts.data.total.toLocaleString("en")}`);
  const off = hindered();
  return (
    <div class="selection" role="toolbar" aria-label="Selected runs">
      <strong role="status">{everything ? `All ${total ?? ""} that match` : `${chosen.length} selected`}</strong>
      {more && !everything && (
        <button type="button" class="link" onClick={onEverything}>
          Select all {total} that match
        </button>
      )}
      {actions.map(([action, label]) => (
        <button
          type="button"
          key={action}
          class={action === "terminate" || action === "purge" ? "danger" : ""}
          disabled={off !== "" || !(everything || chosen.some((r) => r.actions.includes(action)))}
          title={off || undefined}
          onClick={() => onAct(action)}
        >
          {label}
        </button>
      ))}
      <button type="button" class="quiet" onClick={onClear}>
        Clear
      </button>
    </div>
  );
}
