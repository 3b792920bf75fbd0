// The history: all events as they were written. Everything that the timeline shows can
// be read here.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { HistoryEvent, HistoryPage } from "../../api";
import { get, path, query } from "../../lib/api";
import { bytes, duration } from "../../lib/format";
import { param, setParams } from "../../lib/router";
import { JsonView } from "../../parts/JsonView";
import { Time } from "../../parts/Time";
import { Payload } from "./payload";
import { useSize } from "./timeline";
import { pages, reveal, slot, stepped, visible } from "./window";

const rowHeight = 28;
const headHeight = 28;
const pageSize = 500;

interface Props {
  run: string;
  execution: string;
  /** of the run: another one means that events were added */
  version: number;
  began: number;
  /** number of the event that is looked at, 0 = none */
  selected: number;
  onSelect(n: number): void;
  /** Asks to rewind the run to before an event; missing = it cannot be. */
  onRewind?(event: number): void;
  /** Asks to fork the run from before an event; missing = it cannot be. */
  onFork?(event: number): void;
}

/** Shows the history of an execution. */
export function History(p: Props) {
  const filter = param("events");
  const [applied, setApplied] = useState(filter.trim());
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState(0);
  const inside = Math.max(0, size.height - headHeight);
  const window = visible(scroll, inside, rowHeight, Number.MAX_SAFE_INTEGER);
  const events = useEvents(p, applied, window);
  const last = Math.min(window.last, events.matched);
  const at = useMemo(() => (applied ? events.find(p.selected) : p.selected - 1), [p.selected, applied, events]);

  useEffect(() => {
    if (filter.trim() === applied) return undefined;
    const timer = setTimeout(() => { setApplied(filter.trim()); box.current?.scrollTo({ top: 0 }); }, 120);
    return () => clearTimeout(timer);
  }, [filter]);
  useEffect(() => {
    if (box.current && at >= 0) box.current.scrollTop = reveal(box.current.scrollTop, size.height - headHeight, rowHeight, at, 3);
  }, [p.selected, events.matched > 0]);

  const move = (by: number) => {
    const event = events.at(Math.max(0, Math.min(events.matched - 1, at + by)));
    if (event) p.onSelect(event.n);
  };
  const onKey = (e: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[e.key];
    if (by === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    move(by);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>("[aria-selected=true]")?.focus({ preventScroll: true }));
  };
  const shown = events.at(at);
  return (
    <div class="split">
      <div class="hist-frame">
        <div class="tl-bar">
          <input type="search" class="input" placeholder="Filter: type, name, id" aria-label="Filter events by type, name or instance" value={filter} onInput={(e) => setParams({ events: e.currentTarget.value })} />
          <Jump total={events.total} onJump={p.onSelect} />
          <span class="dim">{applied ? `${events.matched.toLocaleString("en")} of ` : ""}{events.total.toLocaleString("en")} events</span>
          <Download run={p.run} execution={p.execution} />
        </div>
        {events.error && <p class="error">{events.error}</p>}
        <div class="hist" ref={box} role="grid" aria-label="Events of the history" aria-rowcount={events.matched + 1} aria-colcount={6} onScroll={(e) => setScroll(stepped(e.currentTarget.scrollTop, rowHeight))} onKeyDown={onKey}>
          <div class="hist-row hist-head" role="row" aria-rowindex={1}>
            {["#", "Type", "Step", "Time", "Delta", "Size"].map((h) => <span key={h} role="columnheader">{h}</span>)}
          </div>
          <div class="tl-rows" role="rowgroup" style={{ height: `${events.matched * rowHeight}px` }}>
            {Array.from({ length: Math.max(0, last - window.first) }, (_, i) => {
              const index = window.first + i;
              const event = events.at(index);
              return <EventRow key={slot(index, inside, rowHeight)} index={index} event={event} before={events.at(index - 1)} selected={!!event && event.n === p.selected} tabbable={at < 0 ? index === 0 : index === at} onSelect={p.onSelect} />;
            })}
          </div>
        </div>
      </div>
      {shown && p.selected > 0 && <EventDetail event={shown} run={p.run} execution={p.execution} began={p.began} {...(p.onRewind ? { onRewind: p.onRewind } : {})} {...(p.onFork ? { onFork: p.onFork } : {})} onClose={() => p.onSelect(0)} />}
    </div>
  );
}

interface Events {
  total: number;
  matched: number;
  error?: string;
  at(index: number): HistoryEvent | undefined;
  find(n: number): number;
}

