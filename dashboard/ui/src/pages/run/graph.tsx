// The graph of a run: its steps, agents, sub-agents and hand-offs. A file of its own,
// which is loaded when the tab is opened.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Graph, GraphNode } from "../../api";
import { path, query, useQuery } from "../../lib/api";
import { count } from "../../lib/format";
import { go, links } from "../../lib/router";
import { Empty } from "../../parts/Empty";
import { Problem } from "../../parts/Problem";
import { StepIcon } from "./icons";
import { curve, layered } from "./layered";
import { initials, voicesOf } from "./people";

const boxWidth = 188;
const boxHeight = 46;
const pad = 20;

export interface GraphProps {
  run: string;
  execution: string;
  /** of the run */
  version: number;
  /** Is told the step of this run that was chosen. */
  onStep(eventID: number): void;
}

/** Shows the graph of an execution. */
export function GraphTab({ run, execution, version, onStep }: GraphProps) {
  const { data, error, refetch } = useQuery<Graph>(path`runs/${run}/graph` + query({ execution }));
  const [zoom, setZoom] = useState(1);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const timer = setTimeout(refetch, 300);
    return () => clearTimeout(timer);
  }, [version]);
  // What is laid out depends on nodes and edges alone: while only states change, nothing moves.
  const shape = data ? data.nodes.map((n) => n.id).join(" ") + "|" + data.edges.map((e) => e.from + ">" + e.to).join(" ") : "";
  const layout = useMemo(() => layered((data?.nodes ?? []).map((n) => ({ id: n.id, width: boxWidth, height: boxHeight })), data?.edges ?? []), [shape]);
  const voices = useMemo(() => voicesOf((data?.nodes ?? []).filter((n) => n.kind === "agent").map((n) => n.name)), [shape]);
  const width = layout.width + 2 * pad;
  const height = layout.height + 2 * pad;
  useEffect(() => {
    if (box.current && shape) setZoom(Math.max(0.3, Math.min(1, box.current.clientWidth / width, Math.max(320, box.current.clientHeight) / height)));
  }, [shape]);
  if (error && !data) return <Problem error={error} retry={refetch} />;
  if (!data) return <p class="dim pad">Loading…</p>;
  if (data.nodes.length === 0) return <Empty title="No step yet" />;
  const open = (n: GraphNode) => {
    if (n.owner === run && n.event_id !== undefined && n.count === 1) onStep(n.event_id);
    else if (n.run) go(links.run(n.run));
    else if (n.owner !== run) go(links.run(n.owner) + (n.event_id === undefined ? "" : `?step=e${n.event_id}`));
  };
  return (
    <div class="graph-frame">
      <div class="tl-bar">
        <span class="dim">{data.grouped ? `${data.total.toLocaleString("en")} steps, grouped by name` : `${data.total} steps`}{data.partial ? "; more agents were called than are shown" : ""}</span>
        <span class="end row">
          <button type="button" class="quiet" aria-label="Smaller" onClick={() => setZoom((z) => Math.max(0.3, z / 1.25))}>−</button>
          <span class="num dim">{Math.round(zoom * 100)}%</span>
          <button type="button" class="quiet" aria-label="Larger" onClick={() => setZoom((z) => Math.min(2, z * 1.25))}>+</button>
        </span>
      </div>
      <div class="graph" ref={box} tabIndex={0} role="region" aria-label="Graph of the run">
        <svg width={width * zoom} height={height * zoom} viewBox={`${-pad} ${-pad} ${width} ${height}`}>
          {data.edges.map((e, i) => <path key={`${e.from} ${e.to} ${e.kind}`} class={`edge edge-${e.kind}`} d={curve(layout.links[i] ?? [])}><title>{`${e.kind}${e.count > 1 ? ` ×${e.count}` : ""}`}</title></path>)}
          {data.nodes.map((n) => {
            const at = layout.boxes.get(n.id);
            return at && <NodeBox key={n.id} node={n} x={at.x} y={at.y} voice={voices.get(n.name)} onOpen={() => open(n)} />;
          })}
        </svg>
      </div>
    </div>
  );
}

function NodeBox({ node: n, x, y, voice, onOpen }: { node: GraphNode; x: number; y: number; voice: number | undefined; onOpen(): void }) {
  const running = n.status === "open" && n.kind !== "timer" && n.kind !== "event" && n.kind !== "human";
  const label = `${n.name}, ${facts(n)}, ${n.kind}`; // the title of a drawing is its name for all who do not see it
  return (
    <g class={`node node-${n.kind} is-${n.status}${running ? " is-moving" : ""}${voice === undefined ? "" : ` voice-${voice}`}`} transform={`translate(${x} ${y})`} role="button" tabIndex={0} onClick={onOpen}
      onKeyDown={(e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); onOpen(); } }}>
      <title>{label}</title>
      {n.count > 1 && <rect class="node-back" x={4} y={4} width={boxWidth} height={boxHeight} rx={8} />}
      <rect class="node-box" width={boxWidth} height={boxHeight} rx={n.kind === "agent" ? 14 : 8} />
      {n.kind === "agent" ? <g class="node-agent" aria-hidden="true"><circle cx={24} cy={boxHeight / 2} r={13} /><text x={24} y={boxHeight / 2 + 4} text-anchor="middle">{initials(n.name)}</text></g>
        : <svg x={14} y={boxHeight / 2 - 9} width={18} height={18} viewBox="0 0 16 16"><StepIcon kind={n.kind === "orchestration" ? "child" : n.kind === "human" ? "decision" : n.kind} status={n.status} bare /></svg>}
      <text class="node-name" aria-hidden="true" x={44} y={19}>{cut(n.name, 18)}</text>
      <text class="node-facts" aria-hidden="true" x={44} y={35}>{cut(facts(n), 24)}</text>
    </g>
  );
}

function facts(n: GraphNode): string {
  const parts = n.count > 1 ? [`${n.done ?? 0} of ${n.count} done`, n.failed ? `${n.failed} failed` : ""] : [n.status];
  if (n.tokens?.total) parts.push(`${count(n.tokens.total)} tok`);
  return parts.filter(Boolean).join(", ");
}

function cut(text: string, most: number): string {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}
