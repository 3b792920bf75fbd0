import { useEffect, useRef, useState } from "preact/hooks";
import type { AgentInfo, InfoItems, Run, RunPage } from "../api";
import { get, path, query, useQuery } from "../lib/api";
import { setTheme } from "../lib/chosentheme";
import { chooseUTC, utc } from "../lib/format";
import { hindered } from "../lib/hindered";
import { useKeys } from "../lib/keys";
import { paused, unpause } from "../lib/live";
import { go, links, match, route } from "../lib/router";
import { runActions } from "../lib/runactions";
import { Dialog } from "./Dialog";
import { lazily } from "./Lazy";
import { StartDialog } from "./StartDialog";

const Acts = lazily(() => import("../pages/runs/acts").then((m) => m.Acts));

interface Entry {
  title: string;
  hint: string;
  run: () => void;
}

/** How many entries are listed. */
const most = 24;

const places: [string, string][] = [
  ["Overview", ""],
  ["Inbox", "inbox"],
  ["Runs", "runs"],
  ["Agents", "agents"],
  ["Entities", "entities"],
  ["Workers", "workers"],
  ["Charts", "charts"],
  ["Settings", "settings"],
];

/** What the palette leads to that has a dialog of its own. */
type Then = { start: true } | { act: string; run: string };

/** Goes to any place, agent or run by a few letters, or does something: Ctrl or ⌘ K. */
export function Palette({ onHelp }: { onHelp: () => void }) {
  const [open, setOpen] = useState(false);
  const [then, setThen] = useState<Then>();
  useKeys({
    "Mod-k": (e) => {
      e.preventDefault();
      setOpen(true);
    },
  });
  const close = () => setThen(undefined);
  return (
    <>
      {open && <Search onClose={() => setOpen(false)} onThen={setThen} onHelp={onHelp} />}
      {then && "start" in then && <StartDialog onClose={close} />}
      {then && "act" in then && (
        <Acts asked={{ id: then.run, action: then.act, at: { x: innerWidth / 3, y: 120 } }} onBack={() => undefined} onClose={close} onDone={close} onPurged={() => (close(), go("runs"))} />
      )}
    </>
  );
}

/** What can be done from everywhere, and to the run that is shown. */
function useActs(onThen: (t: Then) => void, onHelp: () => void): Entry[] {
  const id = match("runs/:id", route.value)?.["id"];
  const run = useQuery<Run>(id === undefined ? undefined : path`runs/${id}`).data;
  const off = hindered();
  const legal = off === "" && run ? runActions.filter(([a]) => run.actions.includes(a)) : [];
  return [
    ...legal.map(([act, label]) => ({ title: label, hint: "this run", run: () => onThen({ act, run: run?.id ?? "" }) })),
    ...(off === "" ? [{ title: "Start a run…", hint: "action", run: () => onThen({ start: true }) }] : []),
    ...(["light", "dark", "system"] as const).map((t) => ({ title: `Theme: ${t}`, hint: "action", run: () => setTheme(t) })),
    { title: utc.value ? "Times in local time" : "Times in UTC", hint: "action", run: () => chooseUTC(!utc.value) },
    paused.value ? { title: "Go on with what changes", hint: "action", run: unpause } : { title: "Pause what changes", hint: "action", run: () => void (paused.value = true) },
    { title: "Keys", hint: "action", run: onHelp },
  ];
}

function Search({ onClose, onThen, onHelp }: { onClose: () => void; onThen: (t: Then) => void; onHelp: () => void }) {
  const acts = useActs(onThen, onHelp);
  const [text, setText] = useState("");
  const [agents, setAgents] = useState<AgentInfo[]>([]);
  const [runs, setRuns] = useState<Entry[]>([]);
  const [at, setAt] = useState(0);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    box.current?.focus();
    get<InfoItems>("agents").then(
      (a) => setAgents(a.items),
      () => undefined,
    );
  }, []);
  useEffect(() => {
    if (text.length < 2) {
      setRuns([]);
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      get<RunPage>("runs" + query({ filter: JSON.stringify(text).replace(/^"|"$/g, "").includes(" ") ? JSON.stringify(text) : text, limit: 8 }), stop.signal).then(
        (p) => setRuns(p.items.map((r) => ({ title: r.name, hint: r.id, run: () => go(links.run(r.id)) }))),
        () => setRuns([]),
      );
    }, 80);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  const has = (s: string) => s.toLowerCase().includes(text.toLowerCase());
  const entries: Entry[] = [
    ...acts.filter((a) => has(a.title) && text !== ""),
    ...places.filter(([t]) => has(t)).map(([t, p]) => ({ title: t, hint: "page", run: () => go(p) })),
    ...agents.filter((a) => has(a.name)).map((a) => ({ title: a.name, hint: "agent", run: () => go(links.agent(a.name)) })),
    ...runs,
    ...acts.filter(() => text === ""),
    ...(text ? [{ title: `Runs that match ${text}`, hint: "filter", run: () => go(links.runs(text)) }] : []),
  ];
  const chosen = Math.min(at, entries.length - 1, most - 1);
  useEffect(() => document.getElementById("palette-" + chosen)?.scrollIntoView({ block: "nearest" }), [chosen]);
  const choose = (e: Entry | undefined) => {
    if (e) {
      onClose();
      e.run();
    }
  };
  return (
    <Dialog title="Go to, or do" onClose={onClose}>
      <input
        ref={box}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette"
        aria-activedescendant={chosen >= 0 ? "palette-" + chosen : undefined}
        aria-label="Page, agent, run or action"
        placeholder="A page, an agent, a run, an action…"
        value={text}
        onInput={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(e) => {
          const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
          if (step) {
            e.preventDefault();
            const n = Math.max(1, Math.min(most, entries.length));
            setAt((chosen + step + n) % n);
          } else if (e.key === "Enter") {
            e.preventDefault();
            choose(entries[chosen]);
          }
        }}
      />
      <ul class="palette" role="listbox" id="palette" aria-label="Places and actions">
        {entries.slice(0, most).map((e, i) => (
          <li key={e.title + e.hint} role="option" id={"palette-" + i} aria-selected={i === chosen} onClick={() => choose(e)}>
            <span>{e.title}</span>
            <span class="dim">{e.hint}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
