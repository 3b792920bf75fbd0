import type { ComponentChildren } from "preact";
import type { SeriesPage } from "../../api";
import { cost, count, duration } from "../../lib/format";
import { links } from "../../lib/router";
import { type NumberRow, NumberTable } from "../../parts/NumberTable";

/** What was counted by name: runs, steps and models. Names open the runs behind them. */
export function Tables({ page }: { page: SeriesPage }) {
  const since = ` created>=${page.from}`;
  return (
    <div class="columns full">
      <Card id="by-name" title="Runs by name" empty="No run began or ended in this time." heads={["Name", "Started", "Completed", "Failed", ...percentiles]}
        rows={page.runs.map((r) => ({
          key: r.name + "\n" + (r.agent ?? ""),
          cells: [
            <a href={links.runs((r.agent ? `agent:${quoted(r.agent)}` : `name:${quoted(r.name)}`) + since)}>{r.agent ? `${r.agent} (turns)` : r.name}</a>,
            count(r.started), count(r.completed), <Bad n={r.failed} />, ...spread(r.took),
          ],
        }))} />
      <Card id="slowest" title="Slowest steps" empty="No step ended in this time." heads={["Step", "Attempts", "Failed", "Wait p90", ...percentiles]}
        rows={page.steps.slice(0, 50).map((s) => ({
          key: s.name,
          cells: [
            <a href={links.runs(`step:${quoted(s.name)}`)} title="Runs that are at this step now">{s.name}</a>,
            count(s.completed + s.failed), <Bad n={s.failed} />, s.waited.count ? duration(s.waited.p90) : "–", ...spread(s.took),
          ],
        }))} />
      <Card id="by-model" title="Tokens and cost by agent and model" empty="No model was called in this time." words={2} heads={["Agent", "Model", "Calls", "Failed", "Tokens in", "Cached", "Tokens out", "Cost"]}
        rows={page.models.map((m) => ({
          key: (m.agent ?? "") + "\n" + (m.model ?? ""),
          cells: [
            m.agent ? <a href={links.runs(`agent:${quoted(m.agent)}` + since)}>{m.agent}</a> : <span class="dim">none</span>,
            m.model ? <a href={links.runs((m.agent ? `agent:${quoted(m.agent)} ` : "") + `model:${quoted(m.model)}` + since)}>{m.model}</a> : <span class="dim">not known</span>,
            count(m.model_calls), <Bad n={m.model_errors} />, count(m.tokens_in), count(m.tokens_cached), count(m.tokens_out), m.cost_micros ? cost(m.cost_micros) : "–",
          ],
        }))} />
    </div>
  );
}

const percentiles = ["p50", "p90", "p99"];

function Card({ id, title, empty, heads, words, rows }: { id: string; title: string; empty: string; heads: string[]; words?: number; rows: NumberRow[] }) {
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {rows.length === 0 ? <p class="dim">{empty}</p> : <NumberTable label={title} heads={heads} rows={rows} {...(words ? { words } : {})} />}
    </section>
  );
}

function Bad({ n }: { n: number }) {
  return <span class={n ? "bad" : ""}>{count(n)}</span>;
}

function spread(s: SeriesPage["runs"][number]["took"]): ComponentChildren[] {
  return [s.p50, s.p90, s.p99].map((v) => (s.count ? duration(v) : "–"));
}

/** A value of the filter language. */
export const quoted = (v: string) => (/^[\w.-]+$/.test(v) ? v : `"${v.replaceAll(/["\\]/g, "\\$&")}"`);
