import { useState } from "preact/hooks";

import type { EntitiesFrame, Entity, EntityPage } from "../api";
import { query, useQuery } from "../lib/api";
import { useTopic } from "../lib/live";
import { go, links, param, setParams } from "../lib/router";
import { Empty } from "../parts/Empty";
import { Problem } from "../parts/Problem";
import { Share } from "../parts/Share";
import { type Column, Table } from "../parts/Table";
import { Time } from "../parts/Time";
import { Visible } from "../parts/Visible";

const declare = `type Counter struct{ N int }

func (c *Counter) Add(n int) int { c.N += n; return c.N }

perdure.AddEntity[Counter](reg, "counter")`;

/** Entities lists entities: named state with one operation at a time. */
export function Entities() {
  const name = param("name");
  const cursor = param("cursor");
  const [typed, setTyped] = useState(name);
  const page = useQuery<EntityPage>("entities" + query({ name, cursor, limit: 200 }));
  useTopic("entities" + (name ? ":" + name : ""), undefined, (events) => {
    for (const e of events) {
      if (e.kind === "reset") {
        page.refetch();
        continue;
      }
      const f = e.data as EntitiesFrame;
      page.set((old) => old && { ...old, items: merge(old.items, f, !cursor && !old.next) });
    }
  });
  const rows = page.data?.items ?? [];
  return (
    <section class="page entities">
      <header class="page-head">
        <div class="page-title"><h1>Entities</h1> <Share what="list" command={["entity list", name ? [name] : []]} json={{ path: "entities" + query({ name, limit: 1000 }), file: "entities.json" }} /></div>
        <form class="entities-find" onSubmit={(e) => { e.preventDefault(); setParams({ name: typed.trim(), cursor: undefined }); }}>
          <input type="search" aria-label="Name of the entities" placeholder="Name, then Enter" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />
        </form>
      </header>
      {page.error && <Problem error={page.error} retry={page.refetch} />}
      {page.data && rows.length === 0 ? (
        name ? (
          <Empty title={"No entity is called " + name}><button type="button" onClick={() => { setTyped(""); setParams({ name: undefined }); }}>Show all</button></Empty>
        ) : (
          <Empty title="There is no entity yet">
            <p>An entity is named state with one operation at a time; it begins to exist with its first operation. Sessions of agents are entities too.</p>
            <pre class="sample" tabIndex={0}>{declare}</pre>
          </Empty>
        )
      ) : (
        <Table label="Entities" rows={rows} id={(e) => e.id} columns={columns} open={(e) => go(links.entity(e.name, e.key))} />
      )}
      <p class="pager">
        {cursor && <button type="button" onClick={() => setParams({ cursor: undefined }, false)}>‹ First page</button>}
        {page.data?.next && <button type="button" onClick={() => setParams({ cursor: page.data?.next }, false)}>Next page ›</button>}
      </p>
    </section>
  );
}

const columns: Column<Entity>[] = [
  { id: "name", title: "Name", class: "w-name", cell: (e) => <Visible text={e.name} exact /> },
  { id: "key", title: "Key", class: "grow", cell: (e) => <a href={links.entity(e.name, e.key)}><Visible text={e.key} exact /></a> },
  { id: "chat", title: "Chat", class: "narrow", cell: (e) => { const s = sessionOf(e); return s ? <a href={s}>open</a> : <span class="dim">–</span>; } },
  { id: "depth", title: "Waiting", class: "num narrow", cell: (e) => (e.queue_depth > 0 ? e.queue_depth : <span class="dim">0</span>) },
  { id: "lock", title: "Lock", class: "narrow", cell: (e) => (e.lock_owner ? <a href={links.run(e.lock_owner)}>held</a> : <span class="dim">free</span>) },
  { id: "op", title: "Last operation", class: "w-name", cell: (e) => e.last_op ? <span class={e.last_error ? "bad" : ""} title={e.last_error}><Visible text={e.last_op} exact />{e.last_error && " failed"}</span> : <span class="dim">–</span> },
  { id: "updated", title: "Changed", class: "w-time", cell: (e) => <Time at={e.updated} /> },
];

/** sessionOf is the chat of an entity that is a session of an agent. */
export function sessionOf(e: { name: string; key: string }): string | undefined {
  return e.name.startsWith("dafx-") ? links.session(e.name.slice("dafx-".length), e.key) : undefined;
}

// merge applies a frame. New rows are added only where the whole list is shown.
function merge(old: Entity[], f: EntitiesFrame, whole: boolean): Entity[] {
  const rows = new Map(old.map((e) => [e.id, e]));
  for (const g of f.gone) {
    rows.delete(g.id);
  }
  for (const e of f.upsert) {
    const known = rows.get(e.id);
    if (known ? (known.row_version ?? 0) <= (e.row_version ?? 0) : whole) {
      rows.set(e.id, e);
    }
  }
  return [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
