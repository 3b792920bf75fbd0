// How many runs were created when, and a range of that to look at.
import { useRef, useState } from "preact/hooks";
import type { Histogram as Counts } from "../../api";
import { query, useQuery } from "../../lib/api";
import { absolute, clock, now, utc } from "../../lib/format";
import { setParams } from "../../lib/router";
import { announce } from "../../parts/Announcer";
import { Problem } from "../../parts/Problem";
import { within } from "./range";

const height = 44;
const tones: [string, string[]][] = [
  ["bad", ["failed"]],
  ["good", ["completed"]],
  ["active", ["pending", "running", "suspended"]],
  ["neutral", ["terminated", "canceled"]],
];

/** Bars of runs by when they were created. A range of them, drawn or by keys, becomes a part of the filter. */
export function Histogram({ filter }: { filter: string }) {
  const counts = useQuery<Counts>("run-histogram" + query({ filter }));
  const [range, setRange] = useState<[number, number]>(); // buckets, the second is where it was drawn to
  const drawing = useRef(false);
  const h = counts.data;
  if (!h || h.total === 0) {
    return counts.error && counts.error.status !== 400 ? <Problem error={counts.error} retry={counts.refetch} /> : null;
  }
  const n = h.buckets.length;
  const sums = h.buckets.map((b) => Object.values(b).reduce((a, x) => a + x, 0));
  const top = Math.max(...sums);
  const from = Date.parse(h.from);
  const at = (bucket: number) => from + bucket * h.step_ms;
  const bucketAt = (e: PointerEvent) => {
    const box = (e.currentTarget as Element).getBoundingClientRect();
    return Math.max(0, Math.min(n - 1, Math.floor(((e.clientX - box.left) / box.width) * n)));
  };
  const [first, last] = range ? [Math.min(...range), Math.max(...range)] : [0, n - 1];
  const inRange = sums.slice(first, last + 1).reduce((a, x) => a + x, 0);
  const said = `${clock(at(first), now.peek(), utc.value)} to ${clock(at(last + 1), now.peek(), utc.value)}: ${inRange.toLocaleString("en")} runs`;
  const apply = () => {
    if (range) {
      setRange(undefined);
      setParams({ filter: within(filter, new Date(at(first)), new Date(at(last + 1))), at: undefined }, false);
      announce(`Filtered to ${said}`);
    }
  };
  const key = (e: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[e.key];
    if (step !== undefined) {
      e.preventDefault();
      const [a, b] = range ?? [step > 0 ? -1 : n, step > 0 ? -1 : n];
      const to = Math.max(0, Math.min(n - 1, b + step));
      setRange(e.shiftKey && range ? [a, to] : [to, to]);
    } else if (e.key === "Enter" && range) {
      e.preventDefault();
      e.stopPropagation();
      apply();
    } else if (e.key === "Escape" && range) {
      e.preventDefault();
      e.stopPropagation();
      setRange(undefined);
    }
  };
  return (
    <figure class="histogram">
      <div
        role="slider"
        tabIndex={0}
        aria-label="Runs by when they were created. Arrows choose a time, with Shift a range, Enter filters."
        aria-valuemin={0}
        aria-valuemax={n - 1}
        aria-valuenow={range ? range[1] : 0}
        aria-valuetext={said}
        onKeyDown={key}
        onPointerDown={(e) => {
          drawing.current = true;
          e.currentTarget.setPointerCapture(e.pointerId);
          const b = bucketAt(e);
          setRange([b, b]);
        }}
        onPointerMove={(e) => drawing.current && setRange((r) => [r?.[0] ?? 0, bucketAt(e)])}
        onPointerUp={() => {
          drawing.current = false;
          apply();
        }}
        onPointerCancel={() => {
          drawing.current = false;
          setRange(undefined);
        }}
      >
        <svg viewBox={`0 0 ${n} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          {range && <rect class="brush" x={first} y={0} width={last - first + 1} height={height} />}
          {h.buckets.map((b, i) => {
            let y = height;
            return tones.map(([tone, states]) => {
              const count = states.reduce((sum, s) => sum + (b[s] ?? 0), 0);
              const tall = (count / top) * (height - 2);
              y -= tall;
              return count === 0 ? null : <rect key={tone + i} class={"bar-" + tone} x={i + 0.1} width={0.8} y={y} height={tall} />;
            });
          })}
        </svg>
      </div>
      <figcaption class="dim num">
        <span title={absolute(at(0), utc.value)}>{clock(at(0), now.value, utc.value)}</span>
        <span>
          {range ? said : `${h.total.toLocaleString("en")} runs`}
          {!h.exact && ", the newest only"}
        </span>
        <span title={absolute(Date.parse(h.to), utc.value)}>{clock(Date.parse(h.to), now.value, utc.value)}</span>
      </figcaption>
    </figure>
  );
}
