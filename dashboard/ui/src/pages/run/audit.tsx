// What people did to a run, and why.

import { useEffect, useState } from "preact/hooks";
import type { AuditPage, Audited } from "../../api";
import { get, ProblemError, query, useQuery } from "../../lib/api";
import { Empty } from "../../parts/Empty";
import { Problem } from "../../parts/Problem";
import { Time } from "../../parts/Time";
import { Visible } from "../../parts/Visible";

const pageSize = 100;

/** Shows what was changed at a run over the API, the newest first. */
export function AuditTab({ run, version }: { run: string; version: number }) {
  const { data, error, refetch } = useQuery<AuditPage>("audit" + query({ target: run, limit: pageSize }));
  const [older, setOlder] = useState<AuditPage[]>([]);
  const [failed, setFailed] = useState<ProblemError>();
  useEffect(() => {
    const timer = setTimeout(() => { setOlder([]); refetch(); }, 300);
    return () => clearTimeout(timer);
  }, [run, version]);
  if (error && !data) return <Problem error={error} retry={refetch} />;
  if (!data) return <p class="dim pad">Loading…</p>;
  const rows = [data, ...older].flatMap((p) => p.items);
  const next = (older.at(-1) ?? data).next;
  if (rows.length === 0) {
    return <Empty title="Nobody has changed this run"><p>What people and programs do to it over the API, the dashboard and the command line stands here, with who did it and why. What its own code does is in the history.</p></Empty>;
  }
  return (
    <div class="audit">
      <table>
        <caption class="hidden-text">What was changed at this run, the newest first</caption>
        <thead><tr><th scope="col">When</th><th scope="col">Action</th><th scope="col">By</th><th scope="col">Reason</th><th scope="col">From</th></tr></thead>
        <tbody>{rows.map((r) => <Row key={r.at + r.action + (r.request ?? "")} row={r} />)}</tbody>
      </table>
      {failed && <Problem error={failed} />}
      {next && <button type="button" class="quiet" onClick={() => get<AuditPage>("audit" + query({ target: run, limit: pageSize, cursor: next })).then((p) => setOlder([...older, p]), setFailed)}>Older</button>}
    </div>
  );
}

function Row({ row }: { row: Audited }) {
  return (
    <tr>
      <td><Time at={row.at} /></td>
      <td><b>{row.action}</b>{row.name && <> {row.name}</>}</td>
      <td>{row.by}{row.for && <span class="dim"> for {row.for}</span>}</td>
      <td>{row.reason ?? <span class="dim">none given</span>}{row.given_up?.map((c) => <p key={c} class="dim">given up: <Visible text={c} exact /></p>)}</td>
      <td class="dim" title={row.client}>{[row.from, row.client].filter(Boolean).join(" · ")}</td>
    </tr>
  );
}
