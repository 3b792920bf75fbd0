import { useState } from "preact/hooks";
import type { InfoItems } from "../api";
import { useQuery } from "../lib/api";
import { chooseUTC, duration, utc } from "../lib/format";
import { useInfo } from "../lib/info";
import { chooseLetters, lettersOn } from "../lib/keys";
import { links } from "../lib/router";
import { setTheme, theme } from "../lib/chosentheme";
import type { Theme } from "../lib/theme";
import { Command } from "../parts/Command";
import { NumberTable } from "../parts/NumberTable";
import { Problem } from "../parts/Problem";

const libraries: [string, string, string][] = [
  ["Preact", "MIT", "github.com/preactjs/preact"],
  ["@preact/signals and signals-core", "MIT", "github.com/preactjs/signals"],
  ["marked", "MIT", "github.com/markedjs/marked"],
];
const kept = ["completed", "failed", "terminated", "canceled"];

/** What models cost, as costs and budgets are counted. */
function Prices() {
  const agents = useQuery<InfoItems>("agents");
  const list = agents.data?.items ?? [];
  const usd = (n: number | undefined) => (n === undefined ? "–" : "$" + n);
  return (
    <section class="card wide" aria-labelledby="s-prices">
      <h2 id="s-prices">Prices</h2>
      {agents.data && list.length === 0 && <p class="dim">No agent is registered.</p>}
      {list.length > 0 && (
        <>
          <p>US dollars for a million tokens, as costs and budgets count them:</p>
          <NumberTable label="Prices" words={2} heads={["Agent", "Model", "In", "Cached", "Out"]}
            rows={list.map((a) => ({
              key: a.name,
              cells: [
                <a href={links.agent(a.name)}>{a.name}</a>, a.model ?? "not told",
                ...(a.price ? [usd(a.price.Input), usd(a.price.CachedInput ?? a.price.Input), usd(a.price.Output)] : [<span class="dim">not known</span>, "", ""]),
              ],
            }))} />
        </>
      )}
      <p class="dim">They are the providers' list prices unless an agent has its own (Agent.Prices). Calls without a price count as tokens only.</p>
    </section>
  );
}

/** How this browser shows things, and how the server is set. */
export function Settings() {
  const info = useInfo();
  const i = info.data;
  return (
    <section class="page">
      <h1>Settings</h1>
      {info.error && <Problem error={info.error} retry={info.refetch} />}
      <div class="columns">
        <section class="card" aria-labelledby="s-browser">
          <h2 id="s-browser">This browser</h2>
          <label class="field">
            Theme
            <select
              value={theme.value}
              onChange={(e) => {
                const t = e.currentTarget.value as Theme;
                setTheme(t);
              }}
            >
              <option value="system">As the system</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </select>
          </label>
          <label class="field row">
            <input type="checkbox" checked={utc.value} onChange={(e) => chooseUTC(e.currentTarget.checked)} /> Times in UTC
          </label>
          <label class="field row">
            <input type="checkbox" checked={lettersOn.value} onChange={(e) => chooseLetters(e.currentTarget.checked)} /> Single letters are keys
          </label>
        </section>
        <section class="card" aria-labelledby="s-retention">
          <h2 id="s-retention">Retention</h2>
          <p>How long runs are kept after their end, as the server was started:</p>
          <ul class="plain">
            {i &&
              kept.map((status) => {
                const ms = i.retention?.[status];
                return (
                  <li key={status}>
                    <span>{status}</span> <strong>{ms ? duration(ms) : "for ever"}</strong>
                  </li>
                );
              })}
          </ul>
          <p class="dim">It is set with</p>
          <Command text="--retention completed=30d,failed=365d" />
        </section>
        <section class="card" aria-labelledby="s-server">
          <h2 id="s-server">Server</h2>
          {i && (
            <dl class="traits">
              {([["Version", i.version], ["Hub", i.hub], ["Store", i.store], ["Data", i.data], ["Model", i.model], ["You are", `${i.caller.name} (${i.caller.role})`], ["Changes", i.read_only ? "refused: it is read-only" : i.caller.writes ? "allowed" : "not with this token"]] as const).map(
                ([name, value]) =>
                  value && (
                    <div key={name}>
                      <dt>{name}</dt>
                      <dd>{value}</dd>
                    </div>
                  ),
              )}
            </dl>
          )}
          {i && (
            <>
              <p class="dim">Workers and SDKs connect with</p>
              <Command text={i.connection_string} />
            </>
          )}
        </section>
        <section class="card" aria-labelledby="s-links">
          <h2 id="s-links">Links</h2>
          {i && Object.keys(i.links ?? {}).length === 0 && <p>Runs have no links to other systems, such as to traces or to an order that a tag names.</p>}
          <ul class="plain">
            {Object.entries(i?.links ?? {}).map(([field, pattern]) => (
              <li key={field}>
                <span class="tag">{field}</span> <code title={pattern}>{pattern}</code>
              </li>
            ))}
          </ul>
          <p class="dim">They are set with</p>
          <Command text={"--link 'trace=https:" + "//jaeger.example.com/trace/{value}'"} />
        </section>
        <Prices />
        <section class="card" aria-labelledby="s-licences">
          <h2 id="s-licences">Licences</h2>
          <p>Perdure is under the Apache License 2.0. This dashboard uses:</p>
          <ul class="plain">
            {libraries.map(([name, licence, home]) => (
              <li key={name}>
                <span>{name}</span> <span class="tag">{licence}</span> <span class="dim">{home}</span>
              </li>
            ))}
          </ul>
        </section>
      </div>
    </section>
  );
}
