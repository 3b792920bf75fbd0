import type { Run } from "../../api";
import { cost, count } from "../../lib/format";
import { links } from "../../lib/router";
import { Copy } from "../../parts/Copy";
import { RunState, RunWorker } from "../../parts/RunState";
import type { Column } from "../../parts/Table";
import { Duration, Time } from "../../parts/Time";

/** The columns of the list of runs; menu opens that of a row, below a button. */
export const columns = (menu: (r: Run, from: Element) => void): Column<Run>[] => [
  { id: "status", title: "Status", class: "w-status", cell: (r) => <RunState run={r} /> },
  { id: "name", title: "Name", sort: "name", class: "w-name", cell: (r) => <span title={r.name}>{r.name}</span> },
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
  { id: "duration", title: "Duration", sort: "duration", class: "w-time num", cell: (r) => <Duration ms={r.duration_ms} from={r.started ?? r.created} to={r.completed} /> },
  { id: "usage", title: "Tokens, cost", class: "w-usage num", cell: (r) => <Usage run={r} /> },
  { id: "worker", title: "Worker", class: "w-worker mono", cell: (r) => <RunWorker run={r} /> },
  {
    id: "tags",
    title: "Tags",
    class: "w-tags",
    cell: (r) =>
      Object.entries(r.tags ?? {}).map(([k, v]) => (
        <span class="tag" key={k}>
          {k}={v}
        </span>
      )),
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

/** What the models of the run's own steps took. */
function Usage({ run }: { run: Run }) {
  const tokens = (run.tokens_in ?? 0) + (run.tokens_out ?? 0);
  return tokens === 0 ? null : (
    <span title={run.model}>
      {count(tokens)}
      {run.cost_micros !== undefined && `, ${cost(run.cost_micros)}`}
    </span>
  );
}
