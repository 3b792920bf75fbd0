import { useState } from "preact/hooks";
import type { Info } from "../api";
import { useQuery } from "../lib/api";
import { chooseUTC, duration, utc } from "../lib/format";
import { chooseLetters, lettersOn } from "../lib/keys";
import { chooseTheme, initialTheme, type Theme } from "../lib/theme";
import { Command } from "../parts/Command";
import { Problem } from "../parts/Problem";

const libraries: [string, string, string][] = [
  ["Preact", "MIT", "https://github.com/preactjs/preact"],
  ["@preact/signals and signals-core", "MIT", "https://github.com/preactjs/signals"],
  ["marked", "MIT", "https://github.com/markedjs/marked"],
];
const kept = ["completed", "failed", "terminated", "canceled"];

/** How this browser shows things, and how the server is set. */
export function Settings() {
  const info = useQuery<Info>("info");
  const [theme, setTheme] = useState<Theme>(initialTheme());
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
              value={theme}
              onChange={(e) => {
                const t = e.currentTarget.value as Theme;
                chooseTheme(t);
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
