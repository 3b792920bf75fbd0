import { useRef } from "preact/hooks";
import type { BacklogItems, CountsFrame, DecisionItems, FailureGroups, RunCount, RunCounts, RunPage, WorkersFrame, WorkersPage } from "../api";
import type { PageProps } from "../app";
import { query, useQuery } from "../lib/api";
import { muchHappens, runsOf } from "../lib/counts";
import { waitsForPerson } from "../lib/decisions";
import { useInfo } from "../lib/info";
import { useTopic } from "../lib/live";
import { now } from "../lib/format";
import { useSlowly } from "../lib/slowly";
import { links } from "../lib/router";
import { look, nameOf } from "../lib/status";
import { Backlog } from "../parts/Backlog";
import { Command, hubFlag } from "../parts/Command";
import { Problem } from "../parts/Problem";
import { RunState } from "../parts/RunState";
import { Status } from "../parts/Status";
import { Time } from "../parts/Time";
import { Needs } from "./overview/needs";
import { Trends } from "./overview/trends";

/** The tiles: statuses, and what they are called where there are several. */
const tiles: [string[], string?][] = [[["running"]], [["pending"]], [["suspended"]], [["failed"]], [["completed"]], [["terminated", "canceled"], "Stopped"]];

/** Turns of sessions that go on: a session has one at a time. */
const inSession = "has:session status:running,pending,suspended";

/** The phases of runs that go on, in the order in which they say most. */
const phases = ["stuck", "waiting_approval", "retrying", "active", "waiting_event", "waiting_timer"];

/** How to begin, where nothing has run yet. */
function Begin() {
  const info = useInfo().data;
  const samples = info?.orchestrations.includes("ContentApproval");
  return (
    <>
      <p class="prose">
        Nothing has run yet. <a href="runs">Start a run</a>, <a href="agents">chat with an agent</a>, or in a terminal:
      </p>
      {samples && <Command text={"perdure agent chat Joker" + hubFlag()} />}
      <Command text={`perdure run start ${samples ? "ContentApproval" : (info?.orchestrations[0] ?? "NAME")}${samples ? " --id first" : ""} --input '"the moon"' --watch` + hubFlag()} />
      {samples && (
        <>
          <p class="dim">then open it here:</p>
          <Command text={"perdure open first" + hubFlag()} />
        </>
      )}
      {info && (
        <>
          <p class="dim">Workers of the Durable Task SDKs connect with</p>
          <Command text={info.connection_string} />
        </>
      )}
    </>
  );
}

/** What needs somebody, how much goes on, and what has changed. */
export function Overview(_: PageProps) {
  const counts = useQuery<RunCounts>("run-counts?group=status,phase");
  const decisions = useQuery<DecisionItems>("decisions?state=pending&limit=5");
  const failures = useQuery<FailureGroups>("run-failures" + query({ filter: "status:failed completed>-1h" }));
  const backlog = useQuery<BacklogItems>("backlog");
  const workers = useQuery<WorkersPage>("workers");
  const stuck = useQuery<RunPage>("runs" + query({ filter: "phase:stuck", limit: 5 }));
  const waiting = useQuery<RunPage>("runs" + query({ filter: "phase:waiting_event", limit: 20 }));
  const sessions = useQuery<RunCounts>("run-counts" + query({ filter: inSession }));
  const recent = useQuery<RunPage>("runs?limit=12");
  const seen = useRef<RunCount[]>(undefined); // the counts that were told before
  const reread = useSlowly(() => {
    backlog.refetch();
    recent.refetch();
    sessions.refetch();
    if (runsOf(seen.current ?? [], "phase", "waiting_event") > 0) {
      waiting.refetch(); // what they wait for may have changed, with the same count
    }
  });
  useTopic("counts", undefined, (events) => {
    const e = events.at(-1);
    if (e?.kind === "counts") {
      const items = (e.data as CountsFrame).items;
      const before = seen.current;
      seen.current = items;
      counts.set((c) => ({ exact: true, ...c, items, total: runsOf(items) }));
      if (before) {
        const changed = (key: "status" | "phase", v: string) => runsOf(items, key, v) !== runsOf(before, key, v);
        if (changed("status", "failed")) {
          failures.refetch();
        }
        if (changed("phase", "stuck")) {
          stuck.refetch();
        }
        if (changed("phase", "waiting_event")) {
          waiting.refetch();
        }
        reread(muchHappens(before, items));
      }
    }
  });
  useTopic(decisions.data ? "inbox" : undefined, undefined, decisions.refetch);
  const of = (key: "status" | "phase", v: string) => runsOf(counts.data?.items ?? [], key, v);
  useTopic("workers", undefined, (events) => {
    const e = events.at(-1);
    if (e?.kind === "workers") {
      const { items, connected, lost } = e.data as WorkersFrame;
      workers.set(() => ({ items, connected, lost }));
      backlog.refetch();
    }
  });
  const lost = (workers.data?.lost ?? []).filter((w) => !w.back && Date.parse(w.at) > now.peek() - 3_600_000);
  return (
    <section class="page">
      <h1>Overview</h1>
      {counts.error && <Problem error={counts.error} retry={counts.refetch} />}
      <ul class="tiles" aria-label="Runs by status">
        {tiles.map(([all, word]) => (
          <li key={all[0]}>
            <a class={"tile tone-" + look(all[0] ?? "").tone} href={links.runs("status:" + all.join(","))}>
              <span class="tile-n num">{all.reduce((n, s) => n + of("status", s), 0).toLocaleString("en")}</span>
              <Status state={all[0] ?? ""} word={word} />
            </a>
          </li>
        ))}
      </ul>
      <ul class="phases" aria-label="Runs by phase">
        {phases.filter((p) => of("phase", p) > 0).map((p) => (
          <li key={p}>
            <a href={links.runs("phase:" + p)}>
              <Status state={p} /> <b class="num">{of("phase", p).toLocaleString("en")}</b>
            </a>
          </li>
        ))}
        {sessions.data && (
          <li>
            <a href={links.runs(inSession)}>
              Active sessions <b class="num">{sessions.data.total.toLocaleString("en")}</b>
            </a>
          </li>
        )}
      </ul>
      <Trends />
      <div class="columns">
        <section class="card" aria-labelledby="needs">
          <h2 id="needs">Needs you</h2>
          <Needs decisions={decisions.data?.items ?? []} events={(waiting.data?.items ?? []).filter(waitsForPerson).slice(0, 5)} stuck={stuck.data?.items ?? []} failures={(failures.data?.items ?? []).slice(0, 8)} lost={lost.slice(0, 5)} />
        </section>
        <section class="card" aria-labelledby="backlog">
          <h2 id="backlog">Backlog</h2>
          {backlog.error ? <p class="dim">{backlog.error.message}</p> : <Backlog items={backlog.data?.items} most={8} />}
        </section>
        <section class="card" aria-labelledby="recent">
          <h2 id="recent">Recent runs</h2>
          {recent.data?.items.length === 0 && (
            <>
              <Begin />
            </>
          )}
          <ul class="plain">
            {(recent.data?.items ?? []).map((r) => (
              <li key={r.id}>
                <RunState run={r} /> <a href={links.run(r.id)}>{nameOf(r)}</a> <Time at={r.updated ?? r.created} />
              </li>
            ))}
          </ul>
        </section>
      </div>
    </section>
  );
}
