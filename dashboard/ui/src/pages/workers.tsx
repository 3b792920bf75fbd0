import type { BacklogItems, Connected, NodeItems, WorkersFrame, WorkersPage } from "../api";
import type { PageProps } from "../app";
import { useQuery } from "../lib/api";
import { count } from "../lib/format";
import { useTopic } from "../lib/live";
import { Command } from "../parts/Command";
import { Problem } from "../parts/Problem";
import { Time } from "../parts/Time";

/** Who works, what waits for whom, and the nodes that hold the hub. */
export function Workers(_: PageProps) {
  const workers = useQuery<WorkersPage>("workers");
  const backlog = useQuery<BacklogItems>("backlog");
  const nodes = useQuery<NodeItems>("nodes");
  useTopic("workers", undefined, (events) => {
    const e = events.at(-1);
    if (e?.kind === "workers") {
      const f = e.data as WorkersFrame;
      workers.set(() => ({ items: f.items, connected: f.connected }));
    }
    backlog.refetch();
    nodes.refetch();
  });
  const connected = workers.data?.connected ?? [];
  const called = workers.data?.items ?? [];
  return (
    <section class="page">
      <h1>Workers</h1>
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
                    <th>Takes</th>
                    <th class="num">In flight / capacity</th>
                  </tr>
                </thead>
                <tbody>
                  {connected.map((c, i) => (
                    <tr key={c.id ?? i}>
                      <td class="mono">{c.id}</td>
                      <td>{takes(c)}</td>
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
          {backlog.data?.items.length === 0 && <p class="dim">Nothing waits for a worker.</p>}
          <ul class="plain">
            {(backlog.data?.items ?? []).map((b) => (
              <li key={b.kind + b.name + (b.version ?? "")}>
                <span class={b.served ? "dim" : "bad"}>{b.served ? "✓ served" : "! no worker"}</span>
                <span>
                  {b.kind} <strong>{b.name}</strong> {b.version}
                </span>
                <span class="num">
                  {count(b.waiting)} waiting, {count(b.running)} running
                </span>
              </li>
            ))}
          </ul>
        </section>
        <section class="card" aria-labelledby="w-nodes">
          <h2 id="w-nodes">Nodes</h2>
          <ul class="plain">
            {(nodes.data?.items ?? []).map((n) => (
              <li key={n.name}>
                <span class="mono">{n.name}</span>
                {n.here && <span class="tag">this one</span>}
                <span class="num">{n.shards} shards</span>
                {n.unreached && <span class="bad">not reached: works through the database</span>}
                {n.error && <span class="bad">{n.error}</span>}
                <Time at={n.since} />
              </li>
            ))}
          </ul>
        </section>
      </div>
    </section>
  );
}

function takes(c: Connected): string {
  if (c.everything) {
    return "everything";
  }
  const parts: [number, string][] = [
    [c.orchestrations.length, "orchestrations"],
    [c.activities.length, "activities"],
    [c.entities.length, "entities"],
  ];
  return parts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`).join(", ");
}

const sum = (p: Connected["capacity"]): number => p.orchestrations + p.activities + p.entities;
