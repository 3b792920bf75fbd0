import { useEffect } from "preact/hooks";

import type { AgentInfo, InfoItems, RunCounts, RunPage, SeriesPage, SessionItems, TurnAccountItems } from "../api";
import { path, query, useQuery } from "../lib/api";
import { count } from "../lib/format";
import { useTopic } from "../lib/live";
import { go, links } from "../lib/router";
import { useKeys } from "../lib/keys";
import { runsOf } from "../lib/counts";
import { useSlowly } from "../lib/slowly";
import { Empty } from "../parts/Empty";
import { Problem } from "../parts/Problem";
import { Time } from "../parts/Time";
import { Visible } from "../parts/Visible";
import { randomKey } from "../lib/randomkey";

const register = `reg := perdure.NewRegistry()
err := agent.Register(reg, &agent.Agent{
	Name:         "Joker",
	Instructions: "You are good at telling jokes.",
	Model:        m,
})`;

/** Agents lists what agents there are. */
export function Agents() {
  const agents = useQuery<InfoItems>("agents");
  useTopic("workers", undefined, () => agents.refetch());
  const spent = useQuery<SeriesPage>("series" + query({ from: "-192h", step: "24h" })); // all that is counted
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && spent.refetch(), 30_000); // counts follow some seconds later
    return () => clearInterval(timer);
  }, [spent.refetch]);
  const list = agents.data?.items ?? [];
  const move = (by: number) => {
    const all = [...document.querySelectorAll<HTMLElement>(".agent-card h2 a")];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
  return (
    <section class="page agents">
      <h1>Agents</h1>
      {agents.error && !agents.data && <Problem error={agents.error} retry={agents.refetch} />}
      {agents.data && list.length === 0 && (
        <Empty title="No agent is registered">
          <p>An agent is a name, instructions, a model and tools. A worker makes it known:</p>
          <pre class="sample" tabIndex={0}>{register}</pre>
        </Empty>
      )}
      <div class="agent-cards">
        {list.map((a) => <Card key={a.name} agent={a} spent={spent.data} />)}
      </div>
    </section>
  );
}

/** An agent with all of its turns: those of sessions, and those that runs have asked for. */
function Card({ agent: a, spent }: { agent: AgentInfo; spent: SeriesPage | undefined }) {
  const turns = `agent:${JSON.stringify(a.name)}`;
  const sessions = useQuery<SessionItems>(path`agents/${a.name}/sessions` + query({ limit: 100 }));
  const counts = useQuery<RunCounts>("run-counts" + query({ filter: turns, group: "status" }));
  const failed = useQuery<RunPage>("runs" + query({ filter: turns + " status:failed", sort: "-completed", limit: 1 }));
  const reread = useSlowly(() => [counts, failed].forEach((q) => q.refetch()));
  useTopic("sessions:" + a.name, undefined, () => sessions.refetch());
  useTopic("counts", undefined, () => reread(true));
  const list = sessions.data?.items ?? [];
  const more = sessions.data?.next ? "+" : "";
  const talking = list.filter((s) => s.state === "running" || s.state === "waiting_approval").length;
  const of = counts.data?.items ?? [];
  const active = ["pending", "running", "suspended"].reduce((n, s) => n + runsOf(of, "status", s), 0);
  const tokens = (spent?.models ?? []).filter((m) => m.agent?.toLowerCase() === a.name.toLowerCase()).reduce((n, m) => n + m.tokens_in + m.tokens_out, 0);
  const broken = list.filter((s) => s.state === "failed").sort((x, y) => (x.updated < y.updated ? 1 : -1))[0];
  const last = failed.data?.items[0];
  return (
    <article class="agent-card">
      <header>
        <h2><a href={links.agent(a.name)}><Visible text={a.name} exact /></a></h2>
        <button type="button" onClick={() => go(links.session(a.name, randomKey()))} aria-label={"Chat with " + a.name}>Chat</button>
      </header>
      {a.description && <p class="agent-about"><Visible text={a.description} /></p>}
      <dl class="traits">
        <div><dt>Model</dt><dd>{a.model ? <Visible text={a.model} exact /> : <span class="dim">not told</span>}</dd></div>
        <div><dt>Tools</dt><dd>{a.tools.length === 0 ? <span class="dim">none</span> : <Visible text={a.tools.map((t) => t.Name).join(", ")} exact />}</dd></div>
        <div><dt>Sessions</dt><dd>{sessions.data ? `${talking} active, ${list.length}${more} in all` : "…"}</dd></div>
        <div><dt>Turns</dt><dd>{counts.data ? <a href={links.runs(turns)}>{active} active, {counts.data.total.toLocaleString("en")}{counts.data.exact ? "" : "+"} in all</a> : "…"}</dd></div>
        <div><dt title="as long as counts are kept">Tokens, 8 days</dt><dd>{spent ? count(tokens) : "…"}</dd></div>
        <div><dt>Version</dt><dd><code title="hash of instructions, tools and parameters">{a.hash.slice(0, 8)}</code></dd></div>
        {a.last_seen && <div><dt>Last seen</dt><dd><Time at={a.last_seen} /></dd></div>}
      </dl>
      {last ? (
        <p class="agent-error">
          <span class="tone-bad">✕ Last error</span> <a href={links.run(last.id)}><Visible text={(last.error_text || "failed").slice(0, 160)} exact /></a> <Time at={last.completed ?? last.updated} />
        </p>
      ) : (
        broken && <LastError agent={a.name} session={broken.key} />
      )}
    </article>
  );
}

/** LastError says why the newest turn of a session has failed. */
export function LastError({ agent, session }: { agent: string; session: string }) {
  const turns = useQuery<TurnAccountItems>(path`agents/${agent}/sessions/${session}/turns` + query({ limit: 5 }));
  const failed = turns.data?.items.find((t) => t.error);
  return failed ? (
    <p class="agent-error">
      <span class="tone-bad">✕ Last error</span> <a href={links.session(agent, session)}><Visible text={(failed.error ?? "").slice(0, 160)} exact /></a> <Time at={failed.ended ?? failed.created} />
    </p>
  ) : null;
}
