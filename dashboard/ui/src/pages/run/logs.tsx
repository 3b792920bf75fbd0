// The log of a run: what its code has logged, live.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LogLine, RunStep } from "../../api";
import { absolute, utc } from "../../lib/format";
import { param, setParams } from "../../lib/router";
import { Empty } from "../../parts/Empty";
import { JsonView } from "../../parts/JsonView";
import { save } from "./history";
import { idsOf, levels, lineKey, rank, useLines } from "./lines";
import { keyOf } from "./model";
import { title, useSize } from "./timeline";
import { reveal, stepped, visible } from "./window";

const rowHeight = 26;

interface Props {
  run: string;
  /** the run goes on */
  moving: boolean;
  steps: RunStep[];
  /** the step that is selected, if one is */
  step: RunStep | undefined;
  onStep(key: string): void;
}

/** Shows the log of a run. */
export function LogsTab({ run, moving, steps, step, onStep }: Props) {
  const level = levels.includes(param("level") as (typeof levels)[number]) ? param("level") : "debug";
  const text = param("lines");
  const [chosen, setChosen] = useState("");
  const log = useLines(run, step && idsOf(step), level, true);
  const names = useMemo(() => new Map(steps.flatMap((s) => (s.n > 0 ? idsOf(s).map((id) => [id, s] as const) : []))), [steps]);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = useMemo(() => (words.length === 0 ? log.lines : log.lines.filter((l) => matches(l, words, nameOf(l, names)))), [log.lines, text, names]);
  const at = rows.findIndex((l) => lineKey(l) === chosen);
  const line = rows[at];
  const where = line && names.get(line.step);
  return (
    <div class="split">
      <div class="hist-frame">
        <div class="tl-bar">
          <input type="search" class="input" placeholder="Filter lines" aria-label="Filter lines by text" value={text} onInput={(e) => setParams({ lines: e.currentTarget.value })} />
          <label class="log-level">
            At least <select aria-label="Least level" value={level} onChange={(e) => setParams({ level: e.currentTarget.value === "debug" ? undefined : e.currentTarget.value })}>{levels.map((l) => <option key={l}>{l}</option>)}</select>
          </label>
          {step && <button type="button" class="chip" title="Show the lines of all steps" onClick={() => onStep("")}>only {title(step)} ✕</button>}
          <span class="dim" role="status">{log.loading && rows.length === 0 ? "Loading…" : `${rows.length.toLocaleString("en")} line${rows.length === 1 ? "" : "s"}`}</span>
          {log.more && <button type="button" class="quiet" onClick={log.older}>Older lines</button>}
          {rows.length > 0 && <button type="button" class="quiet" onClick={() => save(`${run}-log.json`, JSON.stringify(rows, null, 1))}>Download JSON</button>}
        </div>
        {log.error && <p class="error">{log.error}</p>}
        {rows.length === 0 && !log.loading ? (
          log.lines.length > 0 ? <p class="dim">No line matches.</p> : (
            <Empty title={step || level !== "debug" ? "No line matches" : "Nothing was logged"}>
              <p>What <code>perdure.Logger(ctx)</code> writes in activities and tools, and <code>ctx.Logger()</code> in orchestrations, stands here: the newest 256 lines of each step.</p>
              {moving && <p>Lines appear as they come.</p>}
            </Empty>
          )
        ) : <Rows rows={rows} at={at} names={names} onChoose={(l) => setChosen(l ? lineKey(l) : "")} />}
      </div>
      {line && (
        <aside class="inspector" aria-label="Line of the log">
          <header class="inspector-head">
            <h2>{nameOf(line, names)}</h2>
            <button type="button" class="quiet" aria-label="Close the line" onClick={() => setChosen("")}>✕</button>
          </header>
          <p class="dim"><LevelName level={line.level} /> · {absolute(Date.parse(line.time), utc.value)}{line.attempt ? ` · attempt ${line.attempt}` : ""}{line.worker ? ` · on ${line.worker}` : ""}</p>
          <pre class="code log-message">{line.message}</pre>
          {line.attrs !== undefined && <JsonView value={line.attrs} label="attributes" />}
          {where && <p><button type="button" class="quiet" onClick={() => setParams({ tab: undefined, step: keyOf(where) }, false)}>Show the step in the timeline</button></p>}
        </aside>
      )}
    </div>
  );
}

