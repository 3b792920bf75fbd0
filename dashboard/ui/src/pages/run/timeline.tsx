// The timeline: a row for each step, a bar for the time that it took.

import type { ComponentChild } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { RunStep } from "../../api";
import { cost, count, duration } from "../../lib/format";
import { param, setParams } from "../../lib/router";
import { Axis, type Gap } from "./axis";
import { barOf, isOpen, ms, waits, type Part } from "./bars";
import { criticalPath } from "./critical";
import { StepIcon } from "./icons";
import { keyOf, type Steps } from "./model";
import { reveal, slot, stepped, visible } from "./window";

const rowHeight = 28;
const axisHeight = 30;

/** A part of the run's time, in ms from its beginning. */
export interface TimeRange {
  from: number;
  to: number;
}

interface Props {
  steps: Steps;
  /** of the server */
  now: number;
  moving: boolean;
  selected: string;
  range?: TimeRange;
  onSelect(key: string): void;
  onRange(range: TimeRange | undefined): void;
  onOpenRun(id: string): void;
}

/** Shows the steps of an execution over time. */
export function Timeline(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState(0);
  const filter = param("steps");
  const labels = size.width < 700 ? Math.round(size.width * 0.42) : 300;
  const lane = Math.max(120, size.width - labels - 16);
  const page = p.steps.page;
  const began = ms(page?.began) ?? p.now;
  const end = p.moving ? Math.max(p.now, began + 1) : Math.max(ms(page?.newest) ?? began, began + 1);
  const range = p.range && { begin: began + p.range.from, end: Math.min(began + p.range.to, end) };
  const rows = useMemo(() => select(p.steps.items, filter, range, p.now), [p.steps.items, filter, p.range?.from, p.range?.to, began]);
  const axis = useMemo(
    () => new Axis(range?.begin ?? began, range?.end ?? end, lane, idle(p.steps, end, p.moving)),
    [began, end, lane, p.steps.page, p.range?.from, p.range?.to],
  );
  const inside = Math.max(0, size.height - axisHeight);
  const window = visible(scroll, inside, rowHeight, rows.length);
  const critical = useMemo(() => (param("critical") ? criticalPath(p.steps.items, end) : undefined), [param("critical"), p.steps.items, p.moving ? 0 : end]);
  const at = useMemo(() => (p.selected ? rows.findIndex((r) => keyOf(r) === p.selected) : -1), [rows, p.selected]);

  useEffect(() => {
    if (box.current && at >= 0) {
      box.current.scrollTop = reveal(box.current.scrollTop, size.height - axisHeight, rowHeight, at);
    }
  }, [p.selected, at >= 0, size.height]);

  const move = (by: number) => {
    const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + by));
    const step = rows[to];
    if (step) p.onSelect(keyOf(step));
  };
  const onKey = (e: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -rows.length, End: rows.length }[e.key];
    if (by === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    move(by);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>("[aria-selected=true]")?.focus({ preventScroll: true }));
  };

  return (
    <div class="tl-frame">
      <div class="tl-bar">
        <input type="search" class="input" placeholder="Filter steps" aria-label="Filter steps by name, kind or status" value={filter} onInput={(e) => setParams({ steps: e.currentTarget.value })} />
        <span class="dim tl-count">{stepCount(rows.length, page?.total ?? 0, p.steps.complete)}</span>
        <button type="button" class="quiet" aria-pressed={critical !== undefined} title="The steps that decided how long the run took: each could begin when the one before had ended"
          onClick={() => setParams({ critical: critical ? undefined : "1" })}>Critical path</button>
        {critical && <span class="dim tl-count">{critical.steps.size.toLocaleString("en")} of them, {duration(critical.took)}</span>}
        {p.range && <button type="button" class="quiet" onClick={() => p.onRange(undefined)}>Whole run</button>}
        <Legend />
      </div>
      <div class="tl" ref={box} role="grid" aria-label="Steps of the run over time" aria-rowcount={rows.length + 1} onScroll={(e) => setScroll(stepped(e.currentTarget.scrollTop, rowHeight))} onKeyDown={onKey}>
        <Head axis={axis} began={began} labels={labels} lane={lane} onRange={p.onRange} />
        <div class="tl-rows" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
          {rows.slice(window.first, window.last).map((step, i) => {
            const key = keyOf(step);
            return (
              <Row key={slot(window.first + i, inside, rowHeight)} id={key} step={step} index={window.first + i} axis={axis} labels={labels} now={p.now} end={p.moving ? undefined : end}
                selected={key === p.selected} aside={critical !== undefined && !critical.steps.has(step)} tabbable={at < 0 ? window.first + i === 0 : key === p.selected} onSelect={p.onSelect} onOpenRun={p.onOpenRun} />
            );
          })}
        </div>
        {rows.length === 0 && <p class="tl-none muted">{p.steps.page ? (filter || p.range ? "No step matches." : "No step has been scheduled yet.") : "Loading…"}</p>}
        <div class="tl-over" aria-hidden="true" style={{ left: `${labels}px`, width: `${lane}px`, height: `${rows.length * rowHeight}px` }}>
          {axis.segments.filter((s) => s.folded).map((s) => <div key={s.from} class="tl-fold" style={{ left: `${s.x0}px`, width: `${s.x1 - s.x0}px` }} />)}
          {p.moving && p.now <= axis.end && <div class="tl-now" style={{ left: `${axis.x(p.now)}px` }} />}
        </div>
      </div>
    </div>
  );
}

