import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Decision, DecisionItems, InboxFrame, ListFrame, Run, RunPage } from "../api";
import { query, useQuery } from "../lib/api";
import { askText, doneText, itemsOf, keyedAnswer, kindText, type Item } from "../lib/decisions";
import { useKeys } from "../lib/keys";
import { useTopic } from "../lib/live";
import { links, param, setParams } from "../lib/router";
import { useSlowly } from "../lib/slowly";
import { Deadline } from "../parts/Deadline";
import type { Ask } from "../parts/Decide";
import { Empty } from "../parts/Empty";
import { Problem } from "../parts/Problem";
import { Tabs } from "../parts/Tabs";
import { Time } from "../parts/Time";
import { Visible } from "../parts/Visible";
import { Answered } from "./inbox/Answered";
import { Detail } from "./inbox/Detail";
import { EventDetail } from "./inbox/Event";

/** Inbox is what waits for a person, and what people have decided. */
export function Inbox() {
  return (
    <section class="page inbox">
      <h1>Inbox</h1>
      <Tabs label="Inbox" tabs={[
        { id: "open", title: "Waiting", panel: () => <Open /> },
        { id: "answered", title: "Answered", panel: () => <Answered /> },
      ]} />
    </section>
  );
}

/** Runs that wait for an event; those of agents wait for decisions. */
const waiting = "phase:waiting_event";

/** One wait of a run: it may wait for the same event again. */
const waitOf = (r: Run) => [r.id, r.incarnation, r.wait_name, r.phase_since].join("\n");

function Open() {
  const decisions = useDecisions();
  const runs = useQuery<RunPage>("runs" + query({ filter: waiting, limit: 200 }));
  const reread = useSlowly(runs.refetch);
  useTopic("list:" + waiting, undefined, (events) => reread(events.some((e) => (e.data as ListFrame).unseen > 0)));
  // Waits whose event was raised here: they are listed until the run has taken it.
  const raised = useRef(new Set<string>());
  const items = useMemo(
    () => itemsOf(decisions.rows ?? [], (runs.data?.items ?? []).filter((r) => !raised.current.has(waitOf(r)))),
    [decisions.rows, runs.data],
  );
  const [done, setDone] = useState<Done>();
  const [ask, setAsk] = useState<Ask | undefined>();
  const list = useRef<HTMLDivElement>(null);
  const focusNext = useRef(false);
  const chosen = param("id");
  const choose = (id: string | undefined) => setParams({ id });
  // What is shown stays until whoever looks at it goes on: were it to give way to the
  // next when others answer it, a click would meet that one.
  const held = useRef<{ item: Item; place: number } | null>(null);
  const found = items.findIndex((i) => i.id === (chosen || held.current?.item.id));
  const gone = found < 0 && !!held.current && (!chosen || chosen === held.current.item.id);
  const place = gone ? (held.current?.place ?? 0) : Math.max(0, found);
  const item = gone ? held.current?.item : items[place];
  held.current = item ? { item, place } : null;

  useEffect(() => {
    if (focusNext.current && item) {
      focusNext.current = false;
      list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    }
  }, [item?.id]);

  function finish(id: string, run: string, text: string | null) {
    const rest = items.filter((i) => i.id !== id);
    const next = rest[Math.min(place, rest.length - 1)];
    setDone(text === null ? undefined : { text, run });
    focusNext.current = true;
    held.current = null;
    choose(next?.id);
    if (item?.kind === "event" && text !== null) {
      raised.current.add(waitOf(item.run));
    }
    decisions.drop(id);
    runs.set((old) => old && { ...old });
    runs.refetch();
  }

  function move(e: KeyboardEvent, to: number) {
    const next = items[to];
    if (next) {
      e.preventDefault();
      focusNext.current = true;
      choose(next.id);
    }
  }

  function press(e: KeyboardEvent, key: "a" | "d") {
    const answer = item && keyedAnswer(item.kind === "event" ? "approval" : item.decision.kind, key);
    if (answer) {
      e.preventDefault();
      setAsk((old) => ({ id: item.id, answer, n: (old?.n ?? 0) + 1 }));
    }
  }

  const within = (e: KeyboardEvent) => list.current?.contains(e.target as Node);
  useKeys({
    a: (e) => press(e, "a"),
    d: (e) => press(e, "d"),
    j: (e) => move(e, gone ? place : place + 1),
    k: (e) => move(e, place - 1),
    ArrowDown: (e) => within(e) && move(e, place + 1),
    ArrowUp: (e) => within(e) && move(e, place - 1),
  });

  if (!decisions.rows && decisions.error) {
    return <Problem error={decisions.error} retry={decisions.refetch} />;
  }
  if (!decisions.rows || (!runs.data && !runs.error)) {
    return <p class="dim pad">…</p>;
  }
  if (!item) {
    return <Nothing done={done} />;
  }
  return (
    <div class={"inbox-panes" + (chosen ? " chosen" : "")}>
      <div class="inbox-list" role="listbox" aria-label="What waits for a person" ref={list}>
        {items.map((i) => (
          <Row key={i.id} item={i} selected={i === item} onChoose={() => choose(i.id)} />
        ))}
      </div>
      <div class="inbox-pane">
        <button type="button" class="inbox-back quiet" onClick={() => choose(undefined)}>‹ All {items.length}</button>
        <DoneText done={done} />
        {item.kind === "decision" && <Detail key={item.id} decision={item.decision} ask={ask} gone={gone} onDone={(d) => finish(d.id, d.run, askText(d) + ": " + doneText(d))} />}
        {item.kind === "event" && <EventDetail key={item.id} run={item.run} ask={ask} gone={gone} onDone={(t) => finish(item.id, item.run.id, t && item.run.name + ": " + t)} />}
      </div>
    </div>
  );
}

