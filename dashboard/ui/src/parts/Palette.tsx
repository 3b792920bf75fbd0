import { useEffect, useRef, useState } from "preact/hooks";
import type { AgentInfo, InfoItems, RunPage } from "../api";
import { get, query } from "../lib/api";
import { useKeys } from "../lib/keys";
import { go, links } from "../lib/router";
import { Dialog } from "./Dialog";

interface Entry {
  title: string;
  hint: string;
  run: () => void;
}

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

/** Goes to any place, agent or run by a few letters: Ctrl or ⌘ K. */
export function Palette() {
  const [open, setOpen] = useState(false);
  useKeys({
    "Mod-k": (e) => {
      e.preventDefault();
      setOpen(true);
    },
  });
  return open ? <Search onClose={() => setOpen(false)} /> : null;
}

function Search({ onClose }: { onClose: () => void }) {
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
    ...places.filter(([t]) => has(t)).map(([t, p]) => ({ title: t, hint: "page", run: () => go(p) })),
    ...agents.filter((a) => has(a.name)).map((a) => ({ title: a.name, hint: "agent", run: () => go(links.agent(a.name)) })),
    ...runs,
    ...(text ? [{ title: `Runs that match ${text}`, hint: "filter", run: () => go(links.runs(text)) }] : []),
  ];
  const chosen = Math.min(at, entries.length - 1);
  const choose = (e: Entry | undefined) => {
    if (e) {
      onClose();
      e.run();
    }
  };
  return (
    <Dialog title="Go to" onClose={onClose}>
      <input
        ref={box}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette"
        aria-activedescendant={chosen >= 0 ? "palette-" + chosen : undefined}
        aria-label="Page, agent or run"
        placeholder="A page, an agent, a run…"
        value={text}
        onInput={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(e) => {
          const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
          if (step) {
            e.preventDefault();
            setAt((chosen + step + entries.length) % Math.max(1, entries.length));
          } else if (e.key === "Enter") {
            e.preventDefault();
            choose(entries[chosen]);
          }
        }}
      />
      <ul class="palette" role="listbox" id="palette" aria-label="Places">
        {entries.slice(0, 12).map((e, i) => (
          <li key={e.title + e.hint} role="option" id={"palette-" + i} aria-selected={i === chosen} onClick={() => choose(e)}>
            <span>{e.title}</span>
            <span class="dim">{e.hint}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
