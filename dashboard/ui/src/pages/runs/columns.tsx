import type { Run } from "../../api";
import { cost, count } from "../../lib/format";
import { links } from "../../lib/router";
import { nameOf } from "../../lib/status";
import { Copy } from "../../parts/Copy";
import { RunState, RunWorker } from "../../parts/RunState";
import type { Column } from "../../parts/Table";
import { Duration, Time } from "../../parts/Time";

/** The columns of the list of runs; menu opens that of a row, below a button. */
export const columns = (menu: (r: Run, from: Element) => void): Column<Run>[] => [
  { id: "status", title: "Status", class: "w-status", cell: (r) => <RunState run={r} /> },
  { id: "name", title: "Name", sort: "name", class: "w-name", cell: (r) => <span title={r.name}>{nameOf(r)}</span> },
  {
    id: "id",
    title: "Id",
    class: "grow mono",
    cell: (r) => (
      <>
        <a href={links.run(r.id)} title={r.id} tabIndex={-1}>
          {r.id}
        </a>
        <Copy text={r.id} what="id" />
      </>
    ),
  },
  { id: "step", title: "Step", class: "w-step", cell: (r) => <Step run={r} /> },
  { id: "created", title: "Created", sort: "created", class: "w-time num", cell: (r) => <Time at={r.created} /> },
  { id: "duration", title: "Duration", sort: "duration", class: "w-time w-took num", cell: (r) => <Duration ms={r.duration_ms} from={r.started ?? r.created} to={r.completed} /> },
  { id: "usage", title: "Tokens, cost", class: "w-usage num", cell: (r) => <Usage run={r} /> },
  { id: "worker", title: "Worker", class: "w-worker mono", cell: (r) => <RunWorker run={r} /> },
  {
    id: "tags",
    title: "Tags",
    class: "w-tags",
    cell: (r) =>
      r.tags && <Tags tags={r.tags} />,
  },
  {
    id: "more",
    title: "Actions",
    quiet: true,
    class: "w-more",
    cell: (r) => (
      <button type="button" class="quiet" tabIndex={-1} aria-haspopup="menu" aria-label={`Actions of ${r.id}`} onClick={(e) => menu(r, e.currentTarget)}>
        ⋯
      </button>
    ),
  },
];

/** The first tag, and how many more there are. */
function Tags({ tags }: { tags: Record<string, string> }) {
  const all = Object.entries(tags).filter(([k]) => !k.startsWith("perdure.")).map(([k, v]) => `${k}=${v}`);
  return all.length === 0 ? null : (
    <span class="tags" title={all.join("\n")}>
      <span class="tag">{all[0]}</span>
      {all.length > 1 && <span class="dim">+{all.length - 1}</span>}
    </span>
  );
}

/** What the run is at, or why it has failed. */
function Step({ run }: { run: Run }) {
  const text = run.error_text ?? run.phase_cause ?? run.wait_name ?? run.current_step ?? "";
  return (
    <span class={run.error_text ? "bad" : "dim"} title={text}>
      {text}
      {run.attempt !== undefined && run.attempt > 1 && ` (attempt ${run.attempt})`}
    </span>
  );
}

/** What the models of the run took, and of those below it that have ended. */
function Usage({ run }: { run: Run }) {
  const tokens = (run.tokens_in ?? 0) + (run.tokens_out ?? 0);
  return tokens === 0 ? null : (
    <span title={run.model}>
      {count(tokens)}
      {run.cost_micros !== undefined && `, ${cost(run.cost_micros)}`}
    </span>
  );
}