function Row({ item, selected, onChoose }: { item: Item; selected: boolean; onChoose: () => void }) {
  const title = item.kind === "decision" ? askText(item.decision) : item.run.name + " waits for " + item.run.wait_name;
  const about = item.kind === "decision" ? summary(item.decision) : item.run.id;
  return (
    <div role="option" aria-selected={selected} tabIndex={selected ? 0 : -1} class="inbox-row" onClick={onChoose}
      onKeyDown={(e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), onChoose())}>
      <span class="inbox-row-title"><Visible text={title} exact /></span>
      <span class="inbox-row-about"><Visible text={about} exact /></span>
      <span class="inbox-row-foot">
        <span class={"kind kind-" + (item.kind === "event" ? "event" : item.decision.kind)}>{kindText(item.kind === "event" ? "event" : item.decision.kind)}</span>
        {item.deadline ? <Deadline at={item.deadline} /> : <Time at={item.since} />}
      </span>
    </div>
  );
}

function summary(d: Decision): string {
  if (d.kind === "budget") {
    return d.reason || "asks for more";
  }
  const text = JSON.stringify(d.args) ?? "";
  return text.length > 140 ? text.slice(0, 140) + "…" : text;
}

const sample = `agent.NewTool("issue_refund", "Gives a customer money back.", issueRefund,
	agent.RequireApproval(func(_ context.Context, in Refund) bool {
		return in.Cents > 5000
	}))`;

/** What was answered last, and of which run. */
interface Done {
  text: string;
  run: string;
}

function DoneText({ done }: { done: Done | undefined }) {
  return <p class="inbox-done" role="status">{done && <>✓ <Visible text={done.text} exact /> <a href={links.run(done.run)}>See the run</a></>}</p>;
}

function Nothing({ done }: { done: Done | undefined }) {
  return (
    <>
      <DoneText done={done} />
      <Empty title="Nothing waits for you">
        <p>Paused runs hold no compute: they wait on disk, for an hour or for years.</p>
        <p>A tool asks for approval with one option:</p>
        <pre class="sample" tabIndex={0}>{sample}</pre>
      </Empty>
    </>
  );
}

// useDecisions are the open decisions, kept up to date.
function useDecisions() {
  const q = useQuery<DecisionItems>("decisions?state=pending&limit=1000");
  const drop = (ids: Set<string>, more: Decision[] = []) =>
    q.set((old) => old && { ...old, items: [...old.items.filter((d) => !ids.has(d.id)), ...more] });
  useTopic("inbox", undefined, (events) => {
    for (const e of events) {
      if (e.kind === "reset") {
        q.refetch();
        continue;
      }
      const f = e.data as InboxFrame;
      if (f.whole) {
        q.set((old) => ({ ...old, items: f.upsert }));
      } else {
        drop(new Set([...f.gone.map((g) => g.id), ...f.upsert.map((d) => d.id)]), f.upsert);
      }
    }
  });
  return { rows: q.data?.items, error: q.error, refetch: q.refetch, drop: (id: string) => drop(new Set([id])) };
}
