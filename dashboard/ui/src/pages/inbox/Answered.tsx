// What people have decided: answers to agents, and events that were raised to runs.

import { useRef, useState } from "preact/hooks";

import type { Audited, Conversation, Decision } from "../../api";
import { get, type Params, path, type ProblemError, query, useQuery } from "../../lib/api";
import { askText, doneText, kindText } from "../../lib/decisions";
import { useKeys } from "../../lib/keys";
import { useTopic } from "../../lib/live";
import { links, param, setParams } from "../../lib/router";
import { useSlowly } from "../../lib/slowly";
import { Empty } from "../../parts/Empty";
import { Payload } from "../../parts/Payload";
import { Problem } from "../../parts/Problem";
import { Share } from "../../parts/Share";
import { Time } from "../../parts/Time";
import { Visible } from "../../parts/Visible";
import { Detail } from "./Detail";

type Past = { id: string; at: string; kind: string; title: string; text: string } & ({ decision: Decision } | { raised: Audited });

function pastDecision(d: Decision): Past {
  return { id: d.id, at: d.answered_at ?? d.deadline ?? d.requested_at, kind: d.kind, title: askText(d), text: doneText(d), decision: d };
}

function pastEvent(a: Audited): Past {
  return { id: `event:${a.target}:${a.number}`, at: a.at, kind: "event", title: `${a.target} was told ${a.name ?? "of an event"}`, text: `raised by ${a.for || a.by}`, raised: a };
}

const pageSize = 200;

/** A list that is read page by page: the first is kept up to date, more reads the next. */
function usePages<T>(where: string, params: Params) {
  type Page = { items: T[]; next?: string };
  const first = useQuery<Page>(where + query({ ...params, limit: pageSize }));
  const [older, setOlder] = useState<Page[]>([]);
  const [failed, setFailed] = useState<ProblemError>();
  const next = (older.at(-1) ?? first.data)?.next;
  const more = () => {
    get<Page>(where + query({ ...params, limit: pageSize, cursor: next })).then((p) => (setFailed(undefined), setOlder([...older, p])), setFailed);
  };
  return {
    items: [first.data, ...older].flatMap((p) => p?.items ?? []),
    ready: first.data !== undefined,
    error: first.error,
    failed,
    refetch: first.refetch,
    more: next ? more : undefined,
  };
}

/** Lists what was decided, the newest first. */
export function Answered() {
  const answered = usePages<Decision>("decisions", { state: "answered" });
  const expired = usePages<Decision>("decisions", { state: "expired" });
  const superseded = usePages<Decision>("decisions", { state: "superseded" });
  const raised = usePages<Audited>("audit", { action: "raise event" });
  const sources = [answered, expired, superseded, raised];
  const reread = useSlowly(raised.refetch);
  useTopic("inbox", undefined, () => [answered, expired, superseded].forEach((q) => q.refetch()));
  useTopic("counts", undefined, () => reread(true));
  const found = [...[answered, expired, superseded].flatMap((q) => q.items).map(pastDecision), ...raised.items.map(pastEvent)];
  const rows = [...new Map(found.map((p) => [p.id, p])).values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const chosen = param("id");
  const item = rows.find((d) => d.id === chosen) ?? rows[0];
  const list = useRef<HTMLDivElement>(null);
  const move = (e: KeyboardEvent, by: number) => {
    const next = item && rows[rows.indexOf(item) + by];
    if (next) {
      e.preventDefault();
      setParams({ id: next.id });
      requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus());
    }
  };
  useKeys({
    j: (e) => move(e, 1),
    k: (e) => move(e, -1),
    ArrowDown: (e) => list.current?.contains(e.target as Node) && move(e, 1),
    ArrowUp: (e) => list.current?.contains(e.target as Node) && move(e, -1),
  });
  if (answered.error) {
    return <Problem error={answered.error} retry={answered.refetch} />;
  }
  const failed = sources.find((q) => q.failed)?.failed;
  if (sources.some((q) => !q.ready && !q.error)) {
    return <p class="dim pad">…</p>;
  }
  if (!item) {
    return <Empty title="Nothing was decided yet"><p>Here stands who has answered what, and when.</p></Empty>;
  }
  return (
    <div class={"inbox-panes" + (chosen ? " chosen" : "")}>
      <div class="inbox-list">
        <div role="listbox" aria-label="Decisions of the past" ref={list}>
          {rows.map((p) => (
            <div key={p.id} role="option" aria-selected={p === item} tabIndex={p === item ? 0 : -1} class="inbox-row" onClick={() => setParams({ id: p.id })}>
              <span class="inbox-row-title"><Visible text={p.title} exact /></span>
              <span class="inbox-row-about"><Visible text={p.text} exact /></span>
              <span class="inbox-row-foot"><span class={"kind kind-" + p.kind}>{kindText(p.kind)}</span><Time at={p.at} /></span>
            </div>
          ))}
        </div>
        {sources.some((q) => q.more) && (
          <button type="button" class="quiet more" onClick={() => sources.forEach((q) => q.more?.())}>Show earlier ones</button>
        )}
        {failed && <p class="problem" role="alert">{failed.message}</p>}
      </div>
      <div class="inbox-pane">
        <button type="button" class="inbox-back quiet" onClick={() => setParams({ id: undefined })}>‹ All {rows.length}</button>
        {"decision" in item ? <Detail key={item.id} decision={item.decision} onDone={() => {}} /> : <Raised key={item.id} entry={item.raised} title={item.title} />}
      </div>
    </div>
  );
}

/** An event that was raised, with what it said as long as its run is kept. */
function Raised({ entry: a, title }: { entry: Audited; title: string }) {
  const said = useQuery<Conversation>(path`runs/${a.target}/conversation`);
  const found = said.data?.items.find((s) => s.event && s.run === a.target && s.event.name === a.name && Date.parse(s.at) === Date.parse(a.at));
  return (
    <article class="inbox-detail" aria-label={title}>
      <header>
        <p class="inbox-kind"><span class="kind kind-event">Event</span>
          <Share what="event" link={"inbox" + query({ tab: "answered", id: `event:${a.target}:${a.number}` })} id={a.target} command={["audit list", [], { target: a.target, action: a.action }]} json={{ path: "audit" + query({ target: a.target, action: a.action, limit: 1000 }), file: "audit.json" }} />
        </p>
        <h2><Visible text={title} exact /></h2>
        <p class="dim">raised by {a.by}{a.for && <> for <Visible text={a.for} exact /></>} <Time at={a.at} /></p>
        {a.reason && <p class="inbox-reason"><Visible text={a.reason} exact /></p>}
      </header>
      {found?.event && (found.event.data !== undefined || !found.event.bytes) && (
        <section><h3>Data of the event</h3><Payload value={found.event.data ?? null} label="data" /></section>
      )}
      {said.data && !found && <p class="dim">The history of the run has it no more: it was rewound, or went on as new.</p>}
      {said.error && <p class="dim">{said.error.message}</p>}
      <p class="inbox-links">
        <a href={links.run(a.target) + (found?.event ? `?step=${found.event.n}` : "")}>Open the run</a>
      </p>
    </article>
  );
}