/** The steps that are shown: those that match and lie in the range. */
function select(items: RunStep[], filter: string, range: { begin: number; end: number } | undefined, now: number): RunStep[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && !range) return items;
  return items.filter((s) => {
    const text = `${s.name ?? ""} ${s.kind} ${s.status} ${s.agent ?? ""} ${s.target ?? ""} ${s.run ?? ""}`.toLowerCase();
    if (!words.every((w) => text.includes(w))) return false;
    if (!range) return true;
    const from = ms(s.attempts?.[0]?.scheduled_at) ?? ms(s.scheduled_at) ?? 0;
    return from <= range.end && (ms(s.completed_at) ?? now) >= range.begin;
  });
}

/** Shorter times in which nothing ran are no gaps to fold. */
const shortest = 500;

/** The times in which the run only waited, now included. */
function idle(steps: Steps, end: number, moving: boolean): Gap[] {
  const gaps = (steps.page?.gaps ?? []).map((g) => ({ from: Date.parse(g.from), to: Date.parse(g.to) })).filter((g) => g.to - g.from >= shortest);
  const newest = ms(steps.page?.newest);
  if (!moving || newest === undefined || !steps.complete) return gaps;
  if (steps.items.some((s) => isOpen(s) && !waits(s) && s.status !== "retrying")) return gaps;
  const last = gaps[gaps.length - 1];
  const tail = last && last.to >= newest ? gaps.pop()!.from : newest;
  return end - tail > 2000 ? [...gaps, { from: tail, to: end }] : gaps;
}

function stepCount(shown: number, total: number, complete: boolean): string {
  const of = shown === total ? `${total.toLocaleString("en")} step${total === 1 ? "" : "s"}` : `${shown.toLocaleString("en")} of ${total.toLocaleString("en")} steps`;
  return complete || total === 0 ? of : of + ", reading…";
}

function Legend() {
  const entries: [string, string][] = [["queued", "queued"], ["running", "running"], ["backoff", "back-off"], ["wait", "waiting"], ["failed", "failed"]];
  return (
    <ul class="tl-legend" aria-label="What the patterns mean">
      {entries.map(([kind, text]) => <li key={kind}><span class={`part part-${kind}`} />{text}</li>)}
      <li><span class="tl-diamond-key" />decision</li>
    </ul>
  );
}

