import type { BacklogItems, Connected, NodeItems, TakeoverItems, WorkersFrame, WorkersPage } from "../api";
import type { PageProps } from "../app";
import { useQuery } from "../lib/api";
import { useTopic } from "../lib/live";
import { Backlog } from "../parts/Backlog";
import { Command } from "../parts/Command";
import { Problem } from "../parts/Problem";
import { Share } from "../parts/Share";
import { Time } from "../parts/Time";

/** Who works, what waits for whom, and the nodes that hold the hub. */
export function Workers(_: PageProps) {
  const workers = useQuery<WorkersPage>("workers");
  const backlog = useQuery<BacklogItems>("backlog");
  const nodes = useQuery<NodeItems>("nodes");
  const takeovers = useQuery<TakeoverItems>("takeovers");
  useTopic("workers", undefined, (events) => {
    const e = events.at(-1);
    if (e?.kind === "workers") {
      const f = e.data as WorkersFrame;
      workers.set(() => ({ items: f.items, connected: f.connected, lost: f.lost }));
    }
    backlog.refetch();
    nodes.refetch();
    takeovers.refetch();
  });
  const connected = workers.data?.connected ?? [];
  const called = workers.data?.items ?? [];
  return (
    <section class="page">
      <div class="page-title"><h1>Workers</h1> <Share what="list" command={["worker list"]} json={{ path: "workers", file: "workers.json" }} /></div>
      {workers.error && <Problem error={workers.error} retry={workers.refetch} />}
      <div class="columns">
        <section class="card" aria-labelledby="w-connected">
          <h2 id="w-connected">Connected</h2>
          {connected.length === 0 && called.length === 0 && workers.data && (
            <>
              <p>No worker of another process is connected. Code that this server has of its own needs none.</p>
              <p class="dim">SDKs connect with</p>
              <Command text={`Endpoint=${new URL(document.baseURI).origin};TaskHub=default;Authentication=None`} />
            </>
          )}
          <div class="scroll" tabIndex={connected.length ? 0 : -1} role="region" aria-label="Connected workers">
            {connected.length > 0 && (
              <table class="plain-table">
                <thead>
                  <tr>
                    <th>Worker</th>
                    <th>SDK</th>
                    <th>Takes</th>
                    <th>Connected</th>
                    <th class="num">In flight / capacity</th>
                  </tr>
                </thead>
                <tbody>
                  {connected.map((c, i) => (
                    <tr key={c.id ?? i}>
                      <td>
                        <span class="mono">{c.id || "unnamed"}</span> {c.address && <span class="dim">at {c.address}</span>}
                      </td>
                      <td>{c.own ? "Perdure" : (c.client ?? "")}</td>
                      <td>
                        <Takes worker={c} />
                      </td>
                      <td>
                        <Time at={c.since} />
                      </td>
                      <td class="num">
                        {sum(c.in_flight)} / {sum(c.capacity)}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </div>
          {called.map((c) => (
            <p key={c.name} class="row">
              <strong>{c.name}</strong> <span class="mono">{c.url}</span> <span class="num">{c.running} running</span>
              {c.cause && <span class="bad">{c.cause}</span>}
            </p>
          ))}
        </section>
        <section class="card" aria-labelledby="w-backlog">
          <h2 id="w-backlog">Backlog</h2>
          <Backlog items={backlog.data?.items} />
        </section>
        <section class="card" aria-labelledby="w-nodes">
          <h2 id="w-nodes">Nodes</h2>
          <ul class="plain">
            {(nodes.data?.items ?? []).map((n) => (
              <li key={n.name}>
                <span class="mono">{n.name}</span>
                {n.here && <span class="tag">this one</span>}
                {n.version && <span class="dim">{n.version}</span>}
                <span class="num">{n.shards} shards</span>
                {n.unreached && <span class="bad">not reached: works through the database</span>}
                {n.error && <span class="bad">{n.error}</span>}
                {n.since && <Time at={n.since} />}
              </li>
            ))}
          </ul>
        </section>
        <section class="card" aria-labelledby="w-lost">
          <h2 id="w-lost">Lost</h2>
          {workers.data?.lost.length === 0 && takeovers.data?.items.length === 0 && <p class="dim">No worker and no node was lost since this one began.</p>}
          <ul class="plain">
            {(workers.data?.lost ?? []).map((l) => (
              <li key={l.id + l.at}>
                <span class={l.back ? "dim" : "bad"}>{l.back ? "✓ back" : "! worker lost"}</span>
                <span class="mono">{l.id || "unnamed"}</span>
                <span class="num">{l.items} items went to others</span>
                <Time at={l.at} />
              </li>
            ))}
          </ul>
          {(takeovers.data?.items.length ?? 0) > 0 && (
            <>
              <h3>Takeovers</h3>
              <ul class="plain" aria-label="Takeovers">
                {(takeovers.data?.items ?? []).slice(0, 1000).map((t) => (
                  <li key={t.at + (t.from ?? "")}>
                    <span class="num">{t.shards} shards</span>
                    <span>
                      of <span class="mono">{t.from ?? "a node that did not stop in order"}</span>
                    </span>
                    <Time at={t.at} />
                  </li>
                ))}
              </ul>
            </>
          )}
        </section>
      </div>
    </section>
  );
}

/** What a worker takes: how much of each kind, and the names when it is opened. */
function Takes({ worker: w }: { worker: Connected }) {
  const kinds: [string[], string][] = [
    [w.orchestrations, "orchestrations"],
    [w.activities, "activities"],
    [w.entities, "entities"],
  ];
  const some = kinds.filter(([names]) => names.length > 0);
  if (w.everything || some.length === 0) {
    return w.everything ? "everything" : "nothing";
  }
  return (
    <details>
      <summary>{some.map(([names, what]) => `${names.length} ${what}`).join(", ")}</summary>
      {some.map(([names, what]) => (
        <p key={what}>
          {what}: <span class="mono">{names.join(", ")}</span>
        </p>
      ))}
    </details>
  );
}

const sum = (p: Connected["capacity"]): number => p.orchestrations + p.activities + p.entities;
