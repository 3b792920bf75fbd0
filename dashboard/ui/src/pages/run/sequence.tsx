// The sequence of a run as lifelines. A file of its own, which is loaded when the tab is
// opened.

import { useMemo, useRef, useState } from "preact/hooks";
import type { RunStep } from "../../api";
import { duration } from "../../lib/format";
import { Empty } from "../../parts/Empty";
import { save } from "./history";
import { sequenceOf, type Message, type Sequence } from "./messages";
import { keyOf } from "./model";
import { sequenceSVG } from "./sequencesvg";
import { useSize } from "./timeline";
import { stepped, visible } from "./window";

const rowHeight = 28;
const headHeight = 40;
const timeWidth = 76;

export interface SequenceProps {
  id: string;
  name: string;
  steps: RunStep[];
  began: number;
  selected: string;
  onSelect(key: string): void;
}

/** Shows who told whom what. */
export function SequenceTab(p: SequenceProps) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState(0);
  const sequence = useMemo(() => sequenceOf(p.steps, p.name), [p.steps, p.name]);
  const { lines, messages } = sequence;
  const gap = Math.max(128, Math.min(260, (size.width - timeWidth - 20) / lines.length));
  const width = timeWidth + gap * lines.length;
  const window = visible(scroll, Math.max(0, size.height - headHeight), rowHeight, messages.length);
  const at = (line: number) => timeWidth + gap * line + gap / 2;
  if (messages.length === 0) return <Empty title="Nothing was said yet" />;
  return (
    <div class="seq-frame">
      <div class="tl-bar">
        <span class="dim">{messages.length.toLocaleString("en")} messages between {lines.length}</span>
        <button type="button" class="quiet end" onClick={() => save(`${p.id}-sequence.svg`, sequenceSVG(sequence, p.began), "image/svg+xml")}>Export SVG</button>
      </div>
      <div class="seq" ref={box} role="grid" aria-label="Messages by time" aria-rowcount={messages.length + 1} onScroll={(e) => setScroll(stepped(e.currentTarget.scrollTop, rowHeight))}>
        <div class="seq-head" role="row" aria-rowindex={1} style={{ width: `${width}px` }}>
          <span role="columnheader" class="seq-time" style={{ width: `${timeWidth}px` }}>Time</span>
          {lines.map((l, i) => <span key={l.key} role="columnheader" class={`seq-line kind-${l.kind}`} style={{ left: `${at(i) - gap / 2 + 6}px`, width: `${gap - 12}px` }} title={`${l.kind}: ${l.label}`}>{l.label}</span>)}
        </div>
        <div class="tl-rows" role="rowgroup" style={{ height: `${messages.length * rowHeight}px`, width: `${width}px` }}>
          <div class="seq-lines" aria-hidden="true">{lines.map((l, i) => <i key={l.key} style={{ left: `${at(i)}px` }} />)}</div>
          {messages.slice(window.first, window.last).map((m, i) => {
            const step = p.steps[m.step]!;
            const key = keyOf(step);
            return <Row key={window.first + i} index={window.first + i} message={m} sequence={sequence} at={at} began={p.began} selected={key === p.selected} onSelect={() => p.onSelect(key)} />;
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  index: number;
  message: Message;
  sequence: Sequence;
  at(line: number): number;
  began: number;
  selected: boolean;
  onSelect(): void;
}

function Row({ index, message: m, sequence, at, began, selected, onSelect }: RowProps) {
  const [from, to] = [at(m.from), at(m.to)];
  const self = m.from === m.to;
  const left = Math.min(from, to);
  const names = `${sequence.lines[m.from]?.label} to ${sequence.lines[m.to]?.label}`;
  const classes = ["seq-arrow", m.answer && "is-answer", m.failed && "is-failed", m.open && "is-open", self && "is-self", to < from && "is-left"].filter(Boolean).join(" ");
  return (
    <div class={"seq-row" + (selected ? " selected" : "")} role="row" aria-rowindex={index + 2} aria-selected={selected} tabIndex={selected || index === 0 ? 0 : -1} aria-label={`${names}: ${m.text || (m.answer ? "done" : "")}${m.failed ? ", failed" : ""}`} style={{ top: `${index * rowHeight}px` }} onClick={onSelect}
      onKeyDown={(e) => { if (e.key === "Enter") onSelect(); }}>
      <span role="gridcell" class="seq-time num" style={{ width: `${timeWidth}px` }}>+{duration(Math.max(0, m.time - began))}</span>
      <span role="gridcell" class={classes} style={{ left: `${left}px`, width: `${self ? 34 : Math.abs(to - from)}px` }}><span class="seq-text">{m.text}</span></span>
    </div>
  );
}