function Head({ axis, began, labels, lane, onRange }: { axis: Axis; began: number; labels: number; lane: number; onRange(r: TimeRange | undefined): void }) {
  const [drag, setDrag] = useState<{ from: number; to: number }>();
  const place = (e: PointerEvent) => {
    const left = (e.currentTarget as HTMLElement).getBoundingClientRect().left;
    return Math.max(0, Math.min(lane, e.clientX - left));
  };
  const finish = () => {
    if (drag && Math.abs(drag.to - drag.from) > 6) {
      const [a, b] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
      onRange({ from: Math.floor(axis.time(a) - began), to: Math.ceil(axis.time(b) - began) });
    }
    setDrag(undefined);
  };
  return (
    <div class="tl-head" role="row" aria-rowindex={1}>
      <div class="tl-label" role="columnheader" style={{ width: `${labels}px` }}>Step</div>
      <div class="tl-axis" role="columnheader" aria-label="Time since the run began" title="Drag to look at a part; double-click for the whole run" style={{ width: `${lane}px` }}
        onPointerDown={(e) => { if (e.button === 0) { e.currentTarget.setPointerCapture(e.pointerId); setDrag({ from: place(e), to: place(e) }); } }}
        onPointerMove={(e) => { const to = place(e); setDrag((d) => d && { ...d, to }); }}
        onPointerUp={finish} onPointerCancel={() => setDrag(undefined)} onDblClick={() => onRange(undefined)}>
        {axis.ticks(began, 84).map((t) => <span key={t.time} class="tl-tick" style={{ left: `${t.x}px` }} title={new Date(t.time).toLocaleString()}>{offset(t.time - began)}</span>)}
        {axis.segments.filter((s) => s.folded).map((s) => <span key={s.from} class="tl-folded" style={{ left: `${s.x0}px`, width: `${s.x1 - s.x0}px` }} title={`${duration(s.to - s.from)} in which nothing ran`}>{coarse(s.to - s.from)}</span>)}
        {drag && <span class="tl-brush" style={{ left: `${Math.min(drag.from, drag.to)}px`, width: `${Math.abs(drag.to - drag.from)}px` }} />}
      </div>
    </div>
  );
}

function offset(ms: number): string {
  return ms === 0 ? "0" : "+" + duration(ms);
}

function coarse(ms: number): string {
  for (const [unit, name] of [[86400_000, "d"], [3600_000, "h"], [60_000, "min"], [1000, "s"]] as const) {
    if (ms >= unit) return `${Math.floor(ms / unit)} ${name}`;
  }
  return `${Math.round(ms)} ms`;
}

interface RowProps {
  id: string;
  step: RunStep;
  index: number;
  axis: Axis;
  labels: number;
  now: number;
  end?: number;
  selected: boolean;
  /** It is not on the critical path, which is shown. */
  aside: boolean;
  tabbable: boolean;
  onSelect(key: string): void;
  onOpenRun(id: string): void;
}

function Row(p: RowProps) {
  const s = p.step;
  const bar = barOf(s, p.now, p.end);
  const took = bar.parts.length > 0 ? bar.parts[bar.parts.length - 1]!.to - bar.parts[0]!.from : 0;
  const firstX = p.axis.x(bar.parts[0]?.from ?? bar.diamond ?? 0) - (bar.diamond === undefined ? 0 : 6);
  const lastX = p.axis.x(bar.parts.at(-1)?.to ?? bar.diamond ?? 0);
  return (
    <div class={"tl-row" + (p.selected ? " selected" : "") + (p.aside ? " aside" : "")} role="row" aria-rowindex={p.index + 2} aria-selected={p.selected} tabIndex={p.tabbable ? 0 : -1}
      aria-label={spoken(s, took)} style={{ top: `${p.index * rowHeight}px` }} onClick={() => p.onSelect(p.id)}
      onKeyDown={(e) => { if (e.key === "Enter" && e.target === e.currentTarget) { if (s.run) p.onOpenRun(s.run); else p.onSelect(p.id); } }}>
      <div class="tl-label" role="rowheader" style={{ width: `${p.labels}px` }}>
        <StepIcon kind={s.kind} status={s.status} />
        <span class="tl-name">{title(s)}</span>
        {s.attempt > 1 && <span class="tl-attempt" title={`attempt ${s.attempt}${s.max_attempts ? ` of ${s.max_attempts}` : ""}`}>×{s.attempt}</span>}
        {!!s.tokens?.total && <span class="tl-tokens" title={`${s.tokens.in} in, ${s.tokens.out} out${s.cost_usd ? `, ${cost(s.cost_usd * 1e6)}` : ""}`}>{count(s.tokens.total)} tok</span>}
        {s.run && <button type="button" class="tl-child" tabIndex={-1} aria-label={`Open run ${s.run}`} title={`Open ${s.run}`} onClick={(e) => { e.stopPropagation(); p.onOpenRun(s.run!); }}>↗</button>}
      </div>
      <div class="tl-lane" role="gridcell" style={{ width: `${p.axis.width}px` }}>
        {bar.parts.map((part, i) => <PartBar key={i} part={part} axis={p.axis} waits={waits(s)} />)}
        {bar.ticks.map((t, i) => <span key={i} class="tl-try" style={{ left: `${p.axis.x(t)}px` }} />)}
        {bar.diamond !== undefined && <span class={`tl-diamond ${s.status}`} style={{ left: `${p.axis.x(bar.diamond)}px` }} />}
        <After from={firstX} to={lastX} width={p.axis.width}>{after(s, took)}</After>
      </div>
    </div>
  );
}