function Rows({ rows, at, names, onChoose }: { rows: LogLine[]; at: number; names: Map<number, RunStep>; onChoose(l: LogLine | undefined): void }) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState(0);
  const follows = useRef(true); // the end is seen, and stays so
  const window = visible(scroll, size.height, rowHeight, rows.length, 12);
  useLayoutEffect(() => {
    if (box.current && follows.current) box.current.scrollTop = box.current.scrollHeight;
  }, [rows.length, size.height]);
  useEffect(() => {
    if (box.current && at >= 0) box.current.scrollTop = reveal(box.current.scrollTop, size.height, rowHeight, at);
  }, [at]);
  const onScroll = (e: Event) => {
    const el = e.currentTarget as HTMLElement;
    follows.current = el.scrollTop + el.clientHeight >= el.scrollHeight - rowHeight;
    setScroll(stepped(el.scrollTop, rowHeight));
  };
  const onKey = (e: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -rows.length, End: rows.length }[e.key];
    if (by === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    onChoose(rows[Math.max(0, Math.min(rows.length - 1, (at < 0 ? window.last - 1 : at) + by))]);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>("[aria-selected=true]")?.focus({ preventScroll: true }));
  };
  const tabbable = at >= 0 ? at : Math.min(rows.length - 1, Math.max(window.first, Math.ceil(scroll / rowHeight)));
  return (
    <div class="hist log" ref={box} role="grid" aria-label="Log of the run" aria-rowcount={rows.length} onScroll={onScroll} onKeyDown={onKey}>
      <div class="tl-rows" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(window.first, window.last).map((l, i) => {
          const index = window.first + i;
          return (
            <div key={lineKey(l)} class={`log-row is-${levels[rank(l.level)] ?? "info"}` + (index === at ? " selected" : "")} role="row" aria-rowindex={index + 1} aria-selected={index === at} tabIndex={index === tabbable ? 0 : -1}
              style={{ top: `${index * rowHeight}px` }} onClick={() => onChoose(index === at ? undefined : l)} onKeyDown={(e) => { if (e.key === "Enter") onChoose(l); }}>
              <span role="gridcell" class="log-time" title={absolute(Date.parse(l.time), utc.value)}>{absolute(Date.parse(l.time), utc.value).slice(11, 23)}</span>
              <span role="gridcell"><LevelName level={l.level} /></span>
              <span role="gridcell" class="log-from">{nameOf(l, names)}{(l.attempt ?? 0) > 1 && <span class="dim"> ×{l.attempt}</span>}</span>
              <span role="gridcell" class="log-text">{l.message}{l.attrs !== undefined && <span class="dim log-attrs"> {brief(l.attrs)}</span>}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** A level, as a word and a colour. */
function LevelName({ level }: { level: string }) {
  return <span class={`log-name is-${levels[rank(level)] ?? "info"}`}>{level}</span>;
}

function nameOf(l: LogLine, names: Map<number, RunStep>): string {
  if (l.step === 0) return l.name;
  const step = names.get(l.step);
  return step ? title(step) : l.name;
}

function matches(l: LogLine, words: string[], name: string): boolean {
  const text = `${l.level} ${name} ${l.message} ${l.attrs === undefined ? "" : JSON.stringify(l.attrs)}`.toLowerCase();
  return words.every((w) => text.includes(w));
}

/** Attributes on one line: a=1 b.c="x" */
function brief(attrs: unknown, under = ""): string {
  if (attrs === null || typeof attrs !== "object" || Array.isArray(attrs)) return under ? `${under}=${JSON.stringify(attrs)}` : JSON.stringify(attrs);
  return Object.entries(attrs).map(([k, v]) => brief(v, under ? `${under}.${k}` : k)).join(" ");
}

/** The newest lines of a step, in the inspector; nothing if it has logged nothing. */
export function StepLog({ run, step, onAll }: { run: string; step: RunStep; onAll(): void }) {
  const few = 8;
  const log = useLines(run, idsOf(step), "debug", step.status === "open" || step.status === "retrying");
  if (log.lines.length === 0) return null;
  return (
    <section class="step-log" aria-label="Log of the step">
      <h3>Log <button type="button" class="quiet" onClick={onAll}>{log.lines.length > few ? `All ${log.lines.length} lines` : "Open in the log"}</button></h3>
      <ul class="plain">
        {log.lines.slice(-few).map((l) => (
          <li key={lineKey(l)} class={`is-${levels[rank(l.level)] ?? "info"}`}>
            <span class="dim log-time">{absolute(Date.parse(l.time), utc.value).slice(11, 23)}</span> <LevelName level={l.level} /> {l.message}
            {l.attrs !== undefined && <span class="dim"> {brief(l.attrs)}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
