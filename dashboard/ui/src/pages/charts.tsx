import { useEffect } from "preact/hooks";
import type { SeriesPage, SeriesPoint, Spread } from "../api";
import type { PageProps } from "../app";
import { query, useQuery } from "../lib/api";
import { cost, count, duration } from "../lib/format";
import { links, param, setParams } from "../lib/router";
import { Problem } from "../parts/Problem";
import { Chart, shown, type Line } from "./charts/chart";
import { quoted, Tables } from "./charts/tables";

const ranges = [
  ["1h", "1 hour", "-1h"],
  ["6h", "6 hours", "-6h"],
  ["24h", "24 hours", "-24h"],
  ["7d", "7 days", "-168h"],
] as const;

/** How often the charts are read anew while they are seen. */
const every = 15_000;

/** How much goes on, how long it takes and what it costs, over time. */
export function Charts(_: PageProps) {
  const range = ranges.find(([key]) => key === param("range")) ?? ranges[0];
  const name = param("name");
  const series = useQuery<SeriesPage>("series" + query({ from: range[2], name }));
  const { refetch, data, error } = series;
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && refetch(), every);
    return () => clearInterval(timer);
  }, [refetch]);
  const names = [...new Set([...(data?.runs ?? []).map((r) => r.name), ...(name ? [name] : [])])].sort();
  return (
    <section class="page charts">
      <div class="page-head">
        <h1>Charts</h1>
        <div class="row">
          <label>
            <span class="dim">Runs of</span>{" "}
            <select value={name} onChange={(e) => setParams({ name: e.currentTarget.value })}>
              <option value="">all names</option>
              {names.map((n) => (
                <option key={n} value={n}>
                  {n}
                </option>
              ))}
            </select>
          </label>
          <div class="chips" role="group" aria-label="Time">
            {ranges.map(([key, words]) => (
              <button key={key} type="button" aria-pressed={key === range[0]} onClick={() => setParams({ range: key === "1h" ? undefined : key })}>
                {words}
              </button>
            ))}
          </div>
        </div>
      </div>
      {error && <Problem error={error} retry={refetch} />}
      {data && <Why page={data} range={range[1]} />}
      {data?.since && <All page={data} name={name} />}
    </section>
  );
}

/** Why there is little to see, if so. */
function Why({ page, range }: { page: SeriesPage; range: string }) {
  const { total } = page;
  if (!page.since) {
    return (
      <p class="card">
        Nothing was counted in this hub yet. Runs, steps and calls of models are counted when they begin and end, and are shown here some seconds later. <a href="runs">Start a run</a> to see
        the first.
      </p>
    );
  }
  if (total.started + total.completed + total.failed + total.stopped + total.steps > 0) {
    return null;
  }
  return (
    <p class="card">
      Nothing began or ended in the last {range}. There are counts since {shown(Date.parse(page.since))}; they are kept for {duration(page.kept_ms)}.
    </p>
  );
}

function All({ page, name }: { page: SeriesPage; name: string }) {
  const { points, total } = page;
  const times = points.map((p) => Date.parse(p.at));
  const frame = { times, end: Date.parse(page.to) };
  const line = (words: string, tone: string, dash: string | undefined, of: (p: SeriesPoint) => number | undefined, sum?: string): Line => ({
    name: words,
    tone,
    ...(dash ? { dash } : {}),
    values: points.map(of),
    ...(sum === undefined ? {} : { total: sum }),
  });
  const spread = (of: (p: SeriesPoint) => Spread): Line[] =>
    (["p50", "p90", "p99"] as const).map((q, i) =>
      line(q, ["good", "active", "person"][i] ?? "", ["", "6 3", "2 3"][i], (p) => (of(p).count ? of(p)[q] : undefined), of(total).count ? duration(of(total)[q]) : undefined),
    );
  const of = name && `name:${quoted(name)} `;
  const created = (from: string, to: string) => links.runs(`${of}created>=${from} created<${to}`);
  /** Runs that went on at some moment of the time. */
  const going = (more: string) => (from: string, to: string) => links.runs(`${of}${more}created<${to} (completed>=${from} or status:pending,running,suspended)`);
  const completed = (from: string, to: string) => links.runs(`${of}completed>=${from} completed<${to}`);
  return (
    <>
      <div class="columns wide">
        <Chart
          {...frame}
          title="Runs"
          format={count}
          href={created}
          empty="No run began or ended in this time."
          lines={[
            line("started", "active", "6 3", (p) => p.started, count(total.started)),
            line("completed", "good", undefined, (p) => p.completed, count(total.completed)),
            line("failed", "bad", "2 2", (p) => p.failed, count(total.failed)),
            line("stopped", "dim", "1 4", (p) => p.stopped, count(total.stopped)),
          ]}
        />
        <Chart {...frame} title="End to end" note="From the creation of a run to its end." format={duration} href={completed} empty="No run ended in this time." lines={spread((p) => p.took)} />
        <Chart
          {...frame}
          title="Schedule to start"
          note="How long steps wait until a worker takes them."
          format={duration}
          href={going("")}
          empty="No step ended in this time."
          lines={spread((p) => p.waited)}
        />
        <Chart
          {...frame}
          title="Steps"
          note="Attempts of activities, tools and calls of models."
          format={count}
          href={going("")}
          empty="No step ended in this time."
          lines={[line("ended", "active", undefined, (p) => p.steps, count(total.steps)), line("failed", "bad", "2 2", (p) => p.steps_failed, count(total.steps_failed))]}
        />
        <Chart {...frame} title="Store" note="How long commits take to be durable." format={duration} empty="Nothing was written in this time." lines={spread((p) => p.store)} />
        <Chart
          {...frame}
          title="Model calls"
          format={count}
          href={going("agent:* tokens>0 ")}
          empty="No model was called in this time."
          lines={[line("calls", "active", undefined, (p) => p.model_calls, count(total.model_calls)), line("errors", "bad", "2 2", (p) => p.model_errors, count(total.model_errors))]}
        />
        <Chart
          {...frame}
          title="Tokens"
          format={count}
          href={going("agent:* tokens>0 ")}
          empty="No model was called in this time."
          lines={[
            line("in", "active", undefined, (p) => p.tokens_in, count(total.tokens_in)),
            line("of these cached", "wait", "2 3", (p) => p.tokens_cached, count(total.tokens_cached)),
            line("out", "person", "6 3", (p) => p.tokens_out, count(total.tokens_out)),
          ]}
        />
        <Chart
          {...frame}
          title="Cost"
          format={cost}
          href={going("agent:* cost>0 ")}
          empty="No call with a known price in this time."
          lines={[line("US dollars", "good", undefined, (p) => p.cost_micros, cost(total.cost_micros))]}
        />
      </div>
      <Tables page={page} />
    </>
  );
}
