import type { PageProps } from "../app";
import type { AgentInfo, Session, SessionItems, SessionsFrame } from "../api";
import { path, query, useQuery } from "../lib/api";
import { cost, count, shortened } from "../lib/format";
import { useKeys } from "../lib/keys";
import { useTopic } from "../lib/live";
import { randomKey } from "../lib/randomkey";
import { go, links } from "../lib/router";
import { Copy } from "../parts/Copy";
import { Empty } from "../parts/Empty";
import { JsonView } from "../parts/JsonView";
import { Problem } from "../parts/Problem";
import { Share } from "../parts/Share";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { Time } from "../parts/Time";
import { Visible } from "../parts/Visible";
import { LastError } from "./agents";

/** Agent is the page of an agent: what it is, and its sessions. */
export function Agent({ params }: PageProps) {
  const name = params["agent"] ?? "";
  const info = useQuery<AgentInfo>(path`agents/${name}`);
  const sessions = useSessions(name);
  const list = sessions.data?.items ?? [];
  const broken = list.find((s) => s.state === "failed");
  const fresh = () => go(links.session(name, randomKey()));
  useKeys({ n: fresh });
  return (
    <section class="page agent">
      <header class="page-head">
        <div class="page-title"><h1><Visible text={info.data?.name ?? name} exact /></h1> <Share what="agent" id={info.data?.name ?? name} command={["agent sessions", [name]]} json={{ path: path`agents/${name}`, file: name + ".json" }} /></div>
        <button type="button" class="primary" onClick={fresh} disabled={!info.data} aria-keyshortcuts="n">New session</button>
      </header>
      {info.error && <Problem error={info.error} retry={info.refetch} />}
      {info.data && <About info={info.data} />}
      {broken && <LastError agent={name} session={broken.key} />}
      {info.data && (
        <>
          <h2>Sessions</h2>
          {sessions.data && list.length === 0 ? (
            <Empty title="No session yet">
              <p>A session is a conversation that lasts: it is on disk after every step.</p>
              <button type="button" onClick={fresh}>Begin one</button>
            </Empty>
          ) : (
            <Table label="Sessions" rows={list} id={(s) => s.id} open={(s) => go(links.session(name, s.key))} columns={columns(name)} />
          )}
          {sessions.data?.next && <p class="dim">The first {list.length} by key are shown.</p>}
        </>
      )}
    </section>
  );
}

function columns(agent: string): Column<Session>[] {
  return [
    { id: "state", title: "State", class: "w-status", cell: (s) => <Status state={s.state} /> },
    { id: "key", title: "Key", cell: (s) => <a href={links.session(agent, s.key)} title={s.key}><Visible text={s.key.length > 20 ? s.key.slice(0, 12) + "…" : s.key} exact /></a> },
    { id: "preview", title: "Said last", class: "grow", cell: (s) => <span class="dim">{s.preview && <Visible text={s.preview} />}</span> },
    { id: "turns", title: "Turns", class: "num", cell: (s) => <>{s.turns}{s.failed > 0 && <span class="tone-bad" title={s.failed + " failed"}> ✕{s.failed}</span>}</> },
    { id: "tokens", title: "Tokens", class: "num", cell: (s) => count(s.tokens.total) },
    { id: "cost", title: "Cost", class: "num", cell: (s) => (s.cost_usd ? cost(s.cost_usd * 1e6) : "") },
    { id: "owner", title: "Asked by", cell: (s) => s.owner_run && <a href={links.run(s.owner_run)} title={s.owner_run}><Visible text={shortened(s.owner_run)} exact /></a> },
    { id: "updated", title: "Last turn", cell: (s) => <Time at={s.updated} /> },
  ];
}

function About({ info: a }: { info: AgentInfo }) {
  return (
    <div class="agent-info">
      {a.description && <p><Visible text={a.description} /></p>}
      <dl class="traits">
        <div><dt>Model</dt><dd><Visible text={[a.provider, a.model].filter(Boolean).join(" / ") || "not told"} exact /></dd></div>
        {a.price && <div><dt title="US dollars for a million tokens">Price in / out</dt><dd>${a.price.Input} / ${a.price.Output}</dd></div>}
        <div><dt>Version</dt><dd><code title="hash of instructions, tools and parameters">{a.hash}</code> <Copy text={a.hash} what="version" /></dd></div>
        <div><dt>Steps at most</dt><dd>{a.max_steps}</dd></div>
        {a.last_seen && <div><dt>Last seen</dt><dd><Time at={a.last_seen} /></dd></div>}
      </dl>
      {a.instructions && (
        <details open={a.instructions.length < 400}>
          <summary>Instructions</summary>
          <pre class="sample wrap" tabIndex={0}><Visible text={a.instructions} exact /></pre>
        </details>
      )}
      {a.tools.length > 0 && (
        <details>
          <summary>{a.tools.length} {a.tools.length === 1 ? "tool" : "tools"}: <Visible text={a.tools.map((t) => t.Name).join(", ")} exact /></summary>
          {a.tools.map((t) => (
            <div key={t.Name} class="agent-tool">
              <h3><Visible text={t.Name} exact /></h3>
              {t.Description && <p><Visible text={t.Description} exact /></p>}
              {t.Schema !== undefined && <JsonView value={t.Schema} label={"schema of " + t.Name} />}
            </div>
          ))}
        </details>
      )}
    </div>
  );
}

// useSessions are the sessions of an agent, kept up to date: the newest first.
function useSessions(name: string) {
  const q = useQuery<SessionItems>(path`agents/${name}/sessions` + query({ limit: 500 }));
  useTopic("sessions:" + name, undefined, (events) => {
    for (const e of events) {
      if (e.kind === "reset") {
        q.refetch();
        continue;
      }
      const f = e.data as SessionsFrame;
      q.set((old) => {
        const rows = new Map((old?.items ?? []).map((s) => [s.id, s]));
        for (const g of f.gone) {
          rows.delete(g.id);
        }
        for (const s of f.upsert) {
          if ((rows.get(s.id)?.row_version ?? 0) <= (s.row_version ?? 0)) {
            rows.set(s.id, s);
          }
        }
        return { ...old, items: [...rows.values()] };
      });
    }
  });
  const items = q.data && [...q.data.items].sort((a, b) => (a.updated < b.updated ? 1 : -1));
  return { ...q, data: items && { ...q.data, items } };
}
