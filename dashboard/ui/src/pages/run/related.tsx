// The family of a run.

import { useEffect } from "preact/hooks";
import type { Run, RunTree } from "../../api";
import { path, useQuery } from "../../lib/api";
import { links } from "../../lib/router";
import { nameOf, stateOf } from "../../lib/status";
import { Problem } from "../../parts/Problem";
import { Status } from "../../parts/Status";
import { Duration, Time } from "../../parts/Time";

/** Shows a run with its parents and children. */
export function Related({ run, version }: { run: string; version: number }) {
  const { data, error, refetch } = useQuery<RunTree>(path`runs/${run}/tree`);
  useEffect(() => {
    const timer = setTimeout(refetch, 300);
    return () => clearTimeout(timer);
  }, [version]);
  if (error && !data) return <Problem error={error} retry={refetch} />;
  if (!data) return <p class="dim pad">Loading…</p>;
  return (
    <div class="family">
      {data.items.length === 1 && <p class="dim">This run has no parent and has started no other.</p>}
      <ul class="plain">
        {inOrder(data.items).map(({ run: r, depth }) => (
          <li key={r.id} style={{ paddingInlineStart: `${depth * 22}px` }} class={r.id === run ? "is-this" : ""}>
            <Status state={stateOf(r)} />
            {r.id === run ? <b aria-current="page">{nameOf(r)}</b> : <span>{nameOf(r)}</span>}
            <a href={links.run(r.id)}>{r.id}</a>
            <span class="end dim num"><Duration ms={r.duration_ms} from={r.started ?? r.created} to={r.completed} /></span>
            <Time at={r.created} />
          </li>
        ))}
      </ul>
      {data.partial && <p class="dim">There are more than are shown. <a href={links.runs(`root:${data.items[0]?.id ?? run}`)}>List all</a></p>}
    </div>
  );
}

/** Runs with their children below them. */
export function inOrder(runs: Run[]): { run: Run; depth: number }[] {
  const known = new Set(runs.map((r) => r.id));
  const below = new Map<string, Run[]>();
  for (const r of runs) {
    const parent = r.parent_id && known.has(r.parent_id) && r.parent_id !== r.id ? r.parent_id : "";
    below.set(parent, [...(below.get(parent) ?? []), r]);
  }
  const all: { run: Run; depth: number }[] = [];
  const rest = (below.get("") ?? []).map((run) => ({ run, depth: 0 })).reverse();
  for (let next = rest.pop(); next; next = rest.pop()) {
    all.push(next);
    const { run, depth } = next;
    rest.push(...(below.get(run.id) ?? []).map((run) => ({ run, depth: depth + 1 })).reverse());
  }
  return all;
}
