import { useEffect, useRef, useState } from "preact/hooks";
import type { CountsFrame, DecisionItems, RunCount, RunPage } from "../api";
import { get } from "../lib/api";
import { waitsForPerson } from "../lib/decisions";
import { nextTheme, setTheme, theme } from "../lib/chosentheme";
import { chooseUTC, utc } from "../lib/format";
import { useInfo } from "../lib/info";
import { linkState, paused, unpause, useTopic } from "../lib/live";
import { go } from "../lib/router";
import type { Theme } from "../lib/theme";
import { muchHappens, runsOf } from "../lib/counts";
import { useKeys } from "../lib/keys";
import { useSlowly } from "../lib/slowly";
import { Menu } from "./Menu";

const entries: [string, string, string][] = [
  ["", "Overview", "◉"],
  ["inbox", "Inbox", "◆"],
  ["runs", "Runs", "≡"],
  ["agents", "Agents", "✦"],
  ["entities", "Entities", "▣"],
  ["workers", "Workers", "⚙"],
  ["charts", "Charts", "∿"],
];

/** The rail at the left: pages with live counts, and what holds for all of them. */
export function Rail({ at, onHelp }: { at: string; onHelp: () => void }) {
  const info = useInfo();
  const [inbox, setInbox] = useState(0);
  const [events, setEvents] = useState(0); // runs that wait for an event of a person
  const [active, setActive] = useState(0);
  const before = useRef<RunCount[]>([]);
  const [agents, setAgents] = useState(false); // are served, and with them decisions
  const refresh = () => {
    get<DecisionItems>("decisions?state=pending&limit=100").then(
      (d) => (setInbox(d.items.length), setAgents(true)),
      () => undefined,
    );
  };
  const refreshEvents = () => {
    get<RunPage>("runs?limit=100&filter=phase:waiting_event&fields=phase,wait_name,agent").then(
      (p) => setEvents(p.items.filter(waitsForPerson).length),
      () => undefined,
    );
  };
  const rereadEvents = useSlowly(refreshEvents);
  useEffect(refresh, []);
  useTopic(agents ? "inbox" : undefined, undefined, refresh);
  useTopic("counts", undefined, (events) => {
    const last = events.at(-1);
    if (last?.kind === "counts") {
      const items = (last.data as CountsFrame).items;
      setActive(items.filter((c) => ["pending", "running", "suspended"].includes(c.status ?? "")).reduce((n, c) => n + c.count, 0));
      if (runsOf(items, "phase", "waiting_event") > 0) { // what they wait for may have changed, with the same count
        rereadEvents(muchHappens(before.current, items));
      } else {
        setEvents(0);
      }
      before.current = items;
    }
  });
  const counts: Record<string, number> = { inbox: inbox + events, runs: active };
  return (
    <nav class="rail" aria-label="Pages">
      <a class="brand" href=".">
        <span aria-hidden="true" class="mark">
          P
        </span>
        <span class="word">Perdure</span>
      </a>
      <ul>
        {entries.map(([path, title, icon]) => {
          const here = path === "" ? at === "" : at === path || at.startsWith(path + "/");
          const n = counts[path] ?? 0;
          return (
            <li key={path}>
              <a href={path || "."} aria-current={here ? "page" : undefined} title={title}>
                <span class="icon" aria-hidden="true">
                  {icon}
                </span>
                <span class="word">{title}</span>
                {n > 0 && (
                  <span class={"badge" + (path === "inbox" ? " hot" : "")} aria-label={`${n} ${path === "inbox" ? "things wait for you" : "in flight"}`}>
                    {n > 99 ? "99+" : n}
                  </span>
                )}
              </a>
            </li>
          );
        })}
      </ul>
      <div class="rail-foot">
        <Live />
        <More onHelp={onHelp} />
        <button type="button" class="quiet wide-only" onClick={() => chooseUTC(!utc.value)} aria-pressed={utc.value} title="Times in UTC or local">
          {utc.value ? "UTC" : "Local"}
        </button>
        <span class="wide-only"><ThemeButton /></span>
        <button type="button" class="quiet wide-only" onClick={onHelp} title="Keys (?)" aria-label="Help">
          ?
        </button>
        <a href="settings" class="settings-link wide-only" aria-current={at === "settings" ? "page" : undefined}>
          Settings
        </a>
        {info.data && (
          <small class="dim word" title={info.data.version}>
            {info.data.hub} · {info.data.store ?? ""}
          </small>
        )}
      </div>
    </nav>
  );
}

function Live() {
  const state = paused.value ? "paused" : linkState.value;
  const toggle = () => (paused.value ? unpause() : (paused.value = true));
  useKeys({ L: toggle });
  const words: Record<string, string> = { live: "Live", paused: "Paused", reconnecting: "Reconnecting", offline: "Offline", connecting: "Connecting" };
  return (
    <button type="button" class={"quiet live-" + state} onClick={toggle} title="Pause or go on (L)">
      <span aria-hidden="true" class="dot" />
      <span class="word">{words[state]}</span>
    </button>
  );
}

function ThemeButton() {
  const icons: Record<Theme, string> = { system: "◐", light: "☀", dark: "☾" };
  return (
    <button type="button" class="quiet" title={`Theme: ${theme.value}`} aria-label={`Theme: ${theme.value}`} onClick={() => setTheme(nextTheme[theme.value])}>
      {icons[theme.value]}
    </button>
  );
}

/** What has no room in the rail of a small screen. */
function More({ onHelp }: { onHelp: () => void }) {
  return (
    <div class="rail-more">
      <Menu
        label="More"
        items={[
          { label: "Settings", run: () => go("settings") },
          { label: utc.value ? "Times in local time" : "Times in UTC", run: () => chooseUTC(!utc.value) },
          { label: `Theme: ${nextTheme[theme.value]}`, run: () => setTheme(nextTheme[theme.value]) },
          { label: "Keys", run: onHelp },
        ]}
      >
        ⋯
      </Menu>
    </div>
  );
}
