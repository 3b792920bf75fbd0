// The executions that a run was in before.

import { useEffect } from "preact/hooks";
import type { PastExecution } from "../../api";
import { path, query, useQuery } from "../../lib/api";
import { links } from "../../lib/router";
import { Time } from "../../parts/Time";

/** Lists older executions behind one line; nothing if there are none. */
export function Executions({ run, current, shown }: { run: string; current: string; shown: string }) {
  const { data, refetch } = useQuery<{ items: PastExecution[]; next?: string }>(path`runs/${run}/executions` + query({ limit: 100 }));
  useEffect(() => {
    const timer = setTimeout(refetch, 300);
    return () => clearTimeout(timer);
  }, [current]);
  if (!data || data.items.length === 0) return null;
  const n = data.items.length;
  return (
    <details class="executions">
      <summary>{n}{data.next ? "+" : ""} older execution{n === 1 ? "" : "s"}</summary>
      <ul class="plain">
        {data.items.map((e) => (
          <li key={e.execution}>
            <a href={links.run(run) + `?execution=${e.execution}`} aria-current={e.execution === shown ? "page" : undefined}>{e.execution.slice(0, 8)}</a>
            <span>{e.left_by === "rewind" ? "until it was rewound" : "until it continued as new"}</span>
            <Time at={e.left} />
            <span class="dim num">{e.events.toLocaleString("en")} events</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
