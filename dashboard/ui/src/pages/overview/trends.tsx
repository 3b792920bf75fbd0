import { useEffect, useState } from "preact/hooks";
import type { SeriesPage, SeriesPoint } from "../../api";
import { query, useQuery } from "../../lib/api";
import { cost, count, utc } from "../../lib/format";
import { plotHeight as height, plotPath as path, plotWidth as width, roof } from "../../lib/plot";

/** How often it is read anew while it is seen. */
const every = 30_000;

/** Throughput and failures of the last hour, and what models took today. */
export function Trends() {
  const [midnight, setMidnight] = useState(startOfDay(utc.value));
  const hour = useQuery<SeriesPage>("series?from=-1h");
  const today = useQuery<SeriesPage>("series" + query({ from: new Date(midnight).toISOString(), step: "24h" }));
  useEffect(() => {
    const again = () => {
      if (document.visibilityState === "visible") {
        setMidnight(startOfDay(utc.value));
        hour.refetch();
        today.refetch();
      }
    };
    const timer = setInterval(again, every);
    return () => clearInterval(timer);
  }, [hour.refetch, today.refetch]);
  if (!hour.data || !today.data) {
    return null; // not counted in this hub, or not yet read
  }
  const { points, total } = hour.data;
  const spent = today.data.total;
  return (
    <ul class="tiles trends" aria-label="The last hour and today">
      <Trend words="completed, last hour" tone="good" points={points} of={(p) => p.completed} total={count(total.completed)} />
      <Trend words="failed, last hour" tone="bad" points={points} of={(p) => p.failed} total={count(total.failed)} />
      <Trend words="tokens today" tone="active" points={points} of={(p) => p.tokens_in + p.tokens_out} total={count(spent.tokens_in + spent.tokens_out)} />
      <Trend words="cost today" tone="person" points={points} of={(p) => p.cost_micros} total={spent.cost_micros ? cost(spent.cost_micros) : "$0"} />
    </ul>
  );
}

/** A number with its last hour as a line. */
function Trend({ words, tone, points, of, total }: { words: string; tone: string; points: SeriesPoint[]; of: (p: SeriesPoint) => number; total: string }) {
  const values = points.map(of);
  return (
    <li>
      <a class="tile" href="charts" title="Runs, and turns of agents">
        <span class="tile-n num">{total}</span>
        <span class="dim">{words}</span>
        <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <path class={"line tone-" + tone} d={path(values, roof(Math.max(...values)))} />
        </svg>
      </a>
    </li>
  );
}

/** When the day began that is shown as today. */
function startOfDay(inUTC: boolean): number {
  const d = new Date();
  return inUTC ? d.setUTCHours(0, 0, 0, 0) : d.setHours(0, 0, 0, 0);
}