function PartBar({ part, axis, waits }: { part: Part; axis: Axis; waits: boolean }) {
  const from = axis.x(part.from);
  const width = Math.max(axis.x(part.to) - from, part.kind === "queued" || part.kind === "backoff" ? 0 : 2);
  if (part.to < axis.begin || part.from > axis.end || width === 0) return null;
  return <span class={`part part-${part.kind}${part.open ? " open" : ""}${waits ? " thin" : ""}`} style={{ left: `${Math.min(from, axis.width - 2)}px`, width: `${width}px` }} />;
}

/** What stands after a bar, or before it where there is no room. */
function After({ from, to, width, children }: { from: number; to: number; width: number; children: ComponentChild }) {
  const room = 96;
  if (width - to > room) return <span class="tl-after" style={{ left: `${to + 8}px` }}>{children}</span>;
  if (from > room) return <span class="tl-after" style={{ right: `${Math.max(0, width - from) + 8}px` }}>{children}</span>;
  return <span class="tl-after inside" style={{ right: `${Math.max(0, width - to) + 8}px` }}>{children}</span>;
}

function after(s: RunStep, took: number): string {
  if (s.kind === "decision") return s.answer ? `${s.answer}${s.decided_by ? " by " + s.decided_by : ""}` : `waits ${coarse(took)}`;
  if (s.status === "open" && waits(s)) return took > 0 ? `waits ${duration(took)}` : "waits";
  if (s.kind === "event" || s.kind === "sent" || s.kind === "signal") return took > 0 ? duration(took) : "";
  return duration(took);
}

/** What a step is called. */
export function title(s: RunStep): string {
  if (s.kind === "timer") return s.name || "timer";
  if (s.kind === "decision") return `${(s.ask ?? "decision").replace(/_/g, " ")}: ${s.name || s.agent || ""}`;
  if (s.kind === "model") return s.model ? `${s.name || s.agent} · ${s.model}` : s.name || "model";
  return s.name || s.agent || s.target || s.kind;
}

function spoken(s: RunStep, took: number): string {
  const parts = [title(s), s.kind, s.status === "open" && waits(s) ? "waiting" : s.status];
  if (s.attempt > 1) parts.push(`attempt ${s.attempt}`);
  if (took > 0) parts.push(duration(took));
  if (s.answer) parts.push(after(s, took));
  if (s.failure) parts.push(s.failure.message.split("\n")[0] ?? "");
  return parts.join(", ");
}

/** The size of an element, followed. */
export function useSize(ref: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 1000, height: 600 });
  useLayoutEffect(() => {
    const el = ref.current;
    if (!el) return;
    const read = () => setSize((old) => (old.width === el.clientWidth && old.height === el.clientHeight ? old : { width: el.clientWidth, height: el.clientHeight }));
    read();
    const observer = new ResizeObserver(read);
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  return size;
}
