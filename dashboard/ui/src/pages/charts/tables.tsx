import type { SeriesPage } from "../../api";
import { cost, count, duration } from "../../lib/format";
import { links } from "../../lib/router";

/** What was counted by name: runs, steps and models. */
export function Tables({ page }: { page: SeriesPage }) {
  const since = ` created>=${page.from}`;
  return (
    <div class="columns full">
      <section class="card" aria-labelledby="by-name">
        <h2 id="by-name">Runs by name</h2>
        {page.runs.length === 0 && <p class="dim">No run began or ended in this time.</p>}
        {page.runs.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Runs by name as a table">
            <table class="plain-table">
              <thead>
                <tr>
                  <th>Name</th>
                  {["Started", "Completed", "Failed", "p50", "p90", "p99"].map((h) => (
                    <th key={h} class="num">
                      {h}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {page.runs.map((r) => (
                  <tr key={r.name + "\n" + (r.agent ?? "")}>
                    <td>
                      <a href={links.runs((r.agent ? `agent:${quoted(r.agent)}` : `name:${quoted(r.name)}`) + since)}>{r.agent ? `${r.agent} (turns)` : r.name}</a>
                    </td>
                    <td class="num">{count(r.started)}</td>
                    <td class="num">{count(r.completed)}</td>
                    <td class={"num" + (r.failed ? " bad" : "")}>{count(r.failed)}</td>
                    <Spread of={r.took} />
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <section class="card" aria-labelledby="slowest">
        <h2 id="slowest">Slowest steps</h2>
        {page.steps.length === 0 && <p class="dim">No step ended in this time.</p>}
        {page.steps.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Slowest steps as a table">
            <table class="plain-table">
              <thead>
                <tr>
                  <th>Step</th>
                  {["Attempts", "Failed", "Wait p90", "p50", "p90", "p99"].map((h) => (
                    <th key={h} class="num">
                      {h}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {page.steps.slice(0, 50).map((s) => (
                  <tr key={s.name}>
                    <td>{s.name}</td>
                    <td class="num">{count(s.completed + s.failed)}</td>
                    <td class={"num" + (s.failed ? " bad" : "")}>{count(s.failed)}</td>
                    <td class="num">{s.waited.count ? duration(s.waited.p90) : "–"}</td>
                    <Spread of={s.took} />
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <section class="card" aria-labelledby="by-model">
        <h2 id="by-model">Tokens and cost by agent and model</h2>
        {page.models.length === 0 && <p class="dim">No model was called in this time.</p>}
        {page.models.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Tokens and cost as a table">
            <table class="plain-table">
              <thead>
                <tr>
                  <th>Agent</th>
                  <th>Model</th>
                  {["Calls", "Failed", "Tokens in", "Cached", "Tokens out", "Cost"].map((h) => (
                    <th key={h} class="num">
                      {h}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {page.models.map((m) => (
                  <tr key={(m.agent ?? "") + "\n" + (m.model ?? "")}>
                    <td>{m.agent ? <a href={links.runs(`agent:${quoted(m.agent)}` + since)}>{m.agent}</a> : <span class="dim">none</span>}</td>
                    <td>{m.model ?? <span class="dim">not known</span>}</td>
                    <td class="num">{count(m.model_calls)}</td>
                    <td class={"num" + (m.model_errors ? " bad" : "")}>{count(m.model_errors)}</td>
                    <td class="num">{count(m.tokens_in)}</td>
                    <td class="num">{count(m.tokens_cached)}</td>
                    <td class="num">{count(m.tokens_out)}</td>
                    <td class="num">{m.cost_micros ? cost(m.cost_micros) : "–"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </div>
  );
}

function Spread({ of: s }: { of: SeriesPage["runs"][number]["took"] }) {
  return (
    <>
      {[s.p50, s.p90, s.p99].map((v, i) => (
        <td key={i} class="num">
          {s.count ? duration(v) : "–"}
        </td>
      ))}
    </>
  );
}

/** A value of the filter language. */
export const quoted = (v: string) => (/^[\w.-]+$/.test(v) ? v : `"${v.replaceAll(/["\\]/g, "\\$&")}"`);