/** Reads the pages of events that a window touches. */
function useEvents(p: Props, filter: string, window: { first: number; last: number }): Events {
  const [, redraw] = useState(0);
  const key = `${p.run}\n${p.execution}\n${filter}`;
  const held = useRef({ key: "", version: 0, pages: new Map<number, HistoryEvent[]>(), total: 0, matched: 0, error: "" });
  if (held.current.key !== key) held.current = { key, version: p.version, pages: new Map(), total: 0, matched: 0, error: "" };
  const known = held.current;
  if (known.version !== p.version) {
    // Events are only added: pages that are full stay.
    known.version = p.version;
    for (const [n, list] of known.pages) if (list.length < pageSize) known.pages.delete(n);
  }
  const wanted = known.matched === 0 ? [0] : pages({ first: window.first, last: Math.min(window.last, known.matched) }, pageSize);
  if (known.pages.size > 0 && known.matched > 0) {
    const lastPage = Math.floor((known.matched - 1) / pageSize);
    if (!wanted.includes(lastPage) && !known.pages.has(lastPage)) wanted.push(lastPage);
  }
  const missing = wanted.find((n) => !known.pages.has(n));
  const order = `${key}\n${p.version}\n${missing}`;
  useEffect(() => {
    if (missing === undefined) return;
    const abort = new AbortController();
    get<HistoryPage>(path`runs/${p.run}/history` + query({ execution: p.execution, filter, after: missing * pageSize, limit: pageSize }), abort.signal).then(
      (page) => {
        known.pages.set(missing, page.items);
        known.total = page.total;
        known.matched = page.matched;
        known.error = "";
        redraw((n) => n + 1);
      },
      (e: Error) => {
        if (abort.signal.aborted) return;
        known.error = e.message;
        redraw((n) => n + 1);
      },
    );
    return () => abort.abort();
  }, [order]);
  return {
    total: known.total,
    matched: known.matched,
    ...(known.error ? { error: known.error } : {}),
    at: (index) => known.pages.get(Math.floor(index / pageSize))?.[index % pageSize],
    find: (n) => {
      for (const [page, list] of known.pages) {
        const i = list.findIndex((e) => e.n === n);
        if (i >= 0) return page * pageSize + i;
      }
      return -1;
    },
  };
}

function EventRow(p: { index: number; event: HistoryEvent | undefined; before: HistoryEvent | undefined; selected: boolean; tabbable: boolean; onSelect(n: number): void }) {
  const e = p.event;
  const time = e && Date.parse(e.time);
  const delta = e && p.before ? time! - Date.parse(p.before.time) : undefined;
  return (
    <div class={"hist-row" + (p.selected ? " selected" : "") + (e?.failure ? " is-failed" : "")} role="row" aria-rowindex={p.index + 2} aria-selected={p.selected} tabIndex={p.tabbable ? 0 : -1} style={{ top: `${p.index * rowHeight}px` }} onClick={() => e && p.onSelect(e.n)}
      onKeyDown={(k) => { if (k.key === "Enter" && e) p.onSelect(e.n); }}>
      <span role="gridcell" class="num">{e?.n ?? p.index + 1}</span>
      <span role="gridcell" class="hist-type">{e?.type ?? ""}</span>
      <span role="gridcell" class="hist-step">{e && stepText(e)}</span>
      <span role="gridcell">{time !== undefined && <Time at={e!.time} exact />}</span>
      <span role="gridcell" class="num">{delta !== undefined && delta > 0 ? "+" + duration(delta) : ""}</span>
      <span role="gridcell" class="num">{e?.data_bytes ? bytes(e.data_bytes) : ""}</span>
    </div>
  );
}

function stepText(e: HistoryEvent): string {
  const parts = [e.name ?? "", e.step !== undefined ? `step ${e.step}` : "", e.instance ?? "", e.failure ? e.failure.message.split("\n")[0]! : "", e.reason ?? "", e.status ?? ""];
  return parts.filter(Boolean).join(" · ");
}

function EventDetail({ event, run, execution, began, onClose, onRewind, onFork }: { event: HistoryEvent; run: string; execution: string; began: number; onClose(): void; onRewind?(n: number): void; onFork?(n: number): void }) {
  const { data, data_bytes, ...rest } = event;
  return (
    <aside class="inspector" aria-label={`Event ${event.n}`}>
      <header class="inspector-head">
        <h2>{event.n} · {event.type}</h2>
        <button type="button" class="quiet" aria-label="Close the event" onClick={onClose}>✕</button>
      </header>
      <p class="dim"><Time at={event.time} exact /> · {duration(Math.max(0, Date.parse(event.time) - began))} after the beginning</p>
      {onRewind && <button type="button" class="rewind-here" onClick={() => onRewind(event.n)}>Rewind to before this event…</button>}
      {onFork && <button type="button" class="rewind-here" onClick={() => onFork(event.n)}>Fork from before this event…</button>}
      <JsonView value={rest} />
      {data !== undefined ? <><h3>Payload <span class="dim">{bytes(data_bytes ?? 0)}</span></h3><JsonView value={data} /></>
        : data_bytes ? <Payload key={event.n} title="Payload" run={run} execution={execution} n={event.n} size={data_bytes} /> : null}
    </aside>
  );
}

function Jump({ total, onJump }: { total: number; onJump(n: number): void }) {
  const [text, setText] = useState("");
  const submit = (e: Event) => {
    e.preventDefault();
    const n = Number(text);
    if (Number.isInteger(n) && n >= 1) onJump(Math.min(n, total));
  };
  return (
    <form class="jump" onSubmit={submit}>
      <input class="input" inputMode="numeric" size={7} placeholder="Jump to #" aria-label="Jump to event number" value={text} onInput={(e) => setText(e.currentTarget.value)} />
    </form>
  );
}

function Download({ run, execution }: { run: string; execution: string }) {
  const [busy, setBusy] = useState("");
  const download = async () => {
    try {
      const all: HistoryEvent[] = [];
      let after: number | undefined = 0;
      while (after !== undefined) {
        const page: HistoryPage = await get<HistoryPage>(path`runs/${run}/history` + query({ execution, after, limit: 10_000 }));
        all.push(...page.items);
        setBusy(`${all.length.toLocaleString("en")} of ${page.total.toLocaleString("en")}…`);
        after = page.next;
      }
      save(`${run}-history.json`, JSON.stringify(all, null, 1));
      setBusy("");
    } catch (e) {
      setBusy((e as Error).message);
    }
  };
  return <button type="button" class="quiet" onClick={() => void download()}>{busy || "Download JSON"}</button>;
}

/** Has the browser save a text as a file. */
export function save(name: string, text: string, type = "application/json"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
