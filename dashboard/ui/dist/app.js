// src/app.tsx
import { render } from "./core.js";
import { useEffect as useEffect12, useState as useState17 } from "./core.js";
import { Announcer } from "./core.js";
import { Rail } from "./core.js";
import { Help } from "./core.js";
import { Login } from "./core.js";
import { useKeys as useKeys7 } from "./core.js";
import { go as go7, match, route, startRouter } from "./core.js";
import { linkState as linkState2 } from "./core.js";

// src/pages/overview.tsx
import { useState } from "./core.js";
import { query, useQuery } from "./core.js";
import { useTopic } from "./core.js";
import { links } from "./core.js";
import { look, stateOf } from "./core.js";
import { Command } from "./core.js";
import { Problem } from "./core.js";
import { Status } from "./core.js";
import { Time } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
var states = ["running", "pending", "suspended", "failed", "completed", "terminated", "canceled"];
function Overview(_) {
  const counts = useQuery("run-counts?group=status,phase");
  const decisions = useQuery("decisions?state=pending&limit=5");
  const failed = useQuery("runs" + query({ filter: "status:failed completed>-1h", limit: 5 }));
  const stuck = useQuery("runs" + query({ filter: "phase:stuck", limit: 5 }));
  const recent = useQuery("runs?limit=12");
  const [seen, setSeen] = useState(false);
  useTopic("counts", void 0, (events) => {
    const e = events.at(-1);
    if (e?.kind === "counts") {
      const items = e.data.items;
      counts.set((c) => ({ exact: true, ...c, items, total: items.reduce((n, i) => n + i.count, 0) }));
      if (seen) {
        decisions.refetch();
        failed.refetch();
        stuck.refetch();
        recent.refetch();
      }
      setSeen(true);
    }
  });
  const of = (key2, v) => (counts.data?.items ?? []).filter((i) => i[key2] === v).reduce((n, i) => n + i.count, 0);
  const needs = (decisions.data?.items.length ?? 0) + (failed.data?.items.length ?? 0) + (stuck.data?.items.length ?? 0);
  return /* @__PURE__ */ jsxs("section", { class: "page", children: [
    /* @__PURE__ */ jsx("h1", { children: "Overview" }),
    counts.error && /* @__PURE__ */ jsx(Problem, { error: counts.error, retry: counts.refetch }),
    /* @__PURE__ */ jsx("ul", { class: "tiles", "aria-label": "Runs by status", children: states.map((s) => /* @__PURE__ */ jsx("li", { children: /* @__PURE__ */ jsxs("a", { class: "tile tone-" + look(s).tone, href: links.runs("status:" + s), children: [
      /* @__PURE__ */ jsx("span", { class: "tile-n num", children: of("status", s).toLocaleString("en") }),
      /* @__PURE__ */ jsx(Status, { state: s })
    ] }) }, s)) }),
    /* @__PURE__ */ jsxs("div", { class: "columns", children: [
      /* @__PURE__ */ jsxs("section", { class: "card", "aria-labelledby": "needs", children: [
        /* @__PURE__ */ jsx("h2", { id: "needs", children: "Needs you" }),
        needs === 0 && /* @__PURE__ */ jsx("p", { class: "dim", children: "Nothing waits for you. Paused runs hold no compute." }),
        /* @__PURE__ */ jsxs("ul", { class: "plain", children: [
          (decisions.data?.items ?? []).map((d) => /* @__PURE__ */ jsxs("li", { children: [
            /* @__PURE__ */ jsx(Status, { state: "waiting_approval", word: d.kind === "approval" ? "Approval" : d.kind.replaceAll("_", " ") }),
            " ",
            /* @__PURE__ */ jsx("a", { href: "inbox", children: d.tool ?? d.agent ?? d.run }),
            " ",
            /* @__PURE__ */ jsx(Time, { at: d.requested_at })
          ] }, d.id)),
          [...stuck.data?.items ?? [], ...failed.data?.items ?? []].map((r) => /* @__PURE__ */ jsxs("li", { children: [
            /* @__PURE__ */ jsx(Status, { state: stateOf(r) }),
            " ",
            /* @__PURE__ */ jsx("a", { href: links.run(r.id), children: r.name }),
            " ",
            /* @__PURE__ */ jsx("span", { class: "dim", children: r.error_text ?? r.phase_cause })
          ] }, r.id))
        ] })
      ] }),
      /* @__PURE__ */ jsxs("section", { class: "card", "aria-labelledby": "recent", children: [
        /* @__PURE__ */ jsx("h2", { id: "recent", children: "Recent runs" }),
        recent.data?.items.length === 0 && /* @__PURE__ */ jsxs(Fragment, { children: [
          /* @__PURE__ */ jsx("p", { children: "Three commands to begin with:" }),
          /* @__PURE__ */ jsx(Command, { text: "perdure agent chat Joker" }),
          /* @__PURE__ */ jsx(Command, { text: `perdure run start ContentApproval --input '"the moon"' --watch` }),
          /* @__PURE__ */ jsx(Command, { text: "perdure run list --watch" })
        ] }),
        /* @__PURE__ */ jsx("ul", { class: "plain", children: (recent.data?.items ?? []).map((r) => /* @__PURE__ */ jsxs("li", { children: [
          /* @__PURE__ */ jsx(Status, { state: stateOf(r) }),
          " ",
          /* @__PURE__ */ jsx("a", { href: links.run(r.id), children: r.name }),
          " ",
          /* @__PURE__ */ jsx(Time, { at: r.updated ?? r.created })
        ] }, r.id)) })
      ] })
    ] })
  ] });
}

// src/pages/runs.tsx
import { useEffect, useMemo, useRef, useState as useState2 } from "./core.js";
import { get, ProblemError, query as query2 } from "./core.js";
import { now } from "./core.js";
import { useKeys } from "./core.js";
import { newer, useTopic as useTopic2 } from "./core.js";
import { go, links as links2, param, setParams } from "./core.js";
import { stateOf as stateOf2 } from "./core.js";
import { announce } from "./core.js";
import { Command as Command2 } from "./core.js";
import { Copy } from "./core.js";
import { Empty } from "./core.js";
import { Problem as Problem2 } from "./core.js";
import { StartDialog } from "./core.js";
import { Status as Status2 } from "./core.js";
import { Table } from "./core.js";
import { Duration, Time as Time2 } from "./core.js";
import { Fragment as Fragment2, jsx as jsx2, jsxs as jsxs2 } from "./core.js";
var chips = [
  ["All", ""],
  ["In flight", "status:running,pending,suspended"],
  ["Waiting on me", "phase:waiting_approval"],
  ["Failed 24 h", "status:failed completed>-24h"],
  ["Retrying", "phase:retrying"],
  ["Stuck", "phase:stuck"]
];
var columns = [
  { id: "status", title: "Status", class: "w-status", cell: (r) => /* @__PURE__ */ jsx2(Status2, { state: stateOf2(r) }) },
  { id: "name", title: "Name", class: "w-name", cell: (r) => /* @__PURE__ */ jsx2("span", { title: r.name, children: r.name }) },
  {
    id: "id",
    title: "Id",
    class: "grow mono",
    cell: (r) => /* @__PURE__ */ jsxs2(Fragment2, { children: [
      /* @__PURE__ */ jsx2("a", { href: links2.run(r.id), title: r.id, tabIndex: -1, children: r.id }),
      /* @__PURE__ */ jsx2(Copy, { text: r.id, what: "id" })
    ] })
  },
  { id: "step", title: "Step", class: "w-step", cell: (r) => /* @__PURE__ */ jsx2(Step, { run: r }) },
  { id: "created", title: "Started", class: "w-time num", cell: (r) => /* @__PURE__ */ jsx2(Time2, { at: r.created }) },
  { id: "duration", title: "Duration", class: "w-time num", cell: (r) => /* @__PURE__ */ jsx2(Duration, { ms: r.duration_ms, from: r.started ?? r.created, to: r.completed }) },
  {
    id: "tags",
    title: "Tags",
    class: "w-tags",
    cell: (r) => Object.entries(r.tags ?? {}).map(([k, v]) => /* @__PURE__ */ jsxs2("span", { class: "tag", children: [
      k,
      "=",
      v
    ] }, k))
  }
];
function Step({ run }) {
  const text = run.error_text ?? run.phase_cause ?? run.wait_name ?? run.current_step ?? "";
  return /* @__PURE__ */ jsxs2("span", { class: run.error_text ? "bad" : "dim", title: text, children: [
    text,
    run.attempt !== void 0 && run.attempt > 1 && ` (attempt ${run.attempt})`
  ] });
}
var most = 2e3;
function Runs(_) {
  const filter = param("filter");
  const sort = param("sort");
  const [page, setPage] = useState2();
  const [shown, setShown] = useState2();
  const [rows, setRows] = useState2([]);
  const [fresh, setFresh] = useState2([]);
  const [error, setError] = useState2();
  const [loading, setLoading] = useState2(true);
  const [starting, setStarting] = useState2(false);
  const [round, setRound] = useState2(0);
  const stop = useRef(void 0);
  useEffect(() => {
    stop.current?.abort();
    const s = stop.current = new AbortController();
    setLoading(true);
    get("runs" + query2({ filter, sort, limit: 100 }), s.signal).then(
      (p) => {
        setPage(p);
        setShown(filter);
        setRows(p.items);
        setFresh([]);
        setError(void 0);
        setLoading(false);
      },
      (e) => {
        if (!s.signal.aborted) {
          setError(e instanceof ProblemError ? e : new ProblemError(0, { detail: String(e) }));
          setLoading(false);
        }
      }
    );
    return () => s.abort();
  }, [filter, sort, round]);
  useTopic2(error || page === void 0 || shown !== filter ? void 0 : "runs:" + filter, page?.as_of, (events) => {
    let next = rows;
    let news = fresh;
    for (const e of events) {
      if (e.kind === "reset") {
        setRound((n) => n + 1);
        return;
      }
      const f = e.data;
      for (const g of f.gone ?? []) {
        next = next.filter((r) => r.id !== g.id);
        news = news.filter((r) => r.id !== g.id);
      }
      for (const r of f.upsert ?? []) {
        const i = next.findIndex((x) => x.id === r.id);
        const old = next[i];
        if (old) {
          if (newer(old, r)) {
            next = next.with(i, r);
          }
        } else {
          news = [r, ...news.filter((x) => x.id !== r.id)];
        }
      }
    }
    if (sort === "" && news.length > 0 && atTop()) {
      const known = new Set(next.map((r) => r.id));
      const oldest = next.at(-1)?.created ?? "";
      const add = news.filter((r) => !known.has(r.id) && (next.length < 100 || (r.created ?? "") >= oldest));
      next = [...add, ...next].sort((a, b) => (b.created ?? "").localeCompare(a.created ?? "")).slice(0, most);
      news = [];
    }
    setRows(next);
    setFresh(news.slice(0, 500));
    if (events.length > 0) {
      announce(`${next.length} runs shown`, true);
    }
  });
  const more = () => {
    if (page?.next) {
      get("runs" + query2({ filter, sort, limit: 100, cursor: page.next })).then((p) => {
        setPage({ ...p, as_of: page.as_of });
        setRows((have) => [...have, ...p.items.filter((r) => !have.some((x) => x.id === r.id))].slice(-most));
      }, setError);
    }
  };
  return /* @__PURE__ */ jsxs2("section", { class: "page fill", children: [
    /* @__PURE__ */ jsxs2("header", { class: "page-head", children: [
      /* @__PURE__ */ jsx2("h1", { children: "Runs" }),
      /* @__PURE__ */ jsx2("button", { type: "button", class: "primary", onClick: () => setStarting(true), children: "Start" })
    ] }),
    /* @__PURE__ */ jsx2(FilterBar, { filter, error }),
    /* @__PURE__ */ jsxs2("div", { class: "chips", role: "group", "aria-label": "Filters", children: [
      chips.map(([title2, f]) => /* @__PURE__ */ jsx2("button", { type: "button", "aria-pressed": filter === f, onClick: () => setParams({ filter: f || void 0 }), children: title2 }, title2)),
      fresh.length > 0 && /* @__PURE__ */ jsxs2("button", { type: "button", class: "fresh", onClick: () => setRound((n) => n + 1), children: [
        fresh.length,
        " new"
      ] })
    ] }),
    error && error.status !== 400 && /* @__PURE__ */ jsx2(Problem2, { error, retry: () => setRound((n) => n + 1) }),
    !error && !loading && rows.length === 0 ? /* @__PURE__ */ jsx2(NoRuns, { filter }) : /* @__PURE__ */ jsx2(Table, { label: "Runs", columns, rows, id: (r) => r.id, open: (r) => go(links2.run(r.id)) }),
    page?.next && /* @__PURE__ */ jsxs2("footer", { class: "row pad", children: [
      page.partial && /* @__PURE__ */ jsx2("span", { class: "dim", children: "Not all runs were searched yet. " }),
      /* @__PURE__ */ jsx2("button", { type: "button", onClick: more, children: page.partial ? "Search on" : "More" })
    ] }),
    starting && /* @__PURE__ */ jsx2(StartDialog, { onClose: () => setStarting(false) })
  ] });
}
function atTop() {
  return (document.querySelector(".table")?.scrollTop ?? 0) < 28;
}
function FilterBar({ filter, error }) {
  const box = useRef(null);
  const timer = useRef(void 0);
  const bad = error?.status === 400 ? error : void 0;
  useKeys({ "/": (e) => (e.preventDefault(), box.current?.focus()) });
  useEffect(() => {
    if (box.current && document.activeElement !== box.current) {
      box.current.value = filter;
    }
  }, [filter]);
  return /* @__PURE__ */ jsxs2("div", { class: "filter", children: [
    /* @__PURE__ */ jsx2(
      "input",
      {
        ref: box,
        type: "search",
        spellcheck: false,
        "aria-label": "Filter",
        "aria-invalid": bad !== void 0,
        "aria-describedby": bad ? "filter-error" : void 0,
        placeholder: "status:failed name:Order* created>-24h   ( / )",
        defaultValue: filter,
        onInput: (e) => {
          const text = e.currentTarget.value;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => setParams({ filter: text || void 0 }), 60);
        },
        onKeyDown: (e) => {
          if (e.key === "Escape" || e.key === "Enter") {
            box.current?.blur();
          }
        }
      }
    ),
    bad && /* @__PURE__ */ jsxs2("p", { id: "filter-error", class: "bad", role: "alert", children: [
      bad.message,
      " ",
      bad.hint
    ] })
  ] });
}
function NoRuns({ filter }) {
  const terms = useMemo(() => filter.match(/(?:[^\s"]|"[^"]*")+/g) ?? [], [filter]);
  if (terms.length === 0) {
    return /* @__PURE__ */ jsxs2(Empty, { title: "No runs yet", children: [
      /* @__PURE__ */ jsx2("p", { children: "Start one here, or in a terminal:" }),
      /* @__PURE__ */ jsx2(Command2, { text: `perdure run start NAME --input '"…"' --watch` })
    ] });
  }
  return /* @__PURE__ */ jsxs2(Empty, { title: "No run matches", children: [
    /* @__PURE__ */ jsx2("p", { children: "Leave a term out:" }),
    /* @__PURE__ */ jsx2("p", { class: "row", children: terms.map((t) => /* @__PURE__ */ jsxs2("button", { type: "button", onClick: () => setParams({ filter: terms.filter((x) => x !== t).join(" ") || void 0 }), children: [
      t,
      " ✕"
    ] }, t)) }),
    /* @__PURE__ */ jsxs2("p", { class: "dim", children: [
      "As of ",
      /* @__PURE__ */ jsx2(Time2, { at: new Date(now.peek()).toISOString(), exact: true })
    ] })
  ] });
}

// src/pages/run.tsx
import { useState as useState12 } from "./core.js";
import { get as get4, ProblemError as ProblemError4, query as query7 } from "./core.js";
import { now as clock } from "./core.js";
import { useKeys as useKeys3 } from "./core.js";
import { go as go3, links as links8, param as param3, setParams as setParams3 } from "./core.js";
import { ended } from "./core.js";
import { Empty as Empty3 } from "./core.js";
import { lazily } from "./core.js";
import { Problem as Problem6 } from "./core.js";
import { Tabs } from "./core.js";

// src/pages/run/conversation.tsx
import { useEffect as useEffect2, useMemo as useMemo2, useState as useState3 } from "./core.js";
import { path, useQuery as useQuery2 } from "./core.js";
import { cost, count, duration } from "./core.js";
import { useTopic as useTopic3 } from "./core.js";
import { Markdown } from "./core.js";
import { links as links3 } from "./core.js";
import { Empty as Empty2 } from "./core.js";
import { JsonView } from "./core.js";
import { Problem as Problem3 } from "./core.js";
import { Time as Time3 } from "./core.js";

// src/pages/run/people.ts
var voices = 8;
function initials(name) {
  const words2 = name.split(/[^\p{L}\p{N}]+|(?<=\p{Ll})(?=\p{Lu})/u).filter(Boolean);
  const letters = words2.length > 1 ? words2[0].charAt(0) + words2[words2.length - 1].charAt(0) : (words2[0] ?? "?").charAt(0);
  return letters.toUpperCase();
}
function voicesOf(names) {
  const all = /* @__PURE__ */ new Map();
  for (const n of names) if (n && !all.has(n)) all.set(n, all.size % voices);
  return all;
}

// src/pages/run/talk.ts
function entriesOf(items) {
  const calls = /* @__PURE__ */ new Map();
  const askers = new Map(items.filter((s) => s.kind === "agent" && s.to_run && !s.handoff).map((s) => [s.to_run, s.agent]));
  const entries = [];
  for (const said of items) {
    const entry = { said, text: "", reasoning: [], calls: [], others: [], results: [] };
    const asker = askers.get(said.run);
    if (asker !== void 0 && said.message?.Role === "user" && !said.message.AuthorName) entry.asker = asker;
    if (said.kind === "decision" && said.decision) {
      const call = calls.get(key(said.run, said.decision.call_id));
      if (call && said.decision.call_id) {
        call.decisions.push(said.decision);
        continue;
      }
    }
    for (const c of said.message?.Contents ?? []) {
      switch (c.Type) {
        case "text":
          entry.text += c.Text;
          break;
        case "reasoning":
          if (c.Text) entry.reasoning.push(c.Text);
          break;
        case "functionCall": {
          const call = { call: c, decisions: [] };
          calls.set(key(said.run, c.CallID), call);
          entry.calls.push(call);
          break;
        }
        case "functionResult": {
          const call = calls.get(key(said.run, c.CallID));
          if (call && !call.result) {
            call.result = c;
            call.step = said;
          } else {
            entry.results.push(c);
          }
          break;
        }
        case "error":
          entry.error = c.Message;
          break;
        case "usage":
          break;
        default:
          entry.others.push(c.Type);
      }
    }
    const only = said.kind === "message" && !entry.text && entry.reasoning.length + entry.calls.length + entry.others.length + entry.results.length === 0 && !entry.error;
    if (!only) entries.push(entry);
  }
  return entries;
}
function key(run, call) {
  return run + "\n" + call;
}
function jsonOf(text) {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// src/pages/run/conversation.tsx
import { Fragment as Fragment3, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
var atOnce = 200;
var followed = 6;
function ConversationTab({ run, version, stepLink }) {
  const { data, error, refetch } = useQuery2(path`runs/${run}/conversation`);
  const [raw, setRaw] = useState3(false);
  const [most2, setMost] = useState3(atOnce);
  useEffect2(() => {
    const timer = setTimeout(refetch, 200);
    return () => clearTimeout(timer);
  }, [version]);
  const items = data?.items ?? [];
  const entries = useMemo2(() => entriesOf(items), [items]);
  const voices2 = useMemo2(() => voicesOf(items.flatMap((s) => [s.agent, s.to ?? ""])), [items]);
  const below = useMemo2(() => [...new Set(items.flatMap((s) => [s.run, s.to_run ?? ""]))].filter((id) => id && id !== run).slice(-followed), [items, run]);
  if (error && !data) return /* @__PURE__ */ jsx3(Problem3, { error, retry: refetch });
  if (!data) return /* @__PURE__ */ jsx3("p", { class: "dim pad", children: "Loading…" });
  if (entries.length === 0) return /* @__PURE__ */ jsx3(Empty2, { title: "No agent has said anything", children: /* @__PURE__ */ jsx3("p", { children: "Runs that call agents show here what agents, tools and people said, in the order of time." }) });
  const first = Math.max(0, entries.length - most2);
  return /* @__PURE__ */ jsxs3("div", { class: "talk", children: [
    below.map((id) => /* @__PURE__ */ jsx3(Follow, { run: id, onChange: refetch }, id)),
    /* @__PURE__ */ jsxs3("div", { class: "tl-bar", children: [
      /* @__PURE__ */ jsx3("ul", { class: "talk-voices", "aria-label": "Agents", children: [...voices2].map(([name, n]) => /* @__PURE__ */ jsxs3("li", { children: [
        /* @__PURE__ */ jsx3(Avatar, { name, voice: n }),
        " ",
        name
      ] }, name)) }),
      /* @__PURE__ */ jsxs3("label", { class: "talk-raw", children: [
        /* @__PURE__ */ jsx3("input", { type: "checkbox", checked: raw, onChange: (e) => setRaw(e.currentTarget.checked) }),
        " Raw"
      ] })
    ] }),
    data.partial && /* @__PURE__ */ jsx3("p", { class: "dim", children: "The run has more below it than is looked at here." }),
    first > 0 && /* @__PURE__ */ jsxs3("button", { type: "button", onClick: () => setMost(most2 + atOnce), children: [
      "Show ",
      Math.min(atOnce, first),
      " earlier of ",
      first.toLocaleString("en")
    ] }),
    /* @__PURE__ */ jsx3("ol", { class: "talk-list", children: entries.slice(first).map((e, i) => /* @__PURE__ */ jsx3(EntryView, { entry: e, run, voices: voices2, raw, stepLink }, first + i)) })
  ] });
}
function Follow({ run, onChange }) {
  useTopic3("run:" + run, void 0, onChange);
  return null;
}
function EntryView(p) {
  const { said } = p.entry;
  const voice = p.voices.get(said.agent) ?? 0;
  if (said.kind === "agent") {
    return /* @__PURE__ */ jsxs3("li", { class: `talk-turn voice-${voice}`, children: [
      /* @__PURE__ */ jsx3("span", { class: "talk-arrow", "aria-hidden": "true", children: said.handoff ? "⇢" : "→" }),
      /* @__PURE__ */ jsxs3("span", { children: [
        said.agent ? /* @__PURE__ */ jsx3("b", { children: said.agent }) : "The run",
        " ",
        said.handoff ? "hands the conversation over to" : "asks",
        " ",
        /* @__PURE__ */ jsx3("b", { children: said.to })
      ] }),
      said.to_run && /* @__PURE__ */ jsx3("a", { href: links3.run(said.to_run), children: "open its run" }),
      /* @__PURE__ */ jsx3(Meta, { said, run: p.run, stepLink: p.stepLink })
    ] });
  }
  if (said.kind === "decision" && said.decision) {
    return /* @__PURE__ */ jsx3("li", { class: "talk-turn", children: /* @__PURE__ */ jsx3(DecisionView, { decision: said.decision }) });
  }
  const role = said.message?.Role ?? "";
  const human = role === "user" || role === "system";
  const { asker } = p.entry;
  const name = asker !== void 0 ? asker || "The run" : human ? said.message?.AuthorName || (role === "system" ? "System" : "User") : said.agent || "Agent";
  return /* @__PURE__ */ jsxs3("li", { class: `talk-entry ${human ? "is-user" : `voice-${voice}`}`, children: [
    asker ? /* @__PURE__ */ jsx3(Avatar, { name: asker, voice: p.voices.get(asker) ?? 0 }) : human ? /* @__PURE__ */ jsx3("span", { class: "avatar avatar-user", "aria-hidden": "true", children: asker === "" ? "▸" : role === "system" ? "§" : "U" }) : /* @__PURE__ */ jsx3(Avatar, { name, voice }),
    /* @__PURE__ */ jsxs3("article", { "aria-label": `${name}${human && said.agent ? ` to ${said.agent}` : ""}`, children: [
      /* @__PURE__ */ jsxs3("header", { children: [
        /* @__PURE__ */ jsx3("b", { children: name }),
        human && said.agent && /* @__PURE__ */ jsxs3("span", { class: "dim", children: [
          " to ",
          said.agent
        ] }),
        /* @__PURE__ */ jsx3(Meta, { said, run: p.run, stepLink: p.stepLink })
      ] }),
      p.raw ? /* @__PURE__ */ jsx3(JsonView, { value: said.message }) : /* @__PURE__ */ jsx3(Body, { entry: p.entry, run: p.run, stepLink: p.stepLink })
    ] })
  ] });
}
function Body({ entry, run, stepLink }) {
  return /* @__PURE__ */ jsxs3(Fragment3, { children: [
    entry.reasoning.map((text, i) => /* @__PURE__ */ jsxs3("details", { class: "reasoning", children: [
      /* @__PURE__ */ jsx3("summary", { children: "Reasoning" }),
      /* @__PURE__ */ jsx3(Markdown, { text })
    ] }, i)),
    entry.text && /* @__PURE__ */ jsx3(Markdown, { text: entry.text }),
    entry.error && /* @__PURE__ */ jsx3("p", { class: "error", children: entry.error }),
    entry.others.length > 0 && /* @__PURE__ */ jsx3("p", { class: "dim", children: entry.others.join(", ") }),
    entry.calls.map((c) => /* @__PURE__ */ jsx3(ToolCard, { call: c, run, stepLink }, c.call.CallID)),
    entry.results.map((r) => /* @__PURE__ */ jsx3("div", { class: "tool", children: /* @__PURE__ */ jsx3(JsonView, { value: r.Error ?? jsonOf(r.Result) }) }, r.CallID))
  ] });
}
function ToolCard({ call, run, stepLink }) {
  const { call: c, result, step } = call;
  const open = call.decisions.find((d) => d.state === "pending");
  const failed = !!result?.Error || step?.status === "failed";
  const status = open ? "waits for a decision" : !result ? "running" : failed ? "failed" : "done";
  return /* @__PURE__ */ jsxs3("details", { class: "tool" + (failed ? " is-failed" : "") + (open ? " is-waiting" : ""), open: !!open, children: [
    /* @__PURE__ */ jsxs3("summary", { children: [
      /* @__PURE__ */ jsx3("span", { class: "tool-name", children: c.Name }),
      /* @__PURE__ */ jsx3("span", { class: "dim tool-args", children: brief(c.Arguments) }),
      /* @__PURE__ */ jsxs3("span", { class: "tool-status" + (failed ? " bad" : ""), children: [
        status,
        step?.duration_ms ? `, ${duration(step.duration_ms)}` : "",
        step?.attempt && step.attempt > 1 ? `, attempt ${step.attempt}` : ""
      ] })
    ] }),
    /* @__PURE__ */ jsx3("p", { class: "tool-part", children: "Arguments" }),
    /* @__PURE__ */ jsx3(JsonView, { value: jsonOf(c.Arguments), label: "arguments" }),
    call.decisions.map((d) => /* @__PURE__ */ jsx3(DecisionView, { decision: d }, d.id)),
    result && /* @__PURE__ */ jsxs3(Fragment3, { children: [
      /* @__PURE__ */ jsx3("p", { class: "tool-part", children: "Result" }),
      result.Error ? /* @__PURE__ */ jsx3("p", { class: "error", children: result.Error }) : /* @__PURE__ */ jsx3(JsonView, { value: jsonOf(result.Result), label: "result" })
    ] }),
    step?.event_id !== void 0 && /* @__PURE__ */ jsx3("p", { children: /* @__PURE__ */ jsx3(StepLink, { said: step, run, stepLink }) })
  ] });
}
function brief(text) {
  return text.length > 90 ? text.slice(0, 89) + "…" : text;
}
function DecisionView({ decision: d }) {
  const by = d.answered_by ? ` by ${d.answered_by}` : "";
  return /* @__PURE__ */ jsxs3("p", { class: "talk-decision" + (d.state === "pending" ? " is-waiting" : ""), children: [
    /* @__PURE__ */ jsx3("span", { "aria-hidden": "true", children: "◆" }),
    " ",
    d.kind.replace(/_/g, " "),
    d.tool && /* @__PURE__ */ jsxs3(Fragment3, { children: [
      " of ",
      /* @__PURE__ */ jsx3("b", { children: d.tool })
    ] }),
    ":",
    " ",
    d.state === "pending" ? /* @__PURE__ */ jsx3("a", { href: "inbox", children: "waits for an answer" }) : /* @__PURE__ */ jsxs3("b", { children: [
      d.answer ?? d.state,
      by
    ] }),
    d.comment && /* @__PURE__ */ jsx3("q", { children: d.comment }),
    " ",
    d.answered_at ? /* @__PURE__ */ jsx3(Time3, { at: d.answered_at }) : d.deadline && /* @__PURE__ */ jsxs3("span", { class: "dim", children: [
      "until ",
      /* @__PURE__ */ jsx3(Time3, { at: d.deadline, exact: true })
    ] })
  ] });
}
function Avatar({ name, voice }) {
  return /* @__PURE__ */ jsx3("span", { class: `avatar voice-${voice}`, "aria-hidden": "true", children: initials(name) });
}
function Meta({ said, run, stepLink }) {
  return /* @__PURE__ */ jsxs3("span", { class: "talk-meta dim", children: [
    said.tokens && /* @__PURE__ */ jsxs3("span", { title: `${said.tokens.in} in, ${said.tokens.out} out`, children: [
      count(said.tokens.total),
      " tok"
    ] }),
    !!said.cost_usd && /* @__PURE__ */ jsx3("span", { children: cost(said.cost_usd * 1e6) }),
    !!said.duration_ms && /* @__PURE__ */ jsx3("span", { children: duration(said.duration_ms) }),
    /* @__PURE__ */ jsx3(Time3, { at: said.at, exact: true }),
    said.event_id !== void 0 && /* @__PURE__ */ jsx3(StepLink, { said, run, stepLink })
  ] });
}
function StepLink({ said, run, stepLink }) {
  if (said.event_id === void 0) return null;
  const to = said.run === run ? stepLink(said.event_id) : links3.run(said.run) + `?step=e${said.event_id}`;
  return /* @__PURE__ */ jsx3("a", { href: to, children: "step" });
}

// src/pages/run/header.tsx
import { useState as useState8 } from "./core.js";
import { bytes as bytes3, cost as cost4, count as count4 } from "./core.js";
import { links as links6 } from "./core.js";
import { stateOf as stateOf3 } from "./core.js";
import { Copy as Copy2 } from "./core.js";
import { JsonView as JsonView3 } from "./core.js";
import { Status as Status3 } from "./core.js";
import { Time as Time5 } from "./core.js";

// src/pages/run/actions.tsx
import { useState as useState4 } from "./core.js";
import { path as path2, post, ProblemError as ProblemError2, readOnly } from "./core.js";
import { jsonError } from "./core.js";
import { linkState } from "./core.js";
import { go as go2, links as links4 } from "./core.js";
import { Dialog } from "./core.js";
import { Menu } from "./core.js";
import { jsx as jsx4, jsxs as jsxs4 } from "./core.js";
var labels = [
  ["event", "Raise event…"],
  ["suspend", "Suspend"],
  ["resume", "Resume"],
  ["rewind", "Rewind…"],
  ["restart", "Restart…"],
  ["cancel", "Cancel…"],
  ["terminate", "Terminate…"],
  ["purge", "Purge…"]
];
var buttons = ["event", "resume", "suspend", "rewind", "restart"];
function Actions({ run, onApplied, onRewind }) {
  const [dialog, setDialog] = useState4("");
  const [busy, setBusy] = useState4("");
  const [error, setError] = useState4();
  const reason = (action) => {
    if (readOnly) return "This server takes no changes.";
    if (linkState.value === "offline") return "The server does not answer.";
    if (run.actions.includes(action)) return void 0;
    return run.refused?.find((r) => r.action === action)?.reason ?? `Not while the run is ${run.status}.`;
  };
  const start = (action) => {
    setError(void 0);
    if (action === "rewind") return onRewind();
    if (action !== "suspend" && action !== "resume") return setDialog(action);
    setBusy(action);
    post(path2`runs/${run.id}/${action}`, {}).then(onApplied, setError).finally(() => setBusy(""));
  };
  const close = () => setDialog("");
  const done = () => {
    close();
    onApplied();
  };
  const first = buttons.filter((a) => reason(a) === void 0).slice(0, 2);
  return /* @__PURE__ */ jsxs4("div", { class: "run-actions", children: [
    first.map((a) => /* @__PURE__ */ jsx4("button", { type: "button", disabled: busy !== "", onClick: () => start(a), children: busy === a ? "Applying…" : labels.find(([n]) => n === a)[1] }, a)),
    /* @__PURE__ */ jsx4(Menu, { label: "All actions", items: labels.map(([a, label]) => ({ label, reason: reason(a), danger: a === "terminate" || a === "purge", run: () => start(a) })), children: "⋯" }),
    error && /* @__PURE__ */ jsxs4("span", { class: "bad", role: "alert", children: [
      error.message,
      " ",
      error.hint
    ] }),
    dialog === "event" && /* @__PURE__ */ jsx4(EventDialog, { run, onClose: close, onDone: done }),
    dialog === "restart" && /* @__PURE__ */ jsx4(RestartDialog, { run, onClose: close, onDone: done }),
    (dialog === "cancel" || dialog === "terminate") && /* @__PURE__ */ jsx4(StopDialog, { run, action: dialog, onClose: close, onDone: done }),
    dialog === "purge" && /* @__PURE__ */ jsx4(PurgeDialog, { run, onClose: close })
  ] });
}
function ActionForm({ title: title2, button, danger = false, invalid = false, send, onClose, children }) {
  const [key2] = useState4(() => crypto.randomUUID());
  const [busy, setBusy] = useState4(false);
  const [error, setError] = useState4();
  return /* @__PURE__ */ jsx4(Dialog, { title: title2, onClose, children: /* @__PURE__ */ jsxs4(
    "form",
    {
      onSubmit: (e) => {
        e.preventDefault();
        if (busy || invalid) return;
        setBusy(true);
        send(key2).catch((x) => {
          setError(x instanceof ProblemError2 ? x : new ProblemError2(0, { detail: String(x) }));
          setBusy(false);
        });
      },
      children: [
        children,
        error && /* @__PURE__ */ jsxs4("p", { class: "problem", role: "alert", children: [
          error.message,
          " ",
          error.hint
        ] }),
        /* @__PURE__ */ jsxs4("div", { class: "row end", children: [
          /* @__PURE__ */ jsx4("button", { type: "button", onClick: onClose, children: "Leave" }),
          /* @__PURE__ */ jsx4("button", { type: "submit", class: danger ? "danger" : "primary", disabled: busy || invalid, children: busy ? "Applying…" : button })
        ] })
      ]
    }
  ) });
}
function EventDialog({ run, onClose, onDone }) {
  const [name, setName] = useState4(run.wait_name ?? "");
  const [data, setData] = useState4("");
  const bad = jsonError(data);
  return /* @__PURE__ */ jsxs4(
    ActionForm,
    {
      title: "Raise an event",
      button: "Raise",
      invalid: bad !== void 0 || name === "",
      onClose,
      send: (key2) => post(path2`runs/${run.id}/events/${name}`, data.trim() === "" ? null : JSON.parse(data), key2).then(onDone),
      children: [
        /* @__PURE__ */ jsxs4("label", { class: "field", children: [
          "Name ",
          run.wait_name && /* @__PURE__ */ jsxs4("span", { class: "dim", children: [
            "the run waits for ",
            run.wait_name
          ] }),
          /* @__PURE__ */ jsx4("input", { required: true, value: name, list: "waits", onInput: (e) => setName(e.currentTarget.value) }),
          /* @__PURE__ */ jsx4("datalist", { id: "waits", children: run.wait_name && /* @__PURE__ */ jsx4("option", { value: run.wait_name }) })
        ] }),
        /* @__PURE__ */ jsxs4("label", { class: "field", children: [
          "Data ",
          /* @__PURE__ */ jsx4("span", { class: "dim", children: "JSON; nothing is null" }),
          /* @__PURE__ */ jsx4("textarea", { rows: 6, class: "mono", spellcheck: false, "aria-invalid": bad !== void 0, value: data, onInput: (e) => setData(e.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ jsx4("p", { class: "problem", children: bad })
      ]
    }
  );
}
function RestartDialog({ run, onClose, onDone }) {
  const [input, setInput] = useState4(run.input === void 0 ? "" : JSON.stringify(run.input, null, 2));
  const [newID, setNewID] = useState4(false);
  const bad = jsonError(input);
  return /* @__PURE__ */ jsxs4(
    ActionForm,
    {
      title: "Restart the run",
      button: "Restart",
      invalid: bad !== void 0,
      onClose,
      send: (key2) => post(path2`runs/${run.id}/restart`, { new_id: newID, ...input.trim() === "" ? {} : { input: JSON.parse(input) } }, key2).then((r) => {
        onDone();
        if (r.id !== run.id) go2(links4.run(r.id));
      }),
      children: [
        /* @__PURE__ */ jsxs4("p", { children: [
          "It begins anew from its input. ",
          newID ? "This run stays as it is." : "What was before stays readable as an older execution."
        ] }),
        /* @__PURE__ */ jsxs4("label", { class: "field", children: [
          "Input ",
          /* @__PURE__ */ jsx4("span", { class: "dim", children: "JSON" }),
          /* @__PURE__ */ jsx4("textarea", { rows: 8, class: "mono", spellcheck: false, "aria-invalid": bad !== void 0, value: input, onInput: (e) => setInput(e.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ jsx4("p", { class: "problem", children: bad }),
        /* @__PURE__ */ jsxs4("label", { class: "field row", children: [
          /* @__PURE__ */ jsx4("input", { type: "checkbox", checked: newID, onChange: (e) => setNewID(e.currentTarget.checked) }),
          " Under a new id"
        ] })
      ]
    }
  );
}
function StopDialog({ run, action, onClose, onDone }) {
  const [reason, setReason] = useState4("");
  const [recursive, setRecursive] = useState4(true);
  const verb = action === "cancel" ? "Cancel" : "Terminate";
  return /* @__PURE__ */ jsxs4(
    ActionForm,
    {
      title: `${verb} the run`,
      button: verb,
      danger: true,
      onClose,
      send: (key2) => post(path2`runs/${run.id}/${action}`, { reason, recursive }, key2).then(onDone),
      children: [
        /* @__PURE__ */ jsx4("p", { children: action === "cancel" ? "The run is told and may clean up." : "The run ends at once; nothing of it runs any more." }),
        /* @__PURE__ */ jsxs4("label", { class: "field", children: [
          "Reason",
          /* @__PURE__ */ jsx4("input", { value: reason, maxLength: 4e3, onInput: (e) => setReason(e.currentTarget.value) })
        ] }),
        /* @__PURE__ */ jsxs4("label", { class: "field row", children: [
          /* @__PURE__ */ jsx4("input", { type: "checkbox", checked: recursive, onChange: (e) => setRecursive(e.currentTarget.checked) }),
          " Its child runs too",
          run.pending_counts?.children ? ` (${run.pending_counts.children} go on)` : ""
        ] })
      ]
    }
  );
}
function PurgeDialog({ run, onClose }) {
  const [recursive, setRecursive] = useState4(false);
  const [counted, setCounted] = useState4();
  const ready = counted?.recursive === recursive;
  return /* @__PURE__ */ jsxs4(
    ActionForm,
    {
      title: "Purge the run",
      button: ready ? `Purge ${counted.count} run${counted.count === 1 ? "" : "s"}` : "Count first",
      danger: true,
      onClose,
      send: async (key2) => {
        if (!ready) {
          const dry = await post(path2`runs/${run.id}/purge` + "?dry_run=1", { recursive });
          setCounted({ recursive, count: dry.count });
          throw new ProblemError2(0, { detail: `${dry.count} run${dry.count === 1 ? "" : "s"} would be deleted with all that they hold.`, hint: "Press again to do it." });
        }
        await post(path2`runs/${run.id}/purge`, { recursive }, key2);
        go2("runs");
      },
      children: [
        /* @__PURE__ */ jsx4("p", { children: "What is purged is gone: history, payloads and outcomes." }),
        /* @__PURE__ */ jsxs4("label", { class: "field row", children: [
          /* @__PURE__ */ jsx4("input", { type: "checkbox", checked: recursive, onChange: (e) => setRecursive(e.currentTarget.checked) }),
          " Its child runs too"
        ] })
      ]
    }
  );
}

// src/pages/run/inspector.tsx
import { bytes as bytes2, cost as cost3, count as count3, duration as duration3 } from "./core.js";
import { links as links5 } from "./core.js";
import { Time as Time4 } from "./core.js";

// src/pages/run/bars.ts
function ms(time) {
  return time ? Date.parse(time) : void 0;
}
function waits(step) {
  return step.kind === "timer" || step.kind === "event" || step.kind === "decision" || step.kind === "lock";
}
function isOpen(step) {
  return step.status === "open" || step.status === "retrying";
}
function barOf(step, now2, end) {
  const until = end ?? now2;
  if (waits(step)) return waitingBar(step, now2, until);
  const bar = { parts: [], ticks: [] };
  for (const attempt of step.attempts ?? []) {
    addAttempt(bar, attempt, "failed", until, now2);
    const ended2 = ms(attempt.completed_at);
    if (ended2 !== void 0) bar.ticks.push(ended2);
  }
  const kind = step.status === "failed" || step.status === "retrying" ? "failed" : step.status === "canceled" ? "canceled" : "running";
  addAttempt(bar, step, kind, until, now2);
  if (step.status === "retrying") {
    const ended2 = ms(step.completed_at);
    if (ended2 !== void 0) bar.ticks.push(ended2);
  }
  return bar;
}
function addAttempt(bar, a, kind, until, now2) {
  const scheduled = ms(a.scheduled_at);
  if (scheduled === void 0) return;
  const ended2 = ms(a.completed_at);
  const started = ms(a.started_at) ?? (ended2 === void 0 ? void 0 : scheduled);
  if (started !== void 0 && started > scheduled) bar.parts.push({ kind: "queued", from: scheduled, to: started, open: false });
  if (ended2 === void 0) {
    bar.parts.push({ kind: kind === "canceled" ? kind : "open", from: started ?? scheduled, to: Math.max(until, scheduled), open: kind !== "canceled" });
    return;
  }
  bar.parts.push({ kind, from: started ?? scheduled, to: ended2, open: false });
  const backoff = ms(a.backoff_until);
  if (backoff !== void 0 && backoff > ended2) bar.parts.push({ kind: "backoff", from: ended2, to: backoff, open: backoff > now2 });
}
function waitingBar(step, now2, until) {
  const from = ms(step.scheduled_at) ?? now2;
  const bar = { parts: [], ticks: [] };
  if (step.kind === "decision") bar.diamond = from;
  const ended2 = ms(step.completed_at);
  if (ended2 !== void 0) {
    if (ended2 > from) bar.parts.push({ kind: "fired", from, to: ended2, open: false });
    return bar;
  }
  if (step.status === "canceled") bar.parts.push({ kind: "canceled", from, to: Math.min(ms(step.fire_at) ?? until, until), open: false });
  else bar.parts.push({ kind: "wait", from, to: Math.max(until, from), open: true });
  return bar;
}
function timesOf(step, now2, end) {
  const times = { queued: 0, ran: 0, paused: 0, whole: 0 };
  const parts = barOf(step, now2, end).parts;
  for (const p of parts) {
    const took2 = p.to - p.from;
    if (p.kind === "queued") times.queued += took2;
    else if (p.kind === "backoff") times.paused += took2;
    else times.ran += took2;
  }
  if (parts.length > 0) times.whole = parts[parts.length - 1].to - parts[0].from;
  return times;
}

// src/pages/run/icons.tsx
import { jsx as jsx5, jsxs as jsxs5 } from "./core.js";
var forms = {
  activity: "M3 8h7M7 4.5 10.5 8 7 11.5M13 3v10",
  internal: "M8 4.5v7M4.5 8h7",
  context: "M3 4h10M3 8h10M3 12h6",
  model: "M8 2.5 9.6 6.4 13.5 8 9.6 9.6 8 13.5 6.4 9.6 2.5 8 6.4 6.4Z",
  tool: "M10.5 2.5a3 3 0 0 0-2.8 4L3 11.2 4.8 13l4.7-4.7a3 3 0 0 0 4-3.6L11.7 6.5 10 6 9.5 4.3Z",
  agent: "M4 6.5h8v6H4ZM8 3.5v3M6.5 9.5h.01M9.5 9.5h.01",
  child: "M4 3v6a2 2 0 0 0 2 2h6M9.5 8.5 12 11l-2.5 2.5",
  timer: "M8 3.5a4.75 4.75 0 1 0 .01 0ZM8 5.5V8.3l2 1.2M6.5 1.5h3",
  event: "M2.5 8h7M6.5 4.5 10 8l-3.5 3.5M13 4v8",
  sent: "M3 4v8M6 8h7.5M10 4.5 13.5 8 10 11.5",
  entity: "M3 4.5C3 3 13 3 13 4.5v7C13 13 3 13 3 11.5ZM3 4.5C3 6 13 6 13 4.5",
  signal: "M3 8h6M9 5l4 3-4 3Z",
  lock: "M4.5 7.5h7v5h-7ZM6 7.5V5.5a2 2 0 0 1 4 0v2",
  decision: "M8 2.5 13.5 8 8 13.5 2.5 8Z"
};
function StepIcon({ kind, status }) {
  return /* @__PURE__ */ jsxs5("svg", { class: `step-icon is-${status}`, viewBox: "0 0 16 16", width: "16", height: "16", "aria-hidden": "true", children: [
    /* @__PURE__ */ jsx5("title", { children: `${kind}, ${status}` }),
    /* @__PURE__ */ jsx5("path", { d: forms[kind] ?? forms["activity"] })
  ] });
}

// src/pages/run/payload.tsx
import { useEffect as useEffect3, useState as useState5 } from "./core.js";
import { path as path3, query as query3 } from "./core.js";
import { bytes } from "./core.js";
import { JsonView as JsonView2 } from "./core.js";
import { Fragment as Fragment4, jsx as jsx6, jsxs as jsxs6 } from "./core.js";
var cap = 256 * 1024;
async function read(where, signal) {
  const answer = await fetch("api/v1/" + where, { headers: { "X-Perdure": "1", Range: `bytes=0-${cap - 1}` }, credentials: "same-origin", signal });
  if (!answer.ok) throw new Error(answer.status === 404 ? "There is no payload." : `The server answered ${answer.status}.`);
  const text = await answer.text();
  const size = Number(/\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "")?.[1] ?? new TextEncoder().encode(text).length);
  return { text, size, cut: size > cap };
}
function Payload(p) {
  const [open, setOpen] = useState5(p.open ?? false);
  return /* @__PURE__ */ jsxs6("details", { class: "payload", open, onToggle: (e) => setOpen(e.currentTarget.open), children: [
    /* @__PURE__ */ jsxs6("summary", { children: [
      p.title,
      " ",
      /* @__PURE__ */ jsx6("span", { class: "dim", children: bytes(p.size) })
    ] }),
    open && /* @__PURE__ */ jsx6(Content, { ...p })
  ] });
}
function Content(p) {
  const [state, setState] = useState5({});
  const where = path3`runs/${p.run}/events/${String(p.n)}/payload` + query3({ execution: p.execution });
  useEffect3(() => {
    const abort = new AbortController();
    setState({});
    read(where, abort.signal).then(
      (read2) => setState({ read: read2 }),
      (e) => abort.signal.aborted || setState({ error: e.message })
    );
    return () => abort.abort();
  }, [where, p.size]);
  if (state.error) return /* @__PURE__ */ jsx6("p", { class: "error", children: state.error });
  if (!state.read) return /* @__PURE__ */ jsx6("p", { class: "dim", children: "Loading…" });
  const { text, size, cut } = state.read;
  if (cut) {
    return /* @__PURE__ */ jsxs6(Fragment4, { children: [
      /* @__PURE__ */ jsx6("pre", { class: "code", children: text }),
      /* @__PURE__ */ jsxs6("p", { class: "dim", children: [
        "The first ",
        bytes(cap),
        " of ",
        bytes(size),
        ". ",
        /* @__PURE__ */ jsx6("a", { href: "api/v1/" + where, download: `${p.run}-${p.n}.json`, children: "Download all" })
      ] })
    ] });
  }
  return /* @__PURE__ */ jsx6(JsonView2, { value: parse(text) });
}
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// src/pages/run/timeline.tsx
import { useEffect as useEffect5, useLayoutEffect, useMemo as useMemo3, useRef as useRef3, useState as useState7 } from "./core.js";
import { cost as cost2, count as count2, duration as duration2 } from "./core.js";

// src/pages/run/axis.ts
var foldOver = 0.7;
var foldedWidth = 44;
var tailWidth = 132;
var foldEach = 0.04;
var Axis = class {
  constructor(begin, end, width, gaps) {
    this.begin = begin;
    this.end = end;
    this.width = width;
    this.segments = lay(begin, Math.max(end, begin + 1), width, folded(begin, end, width, gaps));
  }
  begin;
  end;
  width;
  segments;
  /** The place of a time; times outside of the span lie at its ends. */
  x(time) {
    for (const s of this.segments) {
      if (time < s.to) return s.x0 + (Math.max(time, s.from) - s.from) / (s.to - s.from) * (s.x1 - s.x0);
    }
    return this.width;
  }
  /** The time at a place. */
  time(x) {
    for (const s of this.segments) {
      if (x < s.x1) return s.from + (Math.max(x, s.x0) - s.x0) / (s.x1 - s.x0) * (s.to - s.from);
    }
    return this.end;
  }
  /** Marks at round distances from origin, at least space pixels apart. */
  ticks(origin, space) {
    const rate = this.rate();
    if (rate === 0) return [];
    const step = roundStep(space / rate);
    const ticks = [];
    for (const s of this.segments) {
      if (s.folded) continue;
      for (let n = Math.ceil((s.from - origin) / step); origin + n * step < s.to; n++) {
        const time = origin + n * step;
        const x = this.x(time);
        const last = ticks[ticks.length - 1];
        if (s.x1 - x >= space * 0.6 && (!last || x - last.x >= space * 0.6)) ticks.push({ x, time });
      }
    }
    return ticks;
  }
  /** Pixels for a millisecond where time is not folded. */
  rate() {
    const s = this.segments.find((s2) => !s2.folded);
    return s ? (s.x1 - s.x0) / (s.to - s.from) : 0;
  }
};
function folded(begin, end, width, gaps) {
  const span = end - begin;
  const inside = gaps.map((g) => ({ from: Math.max(g.from, begin), to: Math.min(g.to, end) })).filter((g) => g.to > g.from);
  const idle2 = inside.reduce((sum, g) => sum + g.to - g.from, 0);
  if (span <= 0 || idle2 <= foldOver * span) return [];
  const most2 = Math.max(1, Math.floor(width / 3 / foldedWidth));
  return inside.filter((g) => g.to - g.from >= foldEach * span).sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, most2).sort((a, b) => a.from - b.from);
}
function lay(begin, end, width, gaps) {
  const busy = end - begin - gaps.reduce((sum, g) => sum + g.to - g.from, 0);
  const wished = gaps.map((g) => g.to >= end ? tailWidth : foldedWidth);
  const all = wished.reduce((sum, w) => sum + w, 0);
  const scale = busy <= 0 ? width / Math.max(all, 1) : Math.min(1, width / 3 / Math.max(all, 1));
  const rate = busy <= 0 ? 0 : (width - all * scale) / busy;
  const segments = [];
  let at = begin;
  let x = 0;
  const add = (to, fold) => {
    if (to <= at) return;
    const x1 = fold > 0 ? x + fold : x + (to - at) * rate;
    segments.push({ from: at, to, x0: x, x1, folded: fold > 0 });
    at = to;
    x = x1;
  };
  gaps.forEach((g, i) => {
    add(g.from, 0);
    add(g.to, wished[i] * scale);
  });
  add(end, 0);
  return segments;
}
var second = 1e3;
var minute = 60 * second;
var hour = 60 * minute;
var day = 24 * hour;
var roundSteps = [10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour, day];
function roundStep(ms2) {
  for (const unit of [1, 10, 100, second]) {
    for (const n of [1, 2, 5]) {
      if (n * unit >= ms2) return n * unit;
    }
  }
  for (const n of roundSteps) {
    if (n >= ms2) return n;
  }
  return Math.ceil(ms2 / day) * day;
}

// src/pages/run/model.ts
import { useEffect as useEffect4, useRef as useRef2, useState as useState6 } from "./core.js";
import { get as get2, path as path4, query as query4 } from "./core.js";
import { useTopic as useTopic4 } from "./core.js";
function useRun(id) {
  const [state, setState] = useState6({ id, gone: false });
  const [asked, setAsked] = useState6(0);
  useEffect4(() => {
    const abort = new AbortController();
    get2(path4`runs/${id}`, abort.signal).then(
      (run) => setState((old) => ({ id, run: old.id === id ? newer2(old.run, run) : run, gone: false })),
      (error) => abort.signal.aborted || setState((old) => ({ id, run: old.id === id ? old.run : void 0, error, gone: false }))
    );
    return () => abort.abort();
  }, [id, asked]);
  useTopic4("run:" + id, void 0, (events) => {
    for (const e of events) {
      if (e.kind === "reset") {
        setAsked((n) => n + 1);
        continue;
      }
      const frame = e.data;
      for (const row of frame.upsert) {
        setState((old) => old.run && row.row_version > old.run.row_version ? { ...old, run: { ...payloads(old.run, row), ...row } } : old);
        if (row.completed) setAsked((n) => n + 1);
      }
      if (frame.gone.length > 0) setState((old) => ({ ...old, gone: true }));
    }
  });
  const current = state.id === id ? state : { id, gone: false };
  return { ...current, refetch: () => setAsked((n) => n + 1) };
}
function newer2(old, read2) {
  return old && old.incarnation === read2.incarnation && old.row_version > read2.row_version ? { ...read2, ...old } : read2;
}
function payloads(old, row) {
  return old.execution === row.execution ? { input: old.input, output: old.output, failure: old.failure } : {};
}
var firstPage = 1e3;
var nextPage = 1e4;
var pause = 300;
var nothing = { items: [], ahead: 0, complete: false };
function useSteps(id, execution, version) {
  const [steps, setSteps] = useState6(nothing);
  const reader = useRef2(void 0);
  useEffect4(() => {
    const r = new Reader(id, execution, setSteps);
    reader.current = r;
    r.want(0);
    return () => r.stop.abort();
  }, [id, execution]);
  useEffect4(() => reader.current?.want(version), [id, execution, version]);
  return steps;
}
var Reader = class {
  constructor(id, execution, show) {
    this.id = id;
    this.execution = execution;
    this.show = show;
    show(nothing);
  }
  id;
  execution;
  show;
  stop = new AbortController();
  known = nothing;
  wanted = 0;
  reading = false;
  /** Has the steps read, unless they are of this version or a newer one. */
  want(version) {
    this.wanted = Math.max(this.wanted, version);
    if (!this.reading && !this.isNew()) {
      this.reading = true;
      this.read().catch((error) => this.stop.signal.aborted || this.show(this.known = { ...this.known, error })).finally(() => this.reading = false);
    }
  }
  isNew() {
    return this.known.complete && (this.known.page?.row_version ?? 0) >= this.wanted;
  }
  async read() {
    await this.readOnce();
    while (!this.isNew() && !this.stop.signal.aborted) {
      await new Promise((done) => setTimeout(done, pause));
      await this.readOnce();
    }
  }
  async readOnce() {
    const { items: old, page: before, complete } = this.known;
    const open = complete ? old.findIndex(isOpen) : 0;
    let items = old.slice(0, open < 0 ? old.length : open);
    for (; ; ) {
      const limit = items.length === 0 ? firstPage : nextPage;
      const page = await get2(path4`runs/${this.id}/steps` + query4({ after: items.length, limit, execution: this.execution }), this.stop.signal);
      if (before && items.length > 0 && (page.execution !== before.execution || before.ended && !page.ended || page.total < items.length)) {
        items = [];
        this.known = nothing;
        continue;
      }
      items = items.concat(page.items);
      const done = !page.next;
      const shown = done || items.length >= old.length ? items : items.concat(old.slice(items.length));
      const next = { items: shown, page, ahead: Date.parse(page.now) - Date.now(), complete: done };
      this.show(next);
      if (done) {
        this.known = next;
        return;
      }
    }
  }
};
function keyOf(step) {
  if (step.decision) return "d-" + step.decision;
  const n = step.attempts?.[0]?.n ?? step.n;
  return n > 0 ? String(n) : "w-" + (step.name ?? "");
}

// src/pages/run/window.ts
function visible(scrollTop, height, row, total2, over = 8) {
  const first = Math.max(0, Math.min(total2, Math.floor(scrollTop / row)) - over);
  return { first, last: Math.min(total2, Math.max(first, Math.ceil((scrollTop + height) / row) + over)) };
}
function reveal(scrollTop, height, row, index, margin = 1) {
  const top = index * row;
  if (top - margin * row < scrollTop) return Math.max(0, top - margin * row);
  const bottom = top + (1 + margin) * row;
  return bottom > scrollTop + height ? bottom - height : scrollTop;
}
function pages(range2, size) {
  const all = [];
  for (let p = Math.floor(range2.first / size); p * size < range2.last; p++) all.push(p);
  return all;
}

// src/pages/run/timeline.tsx
import { jsx as jsx7, jsxs as jsxs7 } from "./core.js";
var rowHeight = 28;
var axisHeight = 30;
function Timeline(p) {
  const box = useRef3(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState7(0);
  const [filter, setFilter] = useState7("");
  const labels2 = size.width < 700 ? Math.round(size.width * 0.42) : 300;
  const lane = Math.max(120, size.width - labels2 - 16);
  const page = p.steps.page;
  const began = ms(page?.began) ?? p.now;
  const end = p.moving ? Math.max(p.now, began + 1) : Math.max(ms(page?.newest) ?? began, began + 1);
  const range2 = p.range && { begin: began + p.range.from, end: Math.min(began + p.range.to, end) };
  const rows = useMemo3(() => select(p.steps.items, filter, range2, p.now), [p.steps.items, filter, p.range?.from, p.range?.to, began]);
  const axis = useMemo3(
    () => new Axis(range2?.begin ?? began, range2?.end ?? end, lane, idle(p.steps, end, p.moving)),
    [began, end, lane, p.steps.page, p.range?.from, p.range?.to]
  );
  const window = visible(scroll, Math.max(0, size.height - axisHeight), rowHeight, rows.length);
  const at = rows.findIndex((r) => keyOf(r) === p.selected);
  useEffect5(() => {
    if (box.current && at >= 0) {
      box.current.scrollTop = reveal(box.current.scrollTop, size.height - axisHeight, rowHeight, at);
    }
  }, [p.selected, at >= 0, size.height]);
  const move = (by) => {
    const to = at < 0 ? by > 0 ? 0 : rows.length - 1 : Math.max(0, Math.min(rows.length - 1, at + by));
    const step = rows[to];
    if (step) p.onSelect(keyOf(step));
  };
  const onKey = (e) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -rows.length, End: rows.length }[e.key];
    if (by === void 0 || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    move(by);
    requestAnimationFrame(() => box.current?.querySelector("[aria-selected=true]")?.focus({ preventScroll: true }));
  };
  return /* @__PURE__ */ jsxs7("div", { class: "tl-frame", children: [
    /* @__PURE__ */ jsxs7("div", { class: "tl-bar", children: [
      /* @__PURE__ */ jsx7("input", { type: "search", class: "input", placeholder: "Filter steps", "aria-label": "Filter steps by name, kind or status", value: filter, onInput: (e) => setFilter(e.currentTarget.value) }),
      /* @__PURE__ */ jsx7("span", { class: "dim tl-count", children: stepCount(rows.length, page?.total ?? 0, p.steps.complete) }),
      p.range && /* @__PURE__ */ jsx7("button", { type: "button", class: "quiet", onClick: () => p.onRange(void 0), children: "Whole run" }),
      /* @__PURE__ */ jsx7(Legend, {})
    ] }),
    /* @__PURE__ */ jsxs7("div", { class: "tl", ref: box, role: "grid", "aria-label": "Steps of the run over time", "aria-rowcount": rows.length + 1, onScroll: (e) => setScroll(e.currentTarget.scrollTop), onKeyDown: onKey, children: [
      /* @__PURE__ */ jsx7(Head, { axis, began, labels: labels2, lane, onRange: p.onRange }),
      /* @__PURE__ */ jsx7("div", { class: "tl-rows", role: "rowgroup", style: { height: `${rows.length * rowHeight}px` }, children: rows.slice(window.first, window.last).map((step, i) => {
        const key2 = keyOf(step);
        return /* @__PURE__ */ jsx7(
          Row,
          {
            id: key2,
            step,
            index: window.first + i,
            axis,
            labels: labels2,
            now: p.now,
            end: p.moving ? void 0 : end,
            selected: key2 === p.selected,
            tabbable: at < 0 ? window.first + i === 0 : key2 === p.selected,
            onSelect: p.onSelect,
            onOpenRun: p.onOpenRun
          },
          key2
        );
      }) }),
      rows.length === 0 && /* @__PURE__ */ jsx7("p", { class: "tl-none muted", children: p.steps.page ? filter || p.range ? "No step matches." : "No step has been scheduled yet." : "Loading…" }),
      /* @__PURE__ */ jsxs7("div", { class: "tl-over", "aria-hidden": "true", style: { left: `${labels2}px`, width: `${lane}px`, height: `${Math.max(rows.length * rowHeight, size.height - axisHeight - 2)}px` }, children: [
        axis.segments.filter((s) => s.folded).map((s) => /* @__PURE__ */ jsx7("div", { class: "tl-fold", style: { left: `${s.x0}px`, width: `${s.x1 - s.x0}px` } }, s.from)),
        p.moving && p.now <= axis.end && /* @__PURE__ */ jsx7("div", { class: "tl-now", style: { left: `${axis.x(p.now)}px` } })
      ] })
    ] })
  ] });
}
function select(items, filter, range2, now2) {
  const words2 = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words2.length === 0 && !range2) return items;
  return items.filter((s) => {
    const text = `${s.name ?? ""} ${s.kind} ${s.status} ${s.agent ?? ""} ${s.target ?? ""} ${s.run ?? ""}`.toLowerCase();
    if (!words2.every((w) => text.includes(w))) return false;
    if (!range2) return true;
    const from = ms(s.attempts?.[0]?.scheduled_at) ?? ms(s.scheduled_at) ?? 0;
    return from <= range2.end && (ms(s.completed_at) ?? now2) >= range2.begin;
  });
}
function idle(steps, end, moving) {
  const gaps = (steps.page?.gaps ?? []).map((g) => ({ from: Date.parse(g.from), to: Date.parse(g.to) }));
  const newest = ms(steps.page?.newest);
  if (!moving || newest === void 0 || !steps.complete) return gaps;
  if (steps.items.some((s) => isOpen(s) && !waits(s) && s.status !== "retrying")) return gaps;
  const last = gaps[gaps.length - 1];
  const tail = last && last.to >= newest ? gaps.pop().from : newest;
  return end - tail > 2e3 ? [...gaps, { from: tail, to: end }] : gaps;
}
function stepCount(shown, total2, complete) {
  const of = shown === total2 ? `${total2.toLocaleString("en")} step${total2 === 1 ? "" : "s"}` : `${shown.toLocaleString("en")} of ${total2.toLocaleString("en")} steps`;
  return complete || total2 === 0 ? of : of + ", reading…";
}
function Legend() {
  const entries = [["queued", "queued"], ["running", "running"], ["backoff", "back-off"], ["wait", "waiting"], ["failed", "failed"]];
  return /* @__PURE__ */ jsxs7("ul", { class: "tl-legend", "aria-label": "What the patterns mean", children: [
    entries.map(([kind, text]) => /* @__PURE__ */ jsxs7("li", { children: [
      /* @__PURE__ */ jsx7("span", { class: `part part-${kind}` }),
      text
    ] }, kind)),
    /* @__PURE__ */ jsxs7("li", { children: [
      /* @__PURE__ */ jsx7("span", { class: "tl-diamond-key" }),
      "decision"
    ] })
  ] });
}
function Head({ axis, began, labels: labels2, lane, onRange }) {
  const [drag, setDrag] = useState7();
  const place = (e) => {
    const left = e.currentTarget.getBoundingClientRect().left;
    return Math.max(0, Math.min(lane, e.clientX - left));
  };
  const finish = () => {
    if (drag && Math.abs(drag.to - drag.from) > 6) {
      const [a, b] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
      onRange({ from: Math.floor(axis.time(a) - began), to: Math.ceil(axis.time(b) - began) });
    }
    setDrag(void 0);
  };
  return /* @__PURE__ */ jsxs7("div", { class: "tl-head", role: "row", "aria-rowindex": 1, children: [
    /* @__PURE__ */ jsx7("div", { class: "tl-label", role: "columnheader", style: { width: `${labels2}px` }, children: "Step" }),
    /* @__PURE__ */ jsxs7(
      "div",
      {
        class: "tl-axis",
        role: "columnheader",
        "aria-label": "Time since the run began",
        title: "Drag to look at a part; double-click for the whole run",
        style: { width: `${lane}px` },
        onPointerDown: (e) => {
          if (e.button === 0) {
            e.currentTarget.setPointerCapture(e.pointerId);
            setDrag({ from: place(e), to: place(e) });
          }
        },
        onPointerMove: (e) => {
          const to = place(e);
          setDrag((d) => d && { ...d, to });
        },
        onPointerUp: finish,
        onPointerCancel: () => setDrag(void 0),
        onDblClick: () => onRange(void 0),
        children: [
          axis.ticks(began, 84).map((t) => /* @__PURE__ */ jsx7("span", { class: "tl-tick", style: { left: `${t.x}px` }, title: new Date(t.time).toLocaleString(), children: offset(t.time - began) }, t.time)),
          axis.segments.filter((s) => s.folded).map((s) => /* @__PURE__ */ jsx7("span", { class: "tl-folded", style: { left: `${s.x0}px`, width: `${s.x1 - s.x0}px` }, title: `${duration2(s.to - s.from)} in which nothing ran`, children: coarse(s.to - s.from) }, s.from)),
          drag && /* @__PURE__ */ jsx7("span", { class: "tl-brush", style: { left: `${Math.min(drag.from, drag.to)}px`, width: `${Math.abs(drag.to - drag.from)}px` } })
        ]
      }
    )
  ] });
}
function offset(ms2) {
  return ms2 === 0 ? "0" : "+" + duration2(ms2);
}
function coarse(ms2) {
  for (const [unit, name] of [[864e5, "d"], [36e5, "h"], [6e4, "min"], [1e3, "s"]]) {
    if (ms2 >= unit) return `${Math.floor(ms2 / unit)} ${name}`;
  }
  return `${Math.round(ms2)} ms`;
}
function Row(p) {
  const s = p.step;
  const bar = barOf(s, p.now, p.end);
  const took2 = bar.parts.length > 0 ? bar.parts[bar.parts.length - 1].to - bar.parts[0].from : 0;
  const firstX = p.axis.x(bar.parts[0]?.from ?? bar.diamond ?? 0) - (bar.diamond === void 0 ? 0 : 6);
  const lastX = p.axis.x(bar.parts.at(-1)?.to ?? bar.diamond ?? 0);
  return /* @__PURE__ */ jsxs7(
    "div",
    {
      class: "tl-row" + (p.selected ? " selected" : ""),
      role: "row",
      "aria-rowindex": p.index + 2,
      "aria-selected": p.selected,
      tabIndex: p.tabbable ? 0 : -1,
      "aria-label": spoken(s, took2),
      style: { top: `${p.index * rowHeight}px` },
      onClick: () => p.onSelect(p.id),
      onKeyDown: (e) => {
        if (e.key === "Enter" && e.target === e.currentTarget) {
          if (s.run) p.onOpenRun(s.run);
          else p.onSelect(p.id);
        }
      },
      children: [
        /* @__PURE__ */ jsxs7("div", { class: "tl-label", role: "rowheader", style: { width: `${p.labels}px` }, children: [
          /* @__PURE__ */ jsx7(StepIcon, { kind: s.kind, status: s.status }),
          /* @__PURE__ */ jsx7("span", { class: "tl-name", children: title(s) }),
          s.attempt > 1 && /* @__PURE__ */ jsxs7("span", { class: "tl-attempt", title: `attempt ${s.attempt}${s.max_attempts ? ` of ${s.max_attempts}` : ""}`, children: [
            "×",
            s.attempt
          ] }),
          s.tokens && /* @__PURE__ */ jsxs7("span", { class: "tl-tokens", title: `${s.tokens.in} in, ${s.tokens.out} out${s.cost_usd ? `, ${cost2(s.cost_usd * 1e6)}` : ""}`, children: [
            count2(s.tokens.total),
            " tok"
          ] }),
          s.run && /* @__PURE__ */ jsx7("button", { type: "button", class: "tl-child", tabIndex: -1, "aria-label": `Open run ${s.run}`, title: `Open ${s.run}`, onClick: (e) => {
            e.stopPropagation();
            p.onOpenRun(s.run);
          }, children: "↗" })
        ] }),
        /* @__PURE__ */ jsxs7("div", { class: "tl-lane", role: "gridcell", style: { width: `${p.axis.width}px` }, children: [
          bar.parts.map((part) => /* @__PURE__ */ jsx7(PartBar, { part, axis: p.axis, waits: waits(s) }, part.kind + part.from)),
          bar.ticks.map((t) => /* @__PURE__ */ jsx7("span", { class: "tl-try", style: { left: `${p.axis.x(t)}px` } }, t)),
          bar.diamond !== void 0 && /* @__PURE__ */ jsx7("span", { class: `tl-diamond ${s.status}`, style: { left: `${p.axis.x(bar.diamond)}px` } }),
          /* @__PURE__ */ jsx7(After, { from: firstX, to: lastX, width: p.axis.width, children: after(s, took2) })
        ] })
      ]
    }
  );
}
function PartBar({ part, axis, waits: waits2 }) {
  const from = axis.x(part.from);
  const width = Math.max(axis.x(part.to) - from, part.kind === "queued" || part.kind === "backoff" ? 0 : 2);
  if (part.to < axis.begin || part.from > axis.end || width === 0) return null;
  return /* @__PURE__ */ jsx7("span", { class: `part part-${part.kind}${part.open ? " open" : ""}${waits2 ? " thin" : ""}`, style: { left: `${Math.min(from, axis.width - 2)}px`, width: `${width}px` } });
}
function After({ from, to, width, children }) {
  const room = 96;
  if (width - to > room) return /* @__PURE__ */ jsx7("span", { class: "tl-after", style: { left: `${to + 8}px` }, children });
  if (from > room) return /* @__PURE__ */ jsx7("span", { class: "tl-after", style: { right: `${Math.max(0, width - from) + 8}px` }, children });
  return /* @__PURE__ */ jsx7("span", { class: "tl-after inside", style: { right: `${Math.max(0, width - to) + 8}px` }, children });
}
function after(s, took2) {
  if (s.kind === "decision") return s.answer ? `${s.answer}${s.decided_by ? " by " + s.decided_by : ""}` : `waits ${coarse(took2)}`;
  if (s.status === "open" && waits(s)) return took2 > 0 ? `waits ${duration2(took2)}` : "waits";
  if (s.kind === "event" || s.kind === "sent" || s.kind === "signal") return took2 > 0 ? duration2(took2) : "";
  return duration2(took2);
}
function title(s) {
  if (s.kind === "timer") return s.name || "timer";
  if (s.kind === "decision") return `${(s.ask ?? "decision").replace(/_/g, " ")}: ${s.name || s.agent || ""}`;
  if (s.kind === "model") return s.model ? `${s.name || s.agent} · ${s.model}` : s.name || "model";
  return s.name || s.agent || s.target || s.kind;
}
function spoken(s, took2) {
  const parts = [title(s), s.kind, s.status === "open" && waits(s) ? "waiting" : s.status];
  if (s.attempt > 1) parts.push(`attempt ${s.attempt}`);
  if (took2 > 0) parts.push(duration2(took2));
  if (s.answer) parts.push(after(s, took2));
  if (s.failure) parts.push(s.failure.message.split("\n")[0] ?? "");
  return parts.join(", ");
}
function useSize(ref) {
  const [size, setSize] = useState7({ width: 1e3, height: 600 });
  useLayoutEffect(() => {
    const el = ref.current;
    if (!el) return;
    const read2 = () => setSize((old) => old.width === el.clientWidth && old.height === el.clientHeight ? old : { width: el.clientWidth, height: el.clientHeight });
    read2();
    const observer = new ResizeObserver(read2);
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  return size;
}

// src/pages/run/inspector.tsx
import { Fragment as Fragment5, jsx as jsx8, jsxs as jsxs8 } from "./core.js";
function Inspector({ run, execution, step, now: now2, end, onClose }) {
  const payload = (title2, n, size, open = false) => n && size ? /* @__PURE__ */ jsx8(Payload, { title: title2, run, execution, n, size, open }, `${title2} ${n}`) : null;
  return /* @__PURE__ */ jsxs8("aside", { class: "inspector", "aria-label": `Step ${title(step)}`, children: [
    /* @__PURE__ */ jsxs8("header", { class: "inspector-head", children: [
      /* @__PURE__ */ jsx8(StepIcon, { kind: step.kind, status: step.status }),
      /* @__PURE__ */ jsx8("h2", { children: title(step) }),
      /* @__PURE__ */ jsx8("button", { type: "button", class: "quiet", "aria-label": "Close the inspector", onClick: onClose, children: "✕" })
    ] }),
    step.failure && /* @__PURE__ */ jsx8(Failed, { failure: step.failure }),
    /* @__PURE__ */ jsxs8("dl", { class: "facts", children: [
      /* @__PURE__ */ jsx8(Fact, { name: "Status", children: statusText(step) }),
      /* @__PURE__ */ jsxs8(Fact, { name: "Kind", children: [
        step.kind,
        step.n > 0 && /* @__PURE__ */ jsxs8("span", { class: "dim", children: [
          " · event ",
          step.n,
          step.end_n && step.end_n !== step.n ? ` to ${step.end_n}` : ""
        ] })
      ] }),
      step.attempt > 1 && /* @__PURE__ */ jsxs8(Fact, { name: "Attempt", children: [
        step.attempt,
        step.max_attempts ? ` of ${step.max_attempts}` : ""
      ] }),
      step.model && /* @__PURE__ */ jsxs8(Fact, { name: "Model", children: [
        step.provider ? `${step.provider}/` : "",
        step.model
      ] }),
      step.tokens && /* @__PURE__ */ jsxs8(Fact, { name: "Tokens", children: [
        count3(step.tokens.total),
        " ",
        /* @__PURE__ */ jsxs8("span", { class: "dim", children: [
          "(",
          count3(step.tokens.in),
          " in",
          step.tokens.cached ? `, ${count3(step.tokens.cached)} cached` : "",
          ", ",
          count3(step.tokens.out),
          " out)"
        ] })
      ] }),
      !!step.cost_usd && /* @__PURE__ */ jsx8(Fact, { name: "Cost", children: cost3(step.cost_usd * 1e6) }),
      step.run && /* @__PURE__ */ jsx8(Fact, { name: "Run", children: /* @__PURE__ */ jsx8("a", { href: links5.run(step.run), children: step.run }) }),
      step.target && /* @__PURE__ */ jsx8(Fact, { name: "Target", children: targetLink(step.target) }),
      step.decision && /* @__PURE__ */ jsx8(Fact, { name: "Decision", children: /* @__PURE__ */ jsx8("a", { href: "inbox", children: step.answer ? `${step.answer}${step.decided_by ? ` by ${step.decided_by}` : ""}` : "open, see the inbox" }) }),
      /* @__PURE__ */ jsx8(Times, { step, now: now2, end }),
      step.worker && /* @__PURE__ */ jsx8(Fact, { name: "Worker", children: step.worker })
    ] }),
    payload("Input", step.kind === "event" ? 0 : step.n, step.input_bytes),
    payload("Output", step.end_n, step.output_bytes, (step.output_bytes ?? 0) < 4096),
    (step.attempts?.length ?? 0) > 0 && /* @__PURE__ */ jsx8(Attempts, { step })
  ] });
}
function Fact({ name, children }) {
  return /* @__PURE__ */ jsxs8("div", { class: "fact", children: [
    /* @__PURE__ */ jsx8("dt", { children: name }),
    /* @__PURE__ */ jsx8("dd", { children })
  ] });
}
function statusText(step) {
  if (step.status === "asked") return "waits for a decision";
  if (step.status === "canceled") return "canceled: the run does not wait for it any more";
  return step.status;
}
function targetLink(target) {
  const entity = /^@([^@]+)@(.*)$/s.exec(target);
  return /* @__PURE__ */ jsx8("a", { href: entity ? links5.entity(entity[1], entity[2]) : links5.run(target), children: target });
}
function Times({ step, now: now2, end }) {
  const t = timesOf(step, now2, end);
  const scheduled = step.attempts?.[0]?.scheduled_at ?? step.scheduled_at;
  return /* @__PURE__ */ jsxs8(Fragment5, { children: [
    scheduled && /* @__PURE__ */ jsx8(Fact, { name: "Scheduled", children: /* @__PURE__ */ jsx8(Time4, { at: scheduled, exact: true }) }),
    step.fire_at && /* @__PURE__ */ jsx8(Fact, { name: step.kind === "decision" ? "Deadline" : "Fires", children: /* @__PURE__ */ jsx8(Time4, { at: step.fire_at, exact: true }) }),
    step.completed_at && /* @__PURE__ */ jsx8(Fact, { name: "Ended", children: /* @__PURE__ */ jsx8(Time4, { at: step.completed_at, exact: true }) }),
    /* @__PURE__ */ jsxs8(Fact, { name: "Took", children: [
      duration3(t.whole),
      (t.queued > 0 || t.paused > 0) && /* @__PURE__ */ jsxs8("span", { class: "dim", children: [
        " · queued ",
        duration3(t.queued),
        ", ran ",
        duration3(t.ran),
        t.paused > 0 ? `, paused ${duration3(t.paused)}` : ""
      ] })
    ] })
  ] });
}
function Failed({ failure }) {
  return /* @__PURE__ */ jsxs8("section", { class: "failure", "aria-label": "Failure", children: [
    /* @__PURE__ */ jsxs8("p", { class: "failure-text", children: [
      /* @__PURE__ */ jsx8("strong", { children: failure.type }),
      " ",
      failure.message,
      failure.non_retriable && /* @__PURE__ */ jsx8("span", { class: "dim", children: " · is not tried again" })
    ] }),
    failure.stack && /* @__PURE__ */ jsxs8("details", { children: [
      /* @__PURE__ */ jsxs8("summary", { children: [
        "Stack ",
        /* @__PURE__ */ jsx8("span", { class: "dim", children: bytes2(failure.stack.length) })
      ] }),
      /* @__PURE__ */ jsx8("pre", { class: "code", children: failure.stack })
    ] }),
    failure.cause && !failure.message.includes(failure.cause.message) && /* @__PURE__ */ jsxs8("div", { class: "cause", children: [
      /* @__PURE__ */ jsx8("p", { class: "dim", children: "caused by" }),
      /* @__PURE__ */ jsx8(Failed, { failure: failure.cause })
    ] })
  ] });
}
function Attempts({ step }) {
  const all = [...step.attempts ?? [], step];
  return /* @__PURE__ */ jsxs8("details", { class: "attempts", open: all.length <= 5, children: [
    /* @__PURE__ */ jsxs8("summary", { children: [
      all.length,
      " attempts"
    ] }),
    /* @__PURE__ */ jsx8("ol", { children: all.map((a, i) => {
      const from = ms(a.started_at) ?? ms(a.scheduled_at);
      const to = ms(a.completed_at);
      const ended2 = to === void 0 || from === void 0 ? "" : duration3(to - from);
      return /* @__PURE__ */ jsxs8("li", { children: [
        /* @__PURE__ */ jsx8("span", { class: a.failure ? "bad" : "", children: a.failure ? "failed" : i === all.length - 1 ? step.status : "ended" }),
        ended2 && ` after ${ended2}`,
        a.worker && /* @__PURE__ */ jsxs8("span", { class: "dim", children: [
          " on ",
          a.worker
        ] }),
        a.backoff_until && to !== void 0 && /* @__PURE__ */ jsxs8("span", { class: "dim", children: [
          ", then paused ",
          duration3(ms(a.backoff_until) - to)
        ] }),
        a.failure && /* @__PURE__ */ jsx8("div", { class: "dim attempt-error", children: a.failure.message })
      ] }, a.n);
    }) })
  ] });
}

// src/pages/run/sentence.ts
import { duration as duration4 } from "./core.js";
function sentence(run, now2) {
  switch (run.status) {
    case "completed":
      return `completed${took(run)}`;
    case "failed":
      return `failed${took(run)}${run.error_text ? `: ${firstLine(run.error_text)}` : ""}`;
    case "terminated":
    case "canceled":
      return `was ${run.status}${took(run, "after")}`;
    case "suspended":
      return `suspended${since(run, now2)}; steps that run finish, nothing else begins`;
    case "pending":
      return run.start_at && Date.parse(run.start_at) > now2 ? `starts in ${duration4(Date.parse(run.start_at) - now2)}` : `queued${since(run, now2)}`;
  }
  return phase(run, now2);
}
function phase(run, now2) {
  const fires = run.next_fire_at ? Date.parse(run.next_fire_at) : void 0;
  const left = fires === void 0 ? "" : fires > now2 ? duration4(fires - now2) : "";
  switch (run.phase) {
    case "stuck":
      return `stuck${since(run, now2)}: ${run.phase_cause || "nothing can move"}`;
    case "waiting_approval":
      return `waiting${since(run, now2)} for a decision${run.phase_cause ? ` (${words(run.phase_cause)})` : ""}${left ? `; times out in ${left}` : ""}`;
    case "retrying":
      return `retrying ${run.current_step || "a step"}${run.attempt ? `, attempt ${run.attempt}` : ""}${left ? ` in ${left}` : " now"}`;
    case "waiting_event":
      return `waiting${since(run, now2)} for ${run.wait_name || waitsFor(run)}${left ? `; times out in ${left}` : ""}`;
    case "waiting_timer":
      return left ? `sleeping; wakes in ${left}` : "waking from its timer";
    case "active":
      return run.current_step ? `running ${run.current_step}${since(run, now2)}` : `running${since(run, now2)}`;
  }
  return "running";
}
function waitsFor(run) {
  const p = run.pending_counts ?? {};
  if (p.children) return p.children === 1 ? "a child run" : `${p.children} child runs`;
  if (p.entities) return "an entity";
  return "an event";
}
function since(run, now2) {
  const at = run.phase_since ?? run.created;
  return at ? ` ${duration4(now2 - Date.parse(at))}` : "";
}
function took(run, word = "in") {
  return run.duration_ms === void 0 ? "" : ` ${run.status === "failed" ? "after" : word} ${duration4(run.duration_ms)}`;
}
function words(cause) {
  return cause.replace(/_/g, " ");
}
function firstLine(text) {
  const line = text.split("\n")[0] ?? "";
  return line.length > 200 ? line.slice(0, 199) + "…" : line;
}

// src/pages/run/header.tsx
import { jsx as jsx9, jsxs as jsxs9 } from "./core.js";
function Header({ run, steps, now: now2, onApplied, onRewind }) {
  const spent = spentBy(steps);
  return /* @__PURE__ */ jsxs9("header", { class: "run-head", children: [
    /* @__PURE__ */ jsxs9("div", { class: "run-title", children: [
      /* @__PURE__ */ jsx9(Status3, { state: stateOf3(run) }),
      /* @__PURE__ */ jsx9("h1", { children: run.name.startsWith("perdure.agent/") ? run.agent || run.name.slice(14) : run.name }),
      /* @__PURE__ */ jsx9("code", { class: "run-id", children: run.id }),
      /* @__PURE__ */ jsx9(Copy2, { text: run.id, what: "id" }),
      /* @__PURE__ */ jsx9(Copy2, { text: location.href, what: "link" }),
      /* @__PURE__ */ jsx9(Actions, { run, onApplied, onRewind })
    ] }),
    /* @__PURE__ */ jsxs9("p", { class: "run-sentence", "aria-live": "off", children: [
      upper(sentence(run, now2)),
      "."
    ] }),
    /* @__PURE__ */ jsxs9("dl", { class: "run-facts", children: [
      /* @__PURE__ */ jsx9(Fact2, { name: "Started", children: /* @__PURE__ */ jsx9(Time5, { at: run.started ?? run.created }) }),
      run.completed && /* @__PURE__ */ jsx9(Fact2, { name: "Ended", children: /* @__PURE__ */ jsx9(Time5, { at: run.completed }) }),
      run.version && /* @__PURE__ */ jsx9(Fact2, { name: "Version", children: run.version }),
      run.parent_id && /* @__PURE__ */ jsx9(Fact2, { name: "Parent", children: /* @__PURE__ */ jsx9("a", { href: links6.run(run.parent_id), children: run.parent_id }) }),
      run.root_id && run.root_id !== run.parent_id && /* @__PURE__ */ jsx9(Fact2, { name: "Root", children: /* @__PURE__ */ jsx9("a", { href: links6.run(run.root_id), children: run.root_id }) }),
      run.session && /* @__PURE__ */ jsx9(Fact2, { name: "Session", children: sessionLink(run.session) }),
      spent.tokens > 0 && /* @__PURE__ */ jsx9(Fact2, { name: "Tokens", children: count4(spent.tokens) }),
      spent.usd > 0 && /* @__PURE__ */ jsx9(Fact2, { name: "Cost", children: cost4(spent.usd * 1e6) }),
      !!run.history_len && /* @__PURE__ */ jsxs9(Fact2, { name: "History", children: [
        run.history_len.toLocaleString("en"),
        " events, ",
        bytes3(run.history_bytes ?? 0)
      ] }),
      Object.entries(run.tags ?? {}).filter(([k]) => !k.startsWith("perdure.")).map(([k, v]) => /* @__PURE__ */ jsx9(Fact2, { name: "", children: /* @__PURE__ */ jsxs9("a", { class: "tag", href: links6.runs(`tag.${k}=${JSON.stringify(v)}`), children: [
        k,
        "=",
        v
      ] }) }, k))
    ] }),
    run.hint && /* @__PURE__ */ jsx9("p", { class: "problem", children: run.hint }),
    /* @__PURE__ */ jsx9(Payloads, { run })
  ] });
}
function Fact2({ name, children }) {
  return /* @__PURE__ */ jsxs9("div", { children: [
    name && /* @__PURE__ */ jsx9("dt", { children: name }),
    !name && /* @__PURE__ */ jsx9("dt", { class: "hidden-text", children: "Tag" }),
    /* @__PURE__ */ jsx9("dd", { children })
  ] });
}
function spentBy(steps) {
  let tokens = 0;
  let usd = 0;
  for (const s of steps) {
    tokens += s.tokens?.total ?? 0;
    usd += s.cost_usd ?? 0;
  }
  return { tokens, usd };
}
function sessionLink(id) {
  const parts = /^@dafx-([^@]+)@(.*)$/s.exec(id);
  return parts ? /* @__PURE__ */ jsxs9("a", { href: links6.session(parts[1], parts[2]), children: [
    parts[1],
    " / ",
    parts[2]
  ] }) : id;
}
function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
function Payloads({ run }) {
  return /* @__PURE__ */ jsxs9("div", { class: "run-payloads", children: [
    run.failure && /* @__PURE__ */ jsx9(Failed, { failure: run.failure }),
    run.input !== void 0 && /* @__PURE__ */ jsx9(Fold, { title: "Input", value: run.input }),
    run.output !== void 0 && /* @__PURE__ */ jsx9(Fold, { title: "Output", value: run.output }),
    run.custom_status !== void 0 && run.custom_status !== null && /* @__PURE__ */ jsx9(Fold, { title: "Custom status", value: run.custom_status })
  ] });
}
function Fold({ title: title2, value }) {
  const [open, setOpen] = useState8(false);
  const text = JSON.stringify(value) ?? "";
  return /* @__PURE__ */ jsxs9("details", { class: "fold", open, onToggle: (e) => setOpen(e.currentTarget.open), children: [
    /* @__PURE__ */ jsxs9("summary", { children: [
      /* @__PURE__ */ jsx9("b", { children: title2 }),
      " ",
      !open && /* @__PURE__ */ jsx9("code", { class: "dim", children: text.length > 160 ? text.slice(0, 159) + "…" : text })
    ] }),
    open && /* @__PURE__ */ jsx9("div", { class: "fold-body", children: /* @__PURE__ */ jsx9(JsonView3, { value, label: title2 }) })
  ] });
}

// src/pages/run/history.tsx
import { useEffect as useEffect6, useMemo as useMemo4, useRef as useRef4, useState as useState9 } from "./core.js";
import { get as get3, path as path5, query as query5 } from "./core.js";
import { bytes as bytes4, duration as duration5 } from "./core.js";
import { JsonView as JsonView4 } from "./core.js";
import { Time as Time6 } from "./core.js";
import { Fragment as Fragment6, jsx as jsx10, jsxs as jsxs10 } from "./core.js";
var rowHeight2 = 28;
var headHeight = 28;
var pageSize = 500;
function History(p) {
  const [filter, setFilter] = useState9("");
  const [applied, setApplied] = useState9("");
  const box = useRef4(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState9(0);
  const window = visible(scroll, Math.max(0, size.height - headHeight), rowHeight2, Number.MAX_SAFE_INTEGER);
  const events = useEvents(p, applied, window);
  const last = Math.min(window.last, events.matched);
  const at = useMemo4(() => applied ? events.find(p.selected) : p.selected - 1, [p.selected, applied, events]);
  useEffect6(() => {
    const timer = setTimeout(() => {
      setApplied(filter.trim());
      box.current?.scrollTo({ top: 0 });
    }, 120);
    return () => clearTimeout(timer);
  }, [filter]);
  useEffect6(() => {
    if (box.current && at >= 0) box.current.scrollTop = reveal(box.current.scrollTop, size.height - headHeight, rowHeight2, at, 3);
  }, [p.selected, events.matched > 0]);
  const move = (by) => {
    const event = events.at(Math.max(0, Math.min(events.matched - 1, at + by)));
    if (event) p.onSelect(event.n);
  };
  const onKey = (e) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[e.key];
    if (by === void 0 || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    move(by);
    requestAnimationFrame(() => box.current?.querySelector("[aria-selected=true]")?.focus({ preventScroll: true }));
  };
  const shown = events.at(at);
  return /* @__PURE__ */ jsxs10("div", { class: "split", children: [
    /* @__PURE__ */ jsxs10("div", { class: "hist-frame", children: [
      /* @__PURE__ */ jsxs10("div", { class: "tl-bar", children: [
        /* @__PURE__ */ jsx10("input", { type: "search", class: "input", placeholder: "Filter: type, name, id", "aria-label": "Filter events by type, name or instance", value: filter, onInput: (e) => setFilter(e.currentTarget.value) }),
        /* @__PURE__ */ jsx10(Jump, { total: events.total, onJump: p.onSelect }),
        /* @__PURE__ */ jsxs10("span", { class: "dim", children: [
          applied ? `${events.matched.toLocaleString("en")} of ` : "",
          events.total.toLocaleString("en"),
          " events"
        ] }),
        /* @__PURE__ */ jsx10(Download, { run: p.run, execution: p.execution })
      ] }),
      events.error && /* @__PURE__ */ jsx10("p", { class: "error", children: events.error }),
      /* @__PURE__ */ jsxs10("div", { class: "hist", ref: box, role: "grid", "aria-label": "Events of the history", "aria-rowcount": events.matched + 1, "aria-colcount": 6, onScroll: (e) => setScroll(e.currentTarget.scrollTop), onKeyDown: onKey, children: [
        /* @__PURE__ */ jsx10("div", { class: "hist-row hist-head", role: "row", "aria-rowindex": 1, children: ["#", "Type", "Step", "Time", "Delta", "Size"].map((h) => /* @__PURE__ */ jsx10("span", { role: "columnheader", children: h }, h)) }),
        /* @__PURE__ */ jsx10("div", { class: "tl-rows", role: "rowgroup", style: { height: `${events.matched * rowHeight2}px` }, children: Array.from({ length: Math.max(0, last - window.first) }, (_, i) => {
          const index = window.first + i;
          const event = events.at(index);
          return /* @__PURE__ */ jsx10(EventRow, { index, event, before: events.at(index - 1), selected: !!event && event.n === p.selected, tabbable: at < 0 ? index === 0 : index === at, onSelect: p.onSelect }, index);
        }) })
      ] })
    ] }),
    shown && p.selected > 0 && /* @__PURE__ */ jsx10(EventDetail, { event: shown, run: p.run, execution: p.execution, began: p.began, onClose: () => p.onSelect(0) })
  ] });
}
function useEvents(p, filter, window) {
  const [, redraw] = useState9(0);
  const key2 = `${p.run}
${p.execution}
${filter}`;
  const held = useRef4({ key: "", version: 0, pages: /* @__PURE__ */ new Map(), total: 0, matched: 0, error: "" });
  if (held.current.key !== key2) held.current = { key: key2, version: p.version, pages: /* @__PURE__ */ new Map(), total: 0, matched: 0, error: "" };
  const known = held.current;
  if (known.version !== p.version) {
    known.version = p.version;
    for (const [n, list] of known.pages) if (list.length < pageSize) known.pages.delete(n);
  }
  const wanted = known.matched === 0 ? [0] : pages({ first: window.first, last: Math.min(window.last, known.matched) }, pageSize);
  if (known.pages.size > 0 && known.matched > 0) {
    const lastPage = Math.floor((known.matched - 1) / pageSize);
    if (!wanted.includes(lastPage) && !known.pages.has(lastPage)) wanted.push(lastPage);
  }
  const missing = wanted.find((n) => !known.pages.has(n));
  const order = `${key2}
${p.version}
${missing}`;
  useEffect6(() => {
    if (missing === void 0) return;
    const abort = new AbortController();
    get3(path5`runs/${p.run}/history` + query5({ execution: p.execution, filter, after: missing * pageSize, limit: pageSize }), abort.signal).then(
      (page) => {
        known.pages.set(missing, page.items);
        known.total = page.total;
        known.matched = page.matched;
        known.error = "";
        redraw((n) => n + 1);
      },
      (e) => {
        if (abort.signal.aborted) return;
        known.error = e.message;
        redraw((n) => n + 1);
      }
    );
    return () => abort.abort();
  }, [order]);
  return {
    total: known.total,
    matched: known.matched,
    ...known.error ? { error: known.error } : {},
    at: (index) => known.pages.get(Math.floor(index / pageSize))?.[index % pageSize],
    find: (n) => {
      for (const [page, list] of known.pages) {
        const i = list.findIndex((e) => e.n === n);
        if (i >= 0) return page * pageSize + i;
      }
      return -1;
    }
  };
}
function EventRow(p) {
  const e = p.event;
  const time = e && Date.parse(e.time);
  const delta = e && p.before ? time - Date.parse(p.before.time) : void 0;
  return /* @__PURE__ */ jsxs10(
    "div",
    {
      class: "hist-row" + (p.selected ? " selected" : "") + (e?.failure ? " is-failed" : ""),
      role: "row",
      "aria-rowindex": p.index + 2,
      "aria-selected": p.selected,
      tabIndex: p.tabbable ? 0 : -1,
      style: { top: `${p.index * rowHeight2}px` },
      onClick: () => e && p.onSelect(e.n),
      onKeyDown: (k) => {
        if (k.key === "Enter" && e) p.onSelect(e.n);
      },
      children: [
        /* @__PURE__ */ jsx10("span", { role: "gridcell", class: "num", children: e?.n ?? p.index + 1 }),
        /* @__PURE__ */ jsx10("span", { role: "gridcell", class: "hist-type", children: e?.type ?? "" }),
        /* @__PURE__ */ jsx10("span", { role: "gridcell", class: "hist-step", children: e && stepText(e) }),
        /* @__PURE__ */ jsx10("span", { role: "gridcell", children: time !== void 0 && /* @__PURE__ */ jsx10(Time6, { at: e.time, exact: true }) }),
        /* @__PURE__ */ jsx10("span", { role: "gridcell", class: "num", children: delta !== void 0 && delta > 0 ? "+" + duration5(delta) : "" }),
        /* @__PURE__ */ jsx10("span", { role: "gridcell", class: "num", children: e?.data_bytes ? bytes4(e.data_bytes) : "" })
      ]
    }
  );
}
function stepText(e) {
  const parts = [e.name ?? "", e.step !== void 0 ? `step ${e.step}` : "", e.instance ?? "", e.failure ? e.failure.message.split("\n")[0] : "", e.reason ?? "", e.status ?? ""];
  return parts.filter(Boolean).join(" · ");
}
function EventDetail({ event, run, execution, began, onClose }) {
  const { data, data_bytes, ...rest } = event;
  return /* @__PURE__ */ jsxs10("aside", { class: "inspector", "aria-label": `Event ${event.n}`, children: [
    /* @__PURE__ */ jsxs10("header", { class: "inspector-head", children: [
      /* @__PURE__ */ jsxs10("h2", { children: [
        event.n,
        " · ",
        event.type
      ] }),
      /* @__PURE__ */ jsx10("button", { type: "button", class: "quiet", "aria-label": "Close the event", onClick: onClose, children: "✕" })
    ] }),
    /* @__PURE__ */ jsxs10("p", { class: "dim", children: [
      /* @__PURE__ */ jsx10(Time6, { at: event.time, exact: true }),
      " · ",
      duration5(Math.max(0, Date.parse(event.time) - began)),
      " after the beginning"
    ] }),
    /* @__PURE__ */ jsx10(JsonView4, { value: rest }),
    data !== void 0 ? /* @__PURE__ */ jsxs10(Fragment6, { children: [
      /* @__PURE__ */ jsxs10("h3", { children: [
        "Payload ",
        /* @__PURE__ */ jsx10("span", { class: "dim", children: bytes4(data_bytes ?? 0) })
      ] }),
      /* @__PURE__ */ jsx10(JsonView4, { value: data })
    ] }) : data_bytes ? /* @__PURE__ */ jsx10(Payload, { title: "Payload", run, execution, n: event.n, size: data_bytes }, event.n) : null
  ] });
}
function Jump({ total: total2, onJump }) {
  const [text, setText] = useState9("");
  const submit = (e) => {
    e.preventDefault();
    const n = Number(text);
    if (Number.isInteger(n) && n >= 1) onJump(Math.min(n, total2));
  };
  return /* @__PURE__ */ jsx10("form", { class: "jump", onSubmit: submit, children: /* @__PURE__ */ jsx10("input", { class: "input", inputMode: "numeric", size: 7, placeholder: "Jump to #", "aria-label": "Jump to event number", value: text, onInput: (e) => setText(e.currentTarget.value) }) });
}
function Download({ run, execution }) {
  const [busy, setBusy] = useState9("");
  const download = async () => {
    try {
      const all = [];
      let after2 = 0;
      while (after2 !== void 0) {
        const page = await get3(path5`runs/${run}/history` + query5({ execution, after: after2, limit: 1e4 }));
        all.push(...page.items);
        setBusy(`${all.length.toLocaleString("en")} of ${page.total.toLocaleString("en")}…`);
        after2 = page.next;
      }
      save(`${run}-history.json`, JSON.stringify(all, null, 1));
      setBusy("");
    } catch (e) {
      setBusy(e.message);
    }
  };
  return /* @__PURE__ */ jsx10("button", { type: "button", class: "quiet", onClick: () => void download(), children: busy || "Download JSON" });
}
function save(name, text, type = "application/json") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1e3);
}

// src/pages/run/related.tsx
import { useEffect as useEffect7 } from "./core.js";
import { path as path6, useQuery as useQuery3 } from "./core.js";
import { links as links7 } from "./core.js";
import { stateOf as stateOf4 } from "./core.js";
import { Problem as Problem4 } from "./core.js";
import { Status as Status4 } from "./core.js";
import { Duration as Duration2, Time as Time7 } from "./core.js";
import { jsx as jsx11, jsxs as jsxs11 } from "./core.js";
function Related({ run, version }) {
  const { data, error, refetch } = useQuery3(path6`runs/${run}/tree`);
  useEffect7(() => {
    const timer = setTimeout(refetch, 300);
    return () => clearTimeout(timer);
  }, [version]);
  if (error && !data) return /* @__PURE__ */ jsx11(Problem4, { error, retry: refetch });
  if (!data) return /* @__PURE__ */ jsx11("p", { class: "dim pad", children: "Loading…" });
  return /* @__PURE__ */ jsxs11("div", { class: "family", children: [
    data.items.length === 1 && /* @__PURE__ */ jsx11("p", { class: "dim", children: "This run has no parent and has started no other." }),
    /* @__PURE__ */ jsx11("ul", { class: "plain", children: inOrder(data.items).map(({ run: r, depth }) => /* @__PURE__ */ jsxs11("li", { style: { paddingInlineStart: `${depth * 22}px` }, class: r.id === run ? "is-this" : "", children: [
      /* @__PURE__ */ jsx11(Status4, { state: stateOf4(r) }),
      r.id === run ? /* @__PURE__ */ jsx11("b", { "aria-current": "page", children: r.name }) : /* @__PURE__ */ jsx11("span", { children: r.name }),
      /* @__PURE__ */ jsx11("a", { href: links7.run(r.id), children: r.id }),
      /* @__PURE__ */ jsx11("span", { class: "end dim num", children: /* @__PURE__ */ jsx11(Duration2, { ms: r.duration_ms, from: r.started ?? r.created, to: r.completed }) }),
      /* @__PURE__ */ jsx11(Time7, { at: r.created })
    ] }, r.id)) }),
    data.partial && /* @__PURE__ */ jsxs11("p", { class: "dim", children: [
      "There are more than are shown. ",
      /* @__PURE__ */ jsx11("a", { href: links7.runs(`root:${data.items[0]?.id ?? run}`), children: "List all" })
    ] })
  ] });
}
function inOrder(runs) {
  const known = new Set(runs.map((r) => r.id));
  const below = /* @__PURE__ */ new Map();
  for (const r of runs) {
    const parent = r.parent_id && known.has(r.parent_id) && r.parent_id !== r.id ? r.parent_id : "";
    below.set(parent, [...below.get(parent) ?? [], r]);
  }
  const all = [];
  const rest = (below.get("") ?? []).map((run) => ({ run, depth: 0 })).reverse();
  for (let next = rest.pop(); next; next = rest.pop()) {
    all.push(next);
    const { run, depth } = next;
    rest.push(...(below.get(run.id) ?? []).map((run2) => ({ run: run2, depth: depth + 1 })).reverse());
  }
  return all;
}

// src/pages/run/rewind.tsx
import { useEffect as useEffect8, useState as useState10 } from "./core.js";
import { path as path7, post as post2 } from "./core.js";
import { Fragment as Fragment7, jsx as jsx12, jsxs as jsxs12 } from "./core.js";
function RewindDialog({ run, onClose, onDone }) {
  const [reason, setReason] = useState10("");
  const [dry, setDry] = useState10();
  useEffect8(() => {
    let current = true;
    post2(path7`runs/${run.id}/rewind` + "?dry_run=1").then(
      (preview) => current && setDry({ preview }),
      (error) => current && setDry({ error })
    );
    return () => {
      current = false;
    };
  }, [run.id, run.row_version]);
  return /* @__PURE__ */ jsxs12(ActionForm, { title: "Rewind the run", button: "Rewind", invalid: !dry?.preview, onClose, send: (key2) => post2(path7`runs/${run.id}/rewind`, reason ? { reason } : {}, key2).then(onDone), children: [
    /* @__PURE__ */ jsx12("p", { children: "The run goes on from before the first step that failed. What it has done is served from its history." }),
    /* @__PURE__ */ jsx12("div", { class: "rewind-plan", role: "status", children: !dry ? /* @__PURE__ */ jsx12("span", { class: "dim", children: "Looking…" }) : dry.error ? /* @__PURE__ */ jsxs12("p", { class: "bad", children: [
      dry.error.message,
      " ",
      dry.error.hint
    ] }) : /* @__PURE__ */ jsx12(Plan, { preview: dry.preview }) }),
    /* @__PURE__ */ jsxs12("label", { class: "field", children: [
      "Reason ",
      /* @__PURE__ */ jsx12("span", { class: "dim", children: "for the record" }),
      /* @__PURE__ */ jsx12("input", { value: reason, maxLength: 4e3, onInput: (e) => setReason(e.currentTarget.value) })
    ] })
  ] });
}
function Plan({ preview }) {
  const again = preview.steps_run_again;
  return /* @__PURE__ */ jsxs12("p", { children: [
    /* @__PURE__ */ jsxs12("b", { children: [
      preview.steps_reused,
      " step",
      preview.steps_reused === 1 ? "" : "s",
      " reused, ",
      again.length,
      " run again"
    ] }),
    again.length > 0 && /* @__PURE__ */ jsxs12(Fragment7, { children: [
      ": ",
      tally(again)
    ] })
  ] });
}
function tally(names) {
  const counts = /* @__PURE__ */ new Map();
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  const all = [...counts].map(([n, c]) => c > 1 ? `${n} ×${c}` : n);
  return all.length > 8 ? `${all.slice(0, 8).join(", ")} and ${all.length - 8} more` : all.join(", ");
}

// src/pages/run/state.tsx
import { useEffect as useEffect9, useRef as useRef5, useState as useState11 } from "./core.js";
import { path as path8, query as query6, useQuery as useQuery4 } from "./core.js";
import { duration as duration6 } from "./core.js";
import { useKeys as useKeys2 } from "./core.js";
import { param as param2, setParams as setParams2 } from "./core.js";
import { stateOf as stateOf5 } from "./core.js";
import { JsonView as JsonView5 } from "./core.js";
import { Problem as Problem5 } from "./core.js";
import { Status as Status5 } from "./core.js";
import { Time as Time8 } from "./core.js";
import { jsx as jsx13, jsxs as jsxs13 } from "./core.js";
function StateTab({ run, execution, total: total2, began }) {
  const chosen = Math.min(Number(param2("at")) || total2, total2);
  const at = useSettled(chosen);
  const { data, error, refetch } = useQuery4(total2 > 0 ? path8`runs/${run}/state` + query6({ at, execution }) : void 0);
  const choose = (n) => setParams2({ at: n >= total2 ? void 0 : String(Math.max(1, n)) });
  useKeys2({ ",": () => choose(chosen - 1), ".": () => choose(chosen + 1) });
  const state = data;
  return /* @__PURE__ */ jsxs13("div", { class: "state", children: [
    /* @__PURE__ */ jsxs13("div", { class: "scrub", children: [
      /* @__PURE__ */ jsx13("button", { type: "button", "aria-label": "One event back", title: "One event back ( , )", disabled: chosen <= 1, onClick: () => choose(chosen - 1), children: "‹" }),
      /* @__PURE__ */ jsx13("input", { type: "range", min: 1, max: Math.max(1, total2), value: chosen, "aria-label": "Event", "aria-valuetext": state ? `event ${chosen}, ${state.event.type}` : `event ${chosen}`, onInput: (e) => choose(Number(e.currentTarget.value)) }),
      /* @__PURE__ */ jsx13("button", { type: "button", "aria-label": "One event on", title: "One event on ( . )", disabled: chosen >= total2, onClick: () => choose(chosen + 1), children: "›" }),
      /* @__PURE__ */ jsxs13("span", { class: "num scrub-at", children: [
        chosen.toLocaleString("en"),
        " of ",
        total2.toLocaleString("en")
      ] })
    ] }),
    error && /* @__PURE__ */ jsx13(Problem5, { error, retry: refetch }),
    state && /* @__PURE__ */ jsxs13("div", { class: "state-grid", children: [
      /* @__PURE__ */ jsxs13("section", { class: "card", children: [
        /* @__PURE__ */ jsxs13("h2", { children: [
          "After event ",
          state.at.toLocaleString("en")
        ] }),
        /* @__PURE__ */ jsxs13("p", { children: [
          /* @__PURE__ */ jsx13(Status5, { state: stateOf5({ status: state.status }) }),
          " ",
          /* @__PURE__ */ jsxs13("span", { class: "dim", children: [
            "turn ",
            state.turn,
            " · ",
            /* @__PURE__ */ jsx13(Time8, { at: state.time, exact: true }),
            " · ",
            duration6(Math.max(0, Date.parse(state.time) - began)),
            " after the beginning"
          ] })
        ] }),
        /* @__PURE__ */ jsxs13("p", { children: [
          /* @__PURE__ */ jsx13("b", { children: state.event.type }),
          " ",
          state.event.name,
          state.event.step !== void 0 && /* @__PURE__ */ jsxs13("span", { class: "dim", children: [
            " ends step ",
            state.event.step
          ] })
        ] }),
        state.event.failure && /* @__PURE__ */ jsx13("p", { class: "bad", children: state.event.failure.message }),
        state.event.data !== void 0 ? /* @__PURE__ */ jsx13(JsonView5, { value: state.event.data }) : state.event.data_bytes ? /* @__PURE__ */ jsx13(Payload, { title: "Payload", run, execution, n: state.at, size: state.event.data_bytes }) : null
      ] }),
      /* @__PURE__ */ jsxs13("section", { class: "card", children: [
        /* @__PURE__ */ jsxs13("h2", { children: [
          "Pending ",
          /* @__PURE__ */ jsx13("span", { class: "badge", children: state.open.length })
        ] }),
        /* @__PURE__ */ jsx13(StepList, { steps: state.open, now: Date.parse(state.time), none: "Nothing is pending." })
      ] }),
      /* @__PURE__ */ jsxs13("section", { class: "card", children: [
        /* @__PURE__ */ jsxs13("h2", { children: [
          "Ended ",
          /* @__PURE__ */ jsx13("span", { class: "badge", children: state.done + state.failed }),
          state.failed > 0 && /* @__PURE__ */ jsxs13("span", { class: "bad", children: [
            " ",
            state.failed,
            " failed"
          ] })
        ] }),
        /* @__PURE__ */ jsx13(StepList, { steps: state.ended, now: Date.parse(state.time), none: "No step has ended." }),
        state.done + state.failed > state.ended.length && /* @__PURE__ */ jsxs13("p", { class: "dim", children: [
          "The newest ",
          state.ended.length,
          " are shown."
        ] })
      ] })
    ] })
  ] });
}
function StepList({ steps, now: now2, none }) {
  if (steps.length === 0) return /* @__PURE__ */ jsx13("p", { class: "dim", children: none });
  return /* @__PURE__ */ jsx13("ul", { class: "plain", children: steps.slice(0, 100).map((s) => {
    const from = ms(s.scheduled_at);
    const to = ms(s.completed_at);
    return /* @__PURE__ */ jsxs13("li", { children: [
      /* @__PURE__ */ jsx13(StepIcon, { kind: s.kind, status: s.status }),
      " ",
      /* @__PURE__ */ jsx13("span", { children: title(s) }),
      /* @__PURE__ */ jsx13("span", { class: s.status === "failed" ? "bad" : "dim", children: s.status === "failed" ? s.failure?.message : to === void 0 ? waits(s) ? "waits" : s.status : "" }),
      /* @__PURE__ */ jsx13("span", { class: "dim num end", children: from !== void 0 && duration6(Math.max(0, (to ?? now2) - from)) })
    ] }, keyOf(s));
  }) });
}
function useSettled(value) {
  const [settled, setSettled] = useState11(value);
  const first = useRef5(true);
  useEffect9(() => {
    if (first.current) {
      first.current = false;
      return void 0;
    }
    const timer = setTimeout(() => setSettled(value), 60);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

// src/pages/run.tsx
import { jsx as jsx14, jsxs as jsxs14 } from "./core.js";
var Graph = lazily(() => import("./graph.js").then((m) => m.GraphTab));
var Sequence = lazily(() => import("./sequence.js").then((m) => m.SequenceTab));
function Run({ params }) {
  const id = params["id"] ?? "";
  const execution = param3("execution");
  const { run, error, gone, refetch } = useRun(id);
  const steps = useSteps(id, execution, run?.row_version ?? 0);
  const [rewinding, setRewinding] = useState12(false);
  const current = execution === "" || execution === run?.execution;
  const moving = !!run && current && !ended(run.status);
  const now2 = clock.value + steps.ahead;
  const began = Date.parse(steps.page?.began ?? run?.started ?? run?.created ?? "") || now2;
  const step = find(steps.items, param3("step"));
  const key2 = step ? keyOf(step) : "";
  const select2 = (k) => setParams3({ step: k || void 0 });
  const move = (by) => {
    const at = steps.items.findIndex((s) => keyOf(s) === key2);
    const to = steps.items[at < 0 ? 0 : Math.max(0, Math.min(steps.items.length - 1, at + by))];
    if (to) select2(keyOf(to));
  };
  useKeys3({
    h: () => move(-1),
    l: () => move(1),
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
    "[": () => run?.created && void neighbour(id, run.created, "newer"),
    "]": () => run?.created && void neighbour(id, run.created, "older"),
    Escape: () => key2 ? select2("") : param3("event") ? setParams3({ event: void 0 }) : history.length > 1 ? history.back() : go3("runs")
  });
  if (!run) {
    return /* @__PURE__ */ jsxs14("section", { class: "page", children: [
      /* @__PURE__ */ jsxs14("h1", { class: "hidden-text", children: [
        "Run ",
        id
      ] }),
      error instanceof ProblemError4 && error.status === 404 ? /* @__PURE__ */ jsxs14(Empty3, { title: "No such run", children: [
        /* @__PURE__ */ jsxs14("p", { children: [
          "There is no run ",
          /* @__PURE__ */ jsx14("code", { children: id }),
          "; it may have been purged."
        ] }),
        /* @__PURE__ */ jsx14("p", { children: /* @__PURE__ */ jsx14("a", { href: "runs", children: "All runs" }) })
      ] }) : error ? /* @__PURE__ */ jsx14(Problem6, { error: error instanceof ProblemError4 ? error : new ProblemError4(0, { detail: error.message }), retry: refetch }) : /* @__PURE__ */ jsx14("p", { class: "dim", children: "Loading…" })
    ] });
  }
  const stepLink = (eventID) => links8.run(id) + `?step=e${eventID}`;
  const inspector = step && /* @__PURE__ */ jsx14(Inspector, { run: id, execution, step, now: now2, ...moving ? {} : { end: Date.parse(steps.page?.newest ?? "") || now2 }, onClose: () => select2("") });
  return /* @__PURE__ */ jsxs14("section", { class: "page fill run-page", children: [
    gone && /* @__PURE__ */ jsx14("p", { class: "problem", role: "alert", children: "This run was purged. What you see is what was last known." }),
    !current && /* @__PURE__ */ jsxs14("p", { class: "problem", children: [
      "This is an older execution. ",
      /* @__PURE__ */ jsx14("a", { href: links8.run(id), children: "Show the current one" })
    ] }),
    /* @__PURE__ */ jsx14(Header, { run, steps: steps.items, now: now2, onApplied: refetch, onRewind: () => setRewinding(true) }),
    run && steps.error && !steps.page && /* @__PURE__ */ jsx14(Problem6, { error: new ProblemError4(0, { detail: steps.error.message }) }),
    /* @__PURE__ */ jsx14(Tabs, { label: "Views of the run", tabs: [
      { id: "timeline", title: "Timeline", panel: () => /* @__PURE__ */ jsxs14("div", { class: "split", children: [
        /* @__PURE__ */ jsx14(Timeline, { steps, now: now2, moving, selected: key2, ...range(), onSelect: select2, onRange: (r) => setParams3({ from: r && String(r.from), to: r && String(r.to) }), onOpenRun: (child) => go3(links8.run(child)) }),
        inspector
      ] }) },
      { id: "history", title: "History", panel: () => /* @__PURE__ */ jsx14(History, { run: id, execution, version: run.row_version, began, selected: Number(param3("event")) || 0, onSelect: (n) => setParams3({ event: n ? String(n) : void 0 }) }) },
      { id: "conversation", title: "Conversation", panel: () => /* @__PURE__ */ jsx14(ConversationTab, { run: id, version: run.row_version, stepLink }) },
      { id: "graph", title: "Graph", panel: () => /* @__PURE__ */ jsx14(Graph, { run: id, execution, version: run.row_version, onStep: (e) => setParams3({ tab: void 0, step: `e${e}` }, false) }) },
      { id: "sequence", title: "Sequence", panel: () => /* @__PURE__ */ jsxs14("div", { class: "split", children: [
        /* @__PURE__ */ jsx14(Sequence, { id, name: run.name, steps: steps.items, began, selected: key2, onSelect: select2 }),
        inspector
      ] }) },
      { id: "state", title: "State", panel: () => /* @__PURE__ */ jsx14(StateTab, { run: id, execution, total: total(steps, run.history_len ?? 0, current), began }) },
      { id: "related", title: "Related", panel: () => /* @__PURE__ */ jsx14(Related, { run: id, version: run.row_version }) }
    ] }),
    rewinding && /* @__PURE__ */ jsx14(RewindDialog, { run, onClose: () => setRewinding(false), onDone: () => {
      setRewinding(false);
      setParams3({ at: void 0, step: void 0 });
      refetch();
    } })
  ] });
}
function find(steps, name) {
  if (name === "") return void 0;
  if (/^e-?\d+$/.test(name)) return steps.find((s) => s.event_id === Number(name.slice(1)) && s.n > 0);
  return steps.find((s) => keyOf(s) === name);
}
function range() {
  const from = Number(param3("from"));
  const to = Number(param3("to"));
  return param3("to") !== "" && to > from ? { range: { from, to } } : {};
}
function total(steps, known, current) {
  return current ? known : Math.max(0, ...steps.items.map((s) => Math.max(s.n, s.end_n ?? 0)));
}
async function neighbour(id, created, way) {
  const filter = way === "older" ? `created<=${created}` : `created>=${created}`;
  const page = await get4("runs" + query7({ filter, sort: way === "older" ? "-created" : "created", limit: 5 }));
  const at = page.items.findIndex((r) => r.id === id);
  const next = page.items[at + 1];
  if (next) go3(links8.run(next.id) + (param3("tab") && `?tab=${param3("tab")}`));
}

// src/pages/inbox.tsx
import { useEffect as useEffect11, useMemo as useMemo5, useRef as useRef7, useState as useState14 } from "./core.js";
import { query as query8, useQuery as useQuery7 } from "./core.js";
import { askText as askText2, doneText as doneText2, itemsOf, keyedAnswer, kindText as kindText2 } from "./core.js";
import { useKeys as useKeys4 } from "./core.js";
import { useTopic as useTopic5 } from "./core.js";
import { param as param4, setParams as setParams4 } from "./core.js";
import { Deadline as Deadline3 } from "./core.js";
import { Empty as Empty4 } from "./core.js";
import { Problem as Problem7 } from "./core.js";
import { Tabs as Tabs2 } from "./core.js";
import { Time as Time11 } from "./core.js";
import { Visible as Visible3 } from "./core.js";

// src/pages/inbox/Detail.tsx
import { path as path9, useQuery as useQuery5 } from "./core.js";
import { askText, doneText, kindText, timeoutText, whyText } from "./core.js";
import { links as links9 } from "./core.js";
import { Markdown as Markdown2 } from "./core.js";
import { Arguments } from "./core.js";
import { Payload as Payload2 } from "./core.js";
import { Time as Time9 } from "./core.js";
import { Visible } from "./core.js";
import { Deadline } from "./core.js";
import { Decide } from "./core.js";
import { Fragment as Fragment8, jsx as jsx15, jsxs as jsxs15 } from "./core.js";
var lastSaid = 6;
function Detail({ decision: d, onDone, ask, gone }) {
  return /* @__PURE__ */ jsxs15("article", { class: "inbox-detail", "aria-label": askText(d), children: [
    /* @__PURE__ */ jsxs15("header", { children: [
      /* @__PURE__ */ jsxs15("p", { class: "inbox-kind", children: [
        /* @__PURE__ */ jsx15("span", { class: "kind kind-" + d.kind, children: kindText(d.kind) }),
        d.state === "pending" ? /* @__PURE__ */ jsx15(Deadline, { at: d.deadline ?? void 0, then: timeoutText(d.on_timeout) }) : /* @__PURE__ */ jsx15("span", { children: doneText(d) })
      ] }),
      /* @__PURE__ */ jsx15("h2", { children: /* @__PURE__ */ jsx15(Visible, { text: askText(d), exact: true }) }),
      /* @__PURE__ */ jsxs15("p", { class: "dim", children: [
        "asked ",
        /* @__PURE__ */ jsx15(Time9, { at: d.requested_at }),
        d.originator?.name && /* @__PURE__ */ jsxs15(Fragment8, { children: [
          " for ",
          /* @__PURE__ */ jsx15(Visible, { text: d.originator.name, exact: true })
        ] }),
        d.assignee && /* @__PURE__ */ jsxs15(Fragment8, { children: [
          ", of ",
          /* @__PURE__ */ jsx15(Visible, { text: d.assignee, exact: true })
        ] }),
        !!d.level && /* @__PURE__ */ jsxs15(Fragment8, { children: [
          ", ",
          d.level,
          " before ",
          d.level === 1 ? "has" : "have",
          " not answered"
        ] })
      ] }),
      d.reason && /* @__PURE__ */ jsx15("p", { class: "inbox-reason", children: /* @__PURE__ */ jsx15(Visible, { text: d.reason, exact: true }) })
    ] }),
    d.kind !== "budget" && /* @__PURE__ */ jsxs15("section", { children: [
      /* @__PURE__ */ jsx15("h3", { children: /* @__PURE__ */ jsx15(Visible, { text: d.tool, exact: true }) }),
      /* @__PURE__ */ jsx15(Arguments, { value: d.edited_args ?? d.args }),
      /* @__PURE__ */ jsxs15("p", { class: "dim small", children: [
        d.state === "pending" && whyText(d),
        " ",
        /* @__PURE__ */ jsxs15("span", { title: "binds tool, version, arguments and call: " + d.args_hash, children: [
          "hash ",
          d.args_hash.slice(0, 12)
        ] })
      ] })
    ] }),
    d.state === "pending" ? /* @__PURE__ */ jsx15(Decide, { decision: d, onDone, ask, keys: true, gone }, d.id + d.args_hash) : /* @__PURE__ */ jsx15(Answered, { decision: d }),
    /* @__PURE__ */ jsx15(Led, { decision: d })
  ] });
}
function Answered({ decision: d }) {
  return /* @__PURE__ */ jsxs15("section", { class: "inbox-answered", children: [
    /* @__PURE__ */ jsxs15("p", { children: [
      /* @__PURE__ */ jsx15("strong", { children: doneText(d) }),
      d.answered_at && /* @__PURE__ */ jsxs15(Fragment8, { children: [
        ", ",
        /* @__PURE__ */ jsx15(Time9, { at: d.answered_at })
      ] })
    ] }),
    d.comment && /* @__PURE__ */ jsxs15("p", { children: [
      "“",
      /* @__PURE__ */ jsx15(Visible, { text: d.comment }),
      "”"
    ] }),
    d.edited_args !== void 0 && /* @__PURE__ */ jsx15("p", { class: "dim", children: "with other arguments than those asked for" }),
    d.result !== void 0 && /* @__PURE__ */ jsx15(Payload2, { value: d.result, label: "result" })
  ] });
}
function Led({ decision: d }) {
  const q = useQuery5(path9`runs/${d.run}/conversation`);
  const said = (q.data?.items ?? []).filter((s) => s.kind === "message" && s.at <= d.requested_at).slice(-lastSaid);
  const chat = chatOf(d);
  return /* @__PURE__ */ jsxs15("section", { class: "inbox-led", children: [
    /* @__PURE__ */ jsx15("h3", { children: "What led here" }),
    q.error && /* @__PURE__ */ jsx15("p", { class: "dim", children: q.error.message }),
    q.data && said.length === 0 && /* @__PURE__ */ jsx15("p", { class: "dim", children: "Nothing was said." }),
    !q.data && !q.error && /* @__PURE__ */ jsx15("p", { class: "dim", children: "…" }),
    said.map((s) => /* @__PURE__ */ jsx15(Line, { said: s }, s.run + s.position)),
    /* @__PURE__ */ jsxs15("p", { class: "inbox-links", children: [
      chat && /* @__PURE__ */ jsx15("a", { href: chat, children: "Open the conversation" }),
      /* @__PURE__ */ jsx15("a", { href: links9.run(d.run), children: "Open the run" })
    ] })
  ] });
}
function chatOf(d) {
  const key2 = d.session && /^@[^@]+@(.+)$/s.exec(d.session)?.[1];
  return key2 ? links9.session(d.agent, key2) : "";
}
function Line({ said: s }) {
  const m = s.message;
  if (!m) {
    return null;
  }
  const text = m.Contents.map((c) => c.Type === "text" ? c.Text : "").join("");
  const calls = m.Contents.flatMap((c) => c.Type === "functionCall" ? [c.Name] : []);
  if (text === "" && calls.length === 0) {
    return null;
  }
  return /* @__PURE__ */ jsxs15("div", { class: "led led-" + m.Role, children: [
    /* @__PURE__ */ jsx15("span", { class: "led-who", children: m.Role === "user" ? "user" : s.agent }),
    /* @__PURE__ */ jsxs15("div", { children: [
      text && /* @__PURE__ */ jsx15(Markdown2, { text }),
      calls.map((c, i) => /* @__PURE__ */ jsxs15("p", { class: "dim", children: [
        "calls ",
        /* @__PURE__ */ jsx15(Visible, { text: c, exact: true })
      ] }, i))
    ] })
  ] });
}

// src/pages/inbox/Event.tsx
import { useEffect as useEffect10, useRef as useRef6, useState as useState13 } from "./core.js";
import { path as path10, post as post3, readOnly as readOnly2, useQuery as useQuery6 } from "./core.js";
import { parseJson } from "./core.js";
import { links as links10 } from "./core.js";
import { Markdown as Markdown3 } from "./core.js";
import { Payload as Payload3 } from "./core.js";
import { Time as Time10 } from "./core.js";
import { Visible as Visible2 } from "./core.js";
import { Deadline as Deadline2 } from "./core.js";
import { Fragment as Fragment9, jsx as jsx16, jsxs as jsxs16 } from "./core.js";
function EventDetail2({ run: r, onDone, ask, gone }) {
  const [text, setText] = useState13(null);
  const [confirm, setConfirm] = useState13(null);
  const [busy, setBusy] = useState13(false);
  const [error, setError] = useState13(null);
  const yes = useRef6(null);
  const whole = useQuery6(path10`runs/${r.id}`);
  const said = useQuery6(path10`runs/${r.id}/conversation`);
  const name = r.wait_name ?? "";
  const approves = /approv|decision|confirm|accept|review/i.test(name);
  const typed = text === null ? null : parseJson(text);
  useEffect10(() => {
    if (ask?.id === "run:" + r.id && (ask.answer === "approve" || ask.answer === "deny")) {
      setConfirm(ask.answer === "approve");
    }
  }, [ask?.n]);
  useEffect10(() => {
    if (confirm !== null) {
      yes.current?.focus();
    }
  }, [confirm]);
  async function raise(value, done) {
    setConfirm(null);
    setBusy(true);
    setError(null);
    try {
      await post3(path10`runs/${r.id}/events/${name}`, value);
      onDone(done);
    } catch (err) {
      setError(err);
    }
    setBusy(false);
  }
  const word = (value) => approves ? value ? "Approve" : "Deny" : value ? "Send true" : "Send false";
  const last = (said.data?.items ?? []).filter((s) => s.kind === "message" && s.message).slice(-2);
  return /* @__PURE__ */ jsxs16("article", { class: "inbox-detail", "aria-label": `${r.id} waits for ${name}`, children: [
    /* @__PURE__ */ jsxs16("header", { children: [
      /* @__PURE__ */ jsxs16("p", { class: "inbox-kind", children: [
        /* @__PURE__ */ jsx16("span", { class: "kind kind-event", children: "Event" }),
        /* @__PURE__ */ jsx16(Deadline2, { at: r.next_fire_at, then: r.next_fire_at ? "then the run goes on without it" : "" })
      ] }),
      /* @__PURE__ */ jsx16("h2", { children: /* @__PURE__ */ jsx16(Visible2, { text: `${r.name} waits for ${name}`, exact: true }) }),
      /* @__PURE__ */ jsxs16("p", { class: "dim", children: [
        "run ",
        /* @__PURE__ */ jsx16("a", { href: links10.run(r.id), children: /* @__PURE__ */ jsx16(Visible2, { text: r.id, exact: true }) }),
        " waits since ",
        /* @__PURE__ */ jsx16(Time10, { at: r.phase_since ?? r.created ?? "" })
      ] })
    ] }),
    last.length > 0 && /* @__PURE__ */ jsxs16("section", { children: [
      /* @__PURE__ */ jsx16("h3", { children: "What was said last" }),
      last.map((s) => /* @__PURE__ */ jsxs16("div", { class: "led led-" + s.message?.Role, children: [
        /* @__PURE__ */ jsx16("span", { class: "led-who", children: s.message?.Role === "user" ? "asked" : s.agent }),
        /* @__PURE__ */ jsx16(Markdown3, { text: (s.message?.Contents ?? []).map((c) => c.Type === "text" ? c.Text : "").join("") })
      ] }, s.run + s.position))
    ] }),
    whole.data?.input !== void 0 && /* @__PURE__ */ jsxs16("section", { children: [
      /* @__PURE__ */ jsx16("h3", { children: "Input of the run" }),
      /* @__PURE__ */ jsx16(Payload3, { value: whole.data.input, label: "input" })
    ] }),
    text !== null && /* @__PURE__ */ jsxs16("label", { class: "field", children: [
      "Data of the event (JSON)",
      /* @__PURE__ */ jsx16("textarea", { class: "code", rows: 4, value: text, spellcheck: false, onInput: (e) => setText(e.currentTarget.value), "aria-invalid": !!typed && !typed.ok }),
      typed && !typed.ok && text.trim() !== "" && /* @__PURE__ */ jsxs16("span", { class: "field-error", role: "alert", children: [
        "Line ",
        typed.line,
        ", column ",
        typed.column,
        ": ",
        typed.message
      ] })
    ] }),
    gone && !busy ? /* @__PURE__ */ jsxs16("div", { class: "decide-conflict", role: "alert", children: [
      /* @__PURE__ */ jsxs16("strong", { children: [
        "It waits for ",
        name,
        " no more."
      ] }),
      /* @__PURE__ */ jsx16("p", { class: "dim", children: "The event has come, its time was over, or the run has ended." }),
      /* @__PURE__ */ jsx16("button", { type: "button", onClick: () => onDone(null), children: "Go on" })
    ] }) : confirm !== null ? /* @__PURE__ */ jsxs16("div", { class: "decide-row", role: "alertdialog", "aria-label": word(confirm) + "?", onKeyDown: (e) => e.key === "Escape" && (e.stopPropagation(), setConfirm(null)), children: [
      /* @__PURE__ */ jsxs16("span", { children: [
        word(confirm),
        "?"
      ] }),
      /* @__PURE__ */ jsxs16("button", { type: "button", ref: yes, class: confirm ? "tone-good" : "tone-bad", onClick: () => raise(confirm, word(confirm)), children: [
        "Yes, ",
        word(confirm).toLowerCase()
      ] }),
      /* @__PURE__ */ jsx16("button", { type: "button", onClick: () => setConfirm(null), children: "No" })
    ] }) : /* @__PURE__ */ jsx16("div", { class: "decide-row", children: text === null ? /* @__PURE__ */ jsxs16(Fragment9, { children: [
      /* @__PURE__ */ jsxs16("button", { type: "button", class: "tone-good", disabled: busy || readOnly2, "aria-keyshortcuts": "a", onClick: () => raise(true, word(true)), children: [
        word(true),
        /* @__PURE__ */ jsx16("kbd", { "aria-hidden": "true", children: "a" })
      ] }),
      /* @__PURE__ */ jsxs16("button", { type: "button", class: "tone-bad", disabled: busy || readOnly2, "aria-keyshortcuts": "d", onClick: () => raise(false, word(false)), children: [
        word(false),
        /* @__PURE__ */ jsx16("kbd", { "aria-hidden": "true", children: "d" })
      ] }),
      /* @__PURE__ */ jsx16("button", { type: "button", class: "link", onClick: () => setText(""), children: "Other data" })
    ] }) : /* @__PURE__ */ jsxs16(Fragment9, { children: [
      /* @__PURE__ */ jsxs16("button", { type: "button", class: "tone-good", disabled: busy || readOnly2 || !typed?.ok, onClick: () => typed?.ok && raise(typed.value, "Raised"), children: [
        "Raise ",
        name
      ] }),
      /* @__PURE__ */ jsx16("button", { type: "button", class: "link", onClick: () => setText(null), children: "Back" })
    ] }) }),
    /* @__PURE__ */ jsx16("p", { class: "dim small", children: text === null ? `Raises the event ${name} with ${approves ? "true or false as its data" : "this as its data"}.` : "" }),
    error && /* @__PURE__ */ jsxs16("p", { class: "field-error", role: "alert", children: [
      error.message,
      error.hint && ". " + error.hint
    ] })
  ] });
}

// src/pages/inbox.tsx
import { Fragment as Fragment10, jsx as jsx17, jsxs as jsxs17 } from "./core.js";
function Inbox() {
  return /* @__PURE__ */ jsxs17("section", { class: "page inbox", children: [
    /* @__PURE__ */ jsx17("h1", { children: "Inbox" }),
    /* @__PURE__ */ jsx17(Tabs2, { label: "Inbox", tabs: [
      { id: "open", title: "Waiting", panel: () => /* @__PURE__ */ jsx17(Open, {}) },
      { id: "answered", title: "Answered", panel: () => /* @__PURE__ */ jsx17(AnsweredList, {}) }
    ] })
  ] });
}
var waiting = "phase:waiting_event";
function Open() {
  const decisions = useDecisions();
  const runs = useQuery7("runs" + query8({ filter: waiting, limit: 200 }));
  useTopic5("runs:" + waiting, void 0, () => runs.refetch());
  const items = useMemo5(() => itemsOf(decisions.rows ?? [], runs.data?.items ?? []), [decisions.rows, runs.data]);
  const [done, setDone] = useState14("");
  const [ask, setAsk] = useState14();
  const list = useRef7(null);
  const focusNext = useRef7(false);
  const chosen = param4("id");
  const choose = (id) => setParams4({ id });
  const held = useRef7(null);
  const found = items.findIndex((i) => i.id === (chosen || held.current?.item.id));
  const gone = found < 0 && !!held.current && (!chosen || chosen === held.current.item.id);
  const place = gone ? held.current?.place ?? 0 : Math.max(0, found);
  const item = gone ? held.current?.item : items[place];
  held.current = item ? { item, place } : null;
  useEffect11(() => {
    if (focusNext.current && item) {
      focusNext.current = false;
      list.current?.querySelector('[aria-selected="true"]')?.focus();
    }
  }, [item?.id]);
  function finish(id, text) {
    const rest = items.filter((i) => i.id !== id);
    const next = rest[Math.min(place, rest.length - 1)];
    setDone(text ?? "");
    focusNext.current = true;
    held.current = null;
    choose(next?.id);
    decisions.drop(id);
    runs.refetch();
  }
  function move(e, to) {
    const next = items[to];
    if (next) {
      e.preventDefault();
      focusNext.current = true;
      choose(next.id);
    }
  }
  function press(e, key2) {
    const answer = item && keyedAnswer(item.kind === "event" ? "approval" : item.decision.kind, key2);
    if (answer) {
      e.preventDefault();
      setAsk((old) => ({ id: item.id, answer, n: (old?.n ?? 0) + 1 }));
    }
  }
  const within = (e) => list.current?.contains(e.target);
  useKeys4({
    a: (e) => press(e, "a"),
    d: (e) => press(e, "d"),
    j: (e) => move(e, gone ? place : place + 1),
    k: (e) => move(e, place - 1),
    ArrowDown: (e) => within(e) && move(e, place + 1),
    ArrowUp: (e) => within(e) && move(e, place - 1)
  });
  if (!decisions.rows && decisions.error) {
    return /* @__PURE__ */ jsx17(Problem7, { error: decisions.error, retry: decisions.refetch });
  }
  if (!decisions.rows || !runs.data && !runs.error) {
    return /* @__PURE__ */ jsx17("p", { class: "dim pad", children: "…" });
  }
  if (!item) {
    return /* @__PURE__ */ jsx17(Nothing, { done });
  }
  return /* @__PURE__ */ jsxs17("div", { class: "inbox-panes" + (chosen ? " chosen" : ""), children: [
    /* @__PURE__ */ jsx17("div", { class: "inbox-list", role: "listbox", "aria-label": "What waits for a person", ref: list, children: items.map((i) => /* @__PURE__ */ jsx17(Row2, { item: i, selected: i === item, onChoose: () => choose(i.id) }, i.id)) }),
    /* @__PURE__ */ jsxs17("div", { class: "inbox-pane", children: [
      /* @__PURE__ */ jsxs17("button", { type: "button", class: "inbox-back quiet", onClick: () => choose(void 0), children: [
        "‹ All ",
        items.length
      ] }),
      /* @__PURE__ */ jsx17("p", { class: "inbox-done", role: "status", children: done && /* @__PURE__ */ jsxs17(Fragment10, { children: [
        "✓ ",
        /* @__PURE__ */ jsx17(Visible3, { text: done, exact: true })
      ] }) }),
      item.kind === "decision" && /* @__PURE__ */ jsx17(Detail, { decision: item.decision, ask, gone, onDone: (d) => finish(d.id, askText2(d) + ": " + doneText2(d)) }, item.id),
      item.kind === "event" && /* @__PURE__ */ jsx17(EventDetail2, { run: item.run, ask, gone, onDone: (t) => finish(item.id, t && item.run.id + ": " + t) }, item.id)
    ] })
  ] });
}
function Row2({ item, selected, onChoose }) {
  const title2 = item.kind === "decision" ? askText2(item.decision) : item.run.name + " waits for " + item.run.wait_name;
  const about = item.kind === "decision" ? summary(item.decision) : item.run.id;
  return /* @__PURE__ */ jsxs17(
    "div",
    {
      role: "option",
      "aria-selected": selected,
      tabIndex: selected ? 0 : -1,
      class: "inbox-row",
      onClick: onChoose,
      onKeyDown: (e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), onChoose()),
      children: [
        /* @__PURE__ */ jsx17("span", { class: "inbox-row-title", children: /* @__PURE__ */ jsx17(Visible3, { text: title2, exact: true }) }),
        /* @__PURE__ */ jsx17("span", { class: "inbox-row-about", children: /* @__PURE__ */ jsx17(Visible3, { text: about, exact: true }) }),
        /* @__PURE__ */ jsxs17("span", { class: "inbox-row-foot", children: [
          /* @__PURE__ */ jsx17("span", { class: "kind kind-" + (item.kind === "event" ? "event" : item.decision.kind), children: kindText2(item.kind === "event" ? "event" : item.decision.kind) }),
          item.deadline ? /* @__PURE__ */ jsx17(Deadline3, { at: item.deadline }) : /* @__PURE__ */ jsx17(Time11, { at: item.since })
        ] })
      ]
    }
  );
}
function summary(d) {
  if (d.kind === "budget") {
    return d.reason || "asks for more";
  }
  const text = JSON.stringify(d.args) ?? "";
  return text.length > 140 ? text.slice(0, 140) + "…" : text;
}
function Nothing({ done }) {
  return /* @__PURE__ */ jsxs17(Fragment10, { children: [
    /* @__PURE__ */ jsx17("p", { class: "inbox-done", role: "status", children: done && /* @__PURE__ */ jsxs17(Fragment10, { children: [
      "✓ ",
      /* @__PURE__ */ jsx17(Visible3, { text: done, exact: true })
    ] }) }),
    /* @__PURE__ */ jsxs17(Empty4, { title: "Nothing waits for you", children: [
      /* @__PURE__ */ jsx17("p", { children: "Paused runs hold no compute: they wait on disk, for an hour or for years." }),
      /* @__PURE__ */ jsx17("p", { children: "A tool asks for approval with one option:" }),
      /* @__PURE__ */ jsx17("pre", { class: "sample", tabIndex: 0, children: 'agent.NewTool("issue_refund", "Gives a customer money back.", issueRefund,\n	agent.RequireApproval(func(_ context.Context, in Refund) bool { return in.Cents > 5000 }))' })
    ] })
  ] });
}
function useDecisions() {
  const q = useQuery7("decisions?state=pending&limit=1000");
  const drop = (ids, more = []) => q.set((old) => old && { ...old, items: [...old.items.filter((d) => !ids.has(d.id)), ...more] });
  useTopic5("inbox", void 0, (events) => {
    for (const e of events) {
      if (e.kind === "reset") {
        q.refetch();
        continue;
      }
      const f = e.data;
      if (f.whole) {
        q.set((old) => ({ ...old, items: f.upsert }));
      } else {
        drop(/* @__PURE__ */ new Set([...f.gone.map((g) => g.id), ...f.upsert.map((d) => d.id)]), f.upsert);
      }
    }
  });
  return { rows: q.data?.items, error: q.error, refetch: q.refetch, drop: (id) => drop(/* @__PURE__ */ new Set([id])) };
}
function AnsweredList() {
  const answered = useQuery7("decisions?state=answered&limit=200");
  const expired = useQuery7("decisions?state=expired&limit=100");
  const superseded = useQuery7("decisions?state=superseded&limit=100");
  useTopic5("inbox", void 0, () => [answered, expired, superseded].forEach((q) => q.refetch()));
  const rows = [answered, expired, superseded].flatMap((q) => q.data?.items ?? []).sort((a, b) => endOf(b) - endOf(a));
  const chosen = param4("id");
  const item = rows.find((d) => d.id === chosen) ?? rows[0];
  const list = useRef7(null);
  const move = (e, by) => {
    const next = item && rows[rows.indexOf(item) + by];
    if (next) {
      e.preventDefault();
      setParams4({ id: next.id });
      requestAnimationFrame(() => list.current?.querySelector('[aria-selected="true"]')?.focus());
    }
  };
  useKeys4({
    j: (e) => move(e, 1),
    k: (e) => move(e, -1),
    ArrowDown: (e) => list.current?.contains(e.target) && move(e, 1),
    ArrowUp: (e) => list.current?.contains(e.target) && move(e, -1)
  });
  if (answered.error) {
    return /* @__PURE__ */ jsx17(Problem7, { error: answered.error, retry: answered.refetch });
  }
  if (!answered.data || !expired.data || !superseded.data) {
    return /* @__PURE__ */ jsx17("p", { class: "dim pad", children: "…" });
  }
  if (!item) {
    return /* @__PURE__ */ jsx17(Empty4, { title: "Nothing was decided yet", children: /* @__PURE__ */ jsx17("p", { children: "Here stands who has answered what, and when." }) });
  }
  return /* @__PURE__ */ jsxs17("div", { class: "inbox-panes" + (chosen ? " chosen" : ""), children: [
    /* @__PURE__ */ jsx17("div", { class: "inbox-list", role: "listbox", "aria-label": "Decisions of the past", ref: list, children: rows.map((d) => /* @__PURE__ */ jsxs17("div", { role: "option", "aria-selected": d === item, tabIndex: d === item ? 0 : -1, class: "inbox-row", onClick: () => setParams4({ id: d.id }), children: [
      /* @__PURE__ */ jsx17("span", { class: "inbox-row-title", children: /* @__PURE__ */ jsx17(Visible3, { text: askText2(d), exact: true }) }),
      /* @__PURE__ */ jsx17("span", { class: "inbox-row-about", children: /* @__PURE__ */ jsx17(Visible3, { text: doneText2(d), exact: true }) }),
      /* @__PURE__ */ jsxs17("span", { class: "inbox-row-foot", children: [
        /* @__PURE__ */ jsx17("span", { class: "kind kind-" + d.kind, children: kindText2(d.kind) }),
        /* @__PURE__ */ jsx17(Time11, { at: d.answered_at ?? d.deadline ?? d.requested_at })
      ] })
    ] }, d.id)) }),
    /* @__PURE__ */ jsxs17("div", { class: "inbox-pane", children: [
      /* @__PURE__ */ jsxs17("button", { type: "button", class: "inbox-back quiet", onClick: () => setParams4({ id: void 0 }), children: [
        "‹ All ",
        rows.length
      ] }),
      /* @__PURE__ */ jsx17(Detail, { decision: item, onDone: () => {
      } }, item.id)
    ] })
  ] });
}
function endOf(d) {
  return Date.parse(d.answered_at ?? d.deadline ?? d.requested_at);
}

// src/pages/agents.tsx
import { path as path11, query as query9, useQuery as useQuery8 } from "./core.js";
import { count as count5 } from "./core.js";
import { useTopic as useTopic6 } from "./core.js";
import { go as go4, links as links11 } from "./core.js";
import { useKeys as useKeys5 } from "./core.js";
import { Empty as Empty5 } from "./core.js";
import { Problem as Problem8 } from "./core.js";
import { Time as Time12 } from "./core.js";
import { Visible as Visible4 } from "./core.js";
import { randomKey } from "./core.js";
import { jsx as jsx18, jsxs as jsxs18 } from "./core.js";
var register = `reg := perdure.NewRegistry()
err := agent.Register(reg, &agent.Agent{
	Name:         "Joker",
	Instructions: "You are good at telling jokes.",
	Model:        m,
})`;
function Agents() {
  const agents = useQuery8("agents");
  useTopic6("workers", void 0, () => agents.refetch());
  const list = agents.data?.items ?? [];
  const move = (by) => {
    const all = [...document.querySelectorAll(".agent-card h2 a")];
    const at = all.indexOf(document.activeElement);
    all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
  };
  useKeys5({ j: () => move(1), k: () => move(-1) });
  return /* @__PURE__ */ jsxs18("section", { class: "page agents", children: [
    /* @__PURE__ */ jsx18("h1", { children: "Agents" }),
    agents.error && !agents.data && /* @__PURE__ */ jsx18(Problem8, { error: agents.error, retry: agents.refetch }),
    agents.data && list.length === 0 && /* @__PURE__ */ jsxs18(Empty5, { title: "No agent is registered", children: [
      /* @__PURE__ */ jsx18("p", { children: "An agent is a name, instructions, a model and tools. A worker makes it known:" }),
      /* @__PURE__ */ jsx18("pre", { class: "sample", tabIndex: 0, children: register })
    ] }),
    /* @__PURE__ */ jsx18("div", { class: "agent-cards", children: list.map((a) => /* @__PURE__ */ jsx18(Card, { agent: a }, a.name)) })
  ] });
}
function Card({ agent: a }) {
  const sessions = useQuery8(path11`agents/${a.name}/sessions` + query9({ limit: 100 }));
  useTopic6("sessions:" + a.name, void 0, () => sessions.refetch());
  const list = sessions.data?.items ?? [];
  const more = sessions.data?.next ? "+" : "";
  const active = list.filter((s) => s.state === "running" || s.state === "waiting_approval").length;
  const tokens = list.reduce((n, s) => n + s.tokens.total, 0);
  const broken = list.filter((s) => s.state === "failed").sort((x, y) => x.updated < y.updated ? 1 : -1)[0];
  return /* @__PURE__ */ jsxs18("article", { class: "agent-card", children: [
    /* @__PURE__ */ jsxs18("header", { children: [
      /* @__PURE__ */ jsx18("h2", { children: /* @__PURE__ */ jsx18("a", { href: links11.agent(a.name), children: /* @__PURE__ */ jsx18(Visible4, { text: a.name, exact: true }) }) }),
      /* @__PURE__ */ jsx18("button", { type: "button", onClick: () => go4(links11.session(a.name, randomKey())), "aria-label": "Chat with " + a.name, children: "Chat" })
    ] }),
    a.description && /* @__PURE__ */ jsx18("p", { class: "agent-about", children: /* @__PURE__ */ jsx18(Visible4, { text: a.description }) }),
    /* @__PURE__ */ jsxs18("dl", { class: "traits", children: [
      /* @__PURE__ */ jsxs18("div", { children: [
        /* @__PURE__ */ jsx18("dt", { children: "Model" }),
        /* @__PURE__ */ jsx18("dd", { children: a.model ? /* @__PURE__ */ jsx18(Visible4, { text: a.model, exact: true }) : /* @__PURE__ */ jsx18("span", { class: "dim", children: "not told" }) })
      ] }),
      /* @__PURE__ */ jsxs18("div", { children: [
        /* @__PURE__ */ jsx18("dt", { children: "Tools" }),
        /* @__PURE__ */ jsx18("dd", { children: a.tools.length === 0 ? /* @__PURE__ */ jsx18("span", { class: "dim", children: "none" }) : /* @__PURE__ */ jsx18(Visible4, { text: a.tools.map((t) => t.Name).join(", "), exact: true }) })
      ] }),
      /* @__PURE__ */ jsxs18("div", { children: [
        /* @__PURE__ */ jsx18("dt", { children: "Sessions" }),
        /* @__PURE__ */ jsx18("dd", { children: sessions.data ? `${active} active, ${list.length}${more} in all` : "…" })
      ] }),
      /* @__PURE__ */ jsxs18("div", { children: [
        /* @__PURE__ */ jsx18("dt", { children: "Tokens" }),
        /* @__PURE__ */ jsx18("dd", { children: sessions.data ? count5(tokens) + more : "…" })
      ] }),
      /* @__PURE__ */ jsxs18("div", { children: [
        /* @__PURE__ */ jsx18("dt", { children: "Version" }),
        /* @__PURE__ */ jsx18("dd", { children: /* @__PURE__ */ jsx18("code", { title: "hash of instructions, tools and parameters", children: a.hash.slice(0, 8) }) })
      ] }),
      a.last_seen && /* @__PURE__ */ jsxs18("div", { children: [
        /* @__PURE__ */ jsx18("dt", { children: "Last seen" }),
        /* @__PURE__ */ jsx18("dd", { children: /* @__PURE__ */ jsx18(Time12, { at: a.last_seen }) })
      ] })
    ] }),
    broken && /* @__PURE__ */ jsx18(LastError, { agent: a.name, session: broken.key })
  ] });
}
function LastError({ agent, session }) {
  const turns = useQuery8(path11`agents/${agent}/sessions/${session}/turns` + query9({ limit: 5 }));
  const failed = turns.data?.items.find((t) => t.error);
  return failed ? /* @__PURE__ */ jsxs18("p", { class: "agent-error", children: [
    /* @__PURE__ */ jsx18("span", { class: "tone-bad", children: "✕ Last error" }),
    " ",
    /* @__PURE__ */ jsx18("a", { href: links11.session(agent, session), children: /* @__PURE__ */ jsx18(Visible4, { text: (failed.error ?? "").slice(0, 160), exact: true }) }),
    " ",
    /* @__PURE__ */ jsx18(Time12, { at: failed.ended ?? failed.created })
  ] }) : null;
}

// src/pages/agent.tsx
import { path as path12, query as query10, useQuery as useQuery9 } from "./core.js";
import { count as count6 } from "./core.js";
import { useKeys as useKeys6 } from "./core.js";
import { useTopic as useTopic7 } from "./core.js";
import { randomKey as randomKey2 } from "./core.js";
import { go as go5, links as links12 } from "./core.js";
import { Copy as Copy3 } from "./core.js";
import { Empty as Empty6 } from "./core.js";
import { JsonView as JsonView6 } from "./core.js";
import { Problem as Problem9 } from "./core.js";
import { Status as Status6 } from "./core.js";
import { Table as Table2 } from "./core.js";
import { Time as Time13 } from "./core.js";
import { Visible as Visible5 } from "./core.js";
import { Fragment as Fragment11, jsx as jsx19, jsxs as jsxs19 } from "./core.js";
function Agent({ params }) {
  const name = params["agent"] ?? "";
  const info = useQuery9(path12`agents/${name}`);
  const sessions = useSessions(name);
  const list = sessions.data?.items ?? [];
  const broken = list.find((s) => s.state === "failed");
  const fresh = () => go5(links12.session(name, randomKey2()));
  useKeys6({ n: fresh });
  return /* @__PURE__ */ jsxs19("section", { class: "page agent", children: [
    /* @__PURE__ */ jsxs19("header", { class: "page-head", children: [
      /* @__PURE__ */ jsx19("h1", { children: /* @__PURE__ */ jsx19(Visible5, { text: info.data?.name ?? name, exact: true }) }),
      /* @__PURE__ */ jsx19("button", { type: "button", class: "primary", onClick: fresh, disabled: !info.data, "aria-keyshortcuts": "n", children: "New session" })
    ] }),
    info.error && /* @__PURE__ */ jsx19(Problem9, { error: info.error, retry: info.refetch }),
    info.data && /* @__PURE__ */ jsx19(About, { info: info.data }),
    broken && /* @__PURE__ */ jsx19(LastError, { agent: name, session: broken.key }),
    info.data && /* @__PURE__ */ jsxs19(Fragment11, { children: [
      /* @__PURE__ */ jsx19("h2", { children: "Sessions" }),
      sessions.data && list.length === 0 ? /* @__PURE__ */ jsxs19(Empty6, { title: "No session yet", children: [
        /* @__PURE__ */ jsx19("p", { children: "A session is a conversation that lasts: it is on disk after every step." }),
        /* @__PURE__ */ jsx19("button", { type: "button", onClick: fresh, children: "Begin one" })
      ] }) : /* @__PURE__ */ jsx19(Table2, { label: "Sessions", rows: list, id: (s) => s.id, open: (s) => go5(links12.session(name, s.key)), columns: columns2(name) }),
      sessions.data?.next && /* @__PURE__ */ jsxs19("p", { class: "dim", children: [
        "The first ",
        list.length,
        " by key are shown."
      ] })
    ] })
  ] });
}
function columns2(agent) {
  return [
    { id: "state", title: "State", class: "w-status", cell: (s) => /* @__PURE__ */ jsx19(Status6, { state: s.state }) },
    { id: "key", title: "Key", cell: (s) => /* @__PURE__ */ jsx19("a", { href: links12.session(agent, s.key), title: s.key, children: /* @__PURE__ */ jsx19(Visible5, { text: s.key.length > 20 ? s.key.slice(0, 12) + "…" : s.key, exact: true }) }) },
    { id: "preview", title: "Said last", class: "grow", cell: (s) => /* @__PURE__ */ jsx19("span", { class: "dim", children: s.preview && /* @__PURE__ */ jsx19(Visible5, { text: s.preview }) }) },
    { id: "turns", title: "Turns", class: "num", cell: (s) => /* @__PURE__ */ jsxs19(Fragment11, { children: [
      s.turns,
      s.failed > 0 && /* @__PURE__ */ jsxs19("span", { class: "tone-bad", title: s.failed + " failed", children: [
        " ✕",
        s.failed
      ] })
    ] }) },
    { id: "tokens", title: "Tokens", class: "num", cell: (s) => count6(s.tokens.total) },
    { id: "updated", title: "Last turn", cell: (s) => /* @__PURE__ */ jsx19(Time13, { at: s.updated }) }
  ];
}
function About({ info: a }) {
  return /* @__PURE__ */ jsxs19("div", { class: "agent-info", children: [
    a.description && /* @__PURE__ */ jsx19("p", { children: /* @__PURE__ */ jsx19(Visible5, { text: a.description }) }),
    /* @__PURE__ */ jsxs19("dl", { class: "traits", children: [
      /* @__PURE__ */ jsxs19("div", { children: [
        /* @__PURE__ */ jsx19("dt", { children: "Model" }),
        /* @__PURE__ */ jsx19("dd", { children: /* @__PURE__ */ jsx19(Visible5, { text: [a.provider, a.model].filter(Boolean).join(" / ") || "not told", exact: true }) })
      ] }),
      /* @__PURE__ */ jsxs19("div", { children: [
        /* @__PURE__ */ jsx19("dt", { children: "Version" }),
        /* @__PURE__ */ jsxs19("dd", { children: [
          /* @__PURE__ */ jsx19("code", { title: "hash of instructions, tools and parameters", children: a.hash }),
          " ",
          /* @__PURE__ */ jsx19(Copy3, { text: a.hash, what: "version" })
        ] })
      ] }),
      /* @__PURE__ */ jsxs19("div", { children: [
        /* @__PURE__ */ jsx19("dt", { children: "Steps at most" }),
        /* @__PURE__ */ jsx19("dd", { children: a.max_steps })
      ] }),
      a.last_seen && /* @__PURE__ */ jsxs19("div", { children: [
        /* @__PURE__ */ jsx19("dt", { children: "Last seen" }),
        /* @__PURE__ */ jsx19("dd", { children: /* @__PURE__ */ jsx19(Time13, { at: a.last_seen }) })
      ] })
    ] }),
    a.instructions && /* @__PURE__ */ jsxs19("details", { open: a.instructions.length < 400, children: [
      /* @__PURE__ */ jsx19("summary", { children: "Instructions" }),
      /* @__PURE__ */ jsx19("pre", { class: "sample wrap", tabIndex: 0, children: /* @__PURE__ */ jsx19(Visible5, { text: a.instructions, exact: true }) })
    ] }),
    a.tools.length > 0 && /* @__PURE__ */ jsxs19("details", { children: [
      /* @__PURE__ */ jsxs19("summary", { children: [
        a.tools.length,
        " ",
        a.tools.length === 1 ? "tool" : "tools",
        ": ",
        /* @__PURE__ */ jsx19(Visible5, { text: a.tools.map((t) => t.Name).join(", "), exact: true })
      ] }),
      a.tools.map((t) => /* @__PURE__ */ jsxs19("div", { class: "agent-tool", children: [
        /* @__PURE__ */ jsx19("h3", { children: /* @__PURE__ */ jsx19(Visible5, { text: t.Name, exact: true }) }),
        t.Description && /* @__PURE__ */ jsx19("p", { children: /* @__PURE__ */ jsx19(Visible5, { text: t.Description, exact: true }) }),
        t.Schema !== void 0 && /* @__PURE__ */ jsx19(JsonView6, { value: t.Schema, label: "schema of " + t.Name })
      ] }, t.Name))
    ] })
  ] });
}
function useSessions(name) {
  const q = useQuery9(path12`agents/${name}/sessions` + query10({ limit: 500 }));
  useTopic7("sessions:" + name, void 0, (events) => {
    for (const e of events) {
      if (e.kind === "reset") {
        q.refetch();
        continue;
      }
      const f = e.data;
      q.set((old) => {
        const rows = new Map((old?.items ?? []).map((s) => [s.id, s]));
        for (const g of f.gone) {
          rows.delete(g.id);
        }
        for (const s of f.upsert) {
          if ((rows.get(s.id)?.row_version ?? 0) <= (s.row_version ?? 0)) {
            rows.set(s.id, s);
          }
        }
        return { ...old, items: [...rows.values()] };
      });
    }
  });
  const items = q.data && [...q.data.items].sort((a, b) => a.updated < b.updated ? 1 : -1);
  return { ...q, data: items && { ...q.data, items } };
}

// src/pages/entities.tsx
import { useState as useState15 } from "./core.js";
import { query as query11, useQuery as useQuery10 } from "./core.js";
import { useTopic as useTopic8 } from "./core.js";
import { go as go6, links as links13, param as param5, setParams as setParams5 } from "./core.js";
import { Empty as Empty7 } from "./core.js";
import { Problem as Problem10 } from "./core.js";
import { Table as Table3 } from "./core.js";
import { Time as Time14 } from "./core.js";
import { Visible as Visible6 } from "./core.js";
import { jsx as jsx20, jsxs as jsxs20 } from "./core.js";
var declare = `type Counter struct{ N int }

func (c *Counter) Add(n int) int { c.N += n; return c.N }

perdure.AddEntity[Counter](reg, "counter")`;
function Entities() {
  const name = param5("name");
  const cursor = param5("cursor");
  const [typed, setTyped] = useState15(name);
  const page = useQuery10("entities" + query11({ name, cursor, limit: 200 }));
  useTopic8("entities" + (name ? ":" + name : ""), void 0, (events) => {
    for (const e of events) {
      if (e.kind === "reset") {
        page.refetch();
        continue;
      }
      const f = e.data;
      page.set((old) => old && { ...old, items: merge(old.items, f, !cursor && !old.next) });
    }
  });
  const rows = page.data?.items ?? [];
  return /* @__PURE__ */ jsxs20("section", { class: "page entities", children: [
    /* @__PURE__ */ jsxs20("header", { class: "page-head", children: [
      /* @__PURE__ */ jsx20("h1", { children: "Entities" }),
      /* @__PURE__ */ jsx20("form", { class: "entities-find", onSubmit: (e) => {
        e.preventDefault();
        setParams5({ name: typed.trim(), cursor: void 0 });
      }, children: /* @__PURE__ */ jsx20("input", { type: "search", "aria-label": "Name of the entities", placeholder: "Name, then Enter", value: typed, onInput: (e) => setTyped(e.currentTarget.value) }) })
    ] }),
    page.error && /* @__PURE__ */ jsx20(Problem10, { error: page.error, retry: page.refetch }),
    page.data && rows.length === 0 ? name ? /* @__PURE__ */ jsx20(Empty7, { title: "No entity is called " + name, children: /* @__PURE__ */ jsx20("button", { type: "button", onClick: () => {
      setTyped("");
      setParams5({ name: void 0 });
    }, children: "Show all" }) }) : /* @__PURE__ */ jsxs20(Empty7, { title: "There is no entity yet", children: [
      /* @__PURE__ */ jsx20("p", { children: "An entity is named state with one operation at a time; it begins to exist with its first operation. Sessions of agents are entities too." }),
      /* @__PURE__ */ jsx20("pre", { class: "sample", tabIndex: 0, children: declare })
    ] }) : /* @__PURE__ */ jsx20(Table3, { label: "Entities", rows, id: (e) => e.id, columns: columns3, open: (e) => go6(links13.entity(e.name, e.key)) }),
    /* @__PURE__ */ jsxs20("p", { class: "pager", children: [
      cursor && /* @__PURE__ */ jsx20("button", { type: "button", onClick: () => setParams5({ cursor: void 0 }, false), children: "‹ First page" }),
      page.data?.next && /* @__PURE__ */ jsx20("button", { type: "button", onClick: () => setParams5({ cursor: page.data?.next }, false), children: "Next page ›" })
    ] })
  ] });
}
var columns3 = [
  { id: "name", title: "Name", class: "w-name", cell: (e) => /* @__PURE__ */ jsx20(Visible6, { text: e.name, exact: true }) },
  { id: "key", title: "Key", class: "grow", cell: (e) => /* @__PURE__ */ jsx20("a", { href: links13.entity(e.name, e.key), children: /* @__PURE__ */ jsx20(Visible6, { text: e.key, exact: true }) }) },
  { id: "chat", title: "Chat", cell: (e) => {
    const s = sessionOf(e);
    return s ? /* @__PURE__ */ jsx20("a", { href: s, children: "open" }) : /* @__PURE__ */ jsx20("span", { class: "dim", children: "–" });
  } },
  { id: "depth", title: "Waiting", class: "num", cell: (e) => e.queue_depth > 0 ? e.queue_depth : /* @__PURE__ */ jsx20("span", { class: "dim", children: "0" }) },
  { id: "updated", title: "Last operation", cell: (e) => /* @__PURE__ */ jsx20(Time14, { at: e.updated }) }
];
function sessionOf(e) {
  return e.name.startsWith("dafx-") ? links13.session(e.name.slice("dafx-".length), e.key) : void 0;
}
function merge(old, f, whole) {
  const rows = new Map(old.map((e) => [e.id, e]));
  for (const g of f.gone) {
    rows.delete(g.id);
  }
  for (const e of f.upsert) {
    const known = rows.get(e.id);
    if (known ? (known.row_version ?? 0) <= (e.row_version ?? 0) : whole) {
      rows.set(e.id, e);
    }
  }
  return [...rows.values()].sort((a, b) => a.id < b.id ? -1 : 1);
}

// src/pages/entity.tsx
import { useState as useState16 } from "./core.js";
import { path as path13, post as post4, readOnly as readOnly3, useQuery as useQuery11 } from "./core.js";
import { bytes as bytes5 } from "./core.js";
import { parseJson as parseJson2 } from "./core.js";
import { useTopic as useTopic9 } from "./core.js";
import { links as links14 } from "./core.js";
import { Copy as Copy4 } from "./core.js";
import { JsonView as JsonView7 } from "./core.js";
import { Problem as Problem11 } from "./core.js";
import { Time as Time15 } from "./core.js";
import { Visible as Visible7 } from "./core.js";
import { Fragment as Fragment12, jsx as jsx21, jsxs as jsxs21 } from "./core.js";
function Entity({ params }) {
  const name = params["name"] ?? "";
  const key2 = params["key"] ?? "";
  const where = path13`entities/${name}/${key2}`;
  const entity = useQuery11(where);
  useTopic9("entities:" + name, void 0, (events) => {
    if (events.some((e2) => e2.kind === "reset" || e2.data.upsert.some((x) => x.key === key2))) {
      entity.refetch();
    }
  });
  const e = entity.data;
  const chat = sessionOf({ name, key: key2 });
  return /* @__PURE__ */ jsxs21("section", { class: "page entity", children: [
    /* @__PURE__ */ jsxs21("header", { class: "page-head", children: [
      /* @__PURE__ */ jsxs21("h1", { children: [
        /* @__PURE__ */ jsx21(Visible7, { text: name, exact: true }),
        " ",
        /* @__PURE__ */ jsxs21("span", { class: "dim", children: [
          "/ ",
          /* @__PURE__ */ jsx21(Visible7, { text: key2, exact: true })
        ] }),
        " ",
        /* @__PURE__ */ jsx21(Copy4, { text: `@${name}@${key2}`, what: "id" })
      ] }),
      chat && /* @__PURE__ */ jsx21("a", { href: chat, children: "Open the conversation" })
    ] }),
    entity.error?.status === 404 ? /* @__PURE__ */ jsx21("p", { class: "dim", children: "This entity does not exist yet. Its first operation makes it." }) : entity.error && /* @__PURE__ */ jsx21(Problem11, { error: entity.error, retry: entity.refetch }),
    e && /* @__PURE__ */ jsxs21(Fragment12, { children: [
      /* @__PURE__ */ jsxs21("dl", { class: "traits", children: [
        /* @__PURE__ */ jsxs21("div", { children: [
          /* @__PURE__ */ jsx21("dt", { children: "Last operation" }),
          /* @__PURE__ */ jsx21("dd", { children: /* @__PURE__ */ jsx21(Time15, { at: e.updated }) })
        ] }),
        /* @__PURE__ */ jsxs21("div", { children: [
          /* @__PURE__ */ jsx21("dt", { children: "Waiting" }),
          /* @__PURE__ */ jsxs21("dd", { children: [
            e.queue_depth,
            " ",
            e.queue_depth === 1 ? "operation" : "operations"
          ] })
        ] }),
        /* @__PURE__ */ jsxs21("div", { children: [
          /* @__PURE__ */ jsx21("dt", { children: "Lock" }),
          /* @__PURE__ */ jsx21("dd", { children: e.lock_owner ? /* @__PURE__ */ jsxs21("a", { href: links14.run(e.lock_owner), children: [
            "held by ",
            /* @__PURE__ */ jsx21(Visible7, { text: e.lock_owner, exact: true })
          ] }) : /* @__PURE__ */ jsx21("span", { class: "dim", children: "free" }) })
        ] }),
        /* @__PURE__ */ jsxs21("div", { children: [
          /* @__PURE__ */ jsx21("dt", { children: "State" }),
          /* @__PURE__ */ jsx21("dd", { children: bytes5(e.state_bytes ?? 0) })
        ] })
      ] }),
      /* @__PURE__ */ jsx21("h2", { children: "State" }),
      e.state === void 0 ? /* @__PURE__ */ jsx21("p", { class: "dim", children: "none" }) : /* @__PURE__ */ jsx21(JsonView7, { value: e.state, label: "state" })
    ] }),
    !name.startsWith("dafx-") && (e || entity.error?.status === 404) && /* @__PURE__ */ jsx21(Signal, { where, onSent: entity.refetch })
  ] });
}
function Signal({ where, onSent }) {
  const [operation, setOperation] = useState16("");
  const [input, setInput] = useState16("");
  const [sent, setSent] = useState16("");
  const [busy, setBusy] = useState16(false);
  const [error, setError] = useState16(null);
  const typed = input.trim() === "" ? null : parseJson2(input);
  async function send() {
    setBusy(true);
    setError(null);
    setSent("");
    try {
      await post4(where + "/signal", { operation, ...typed?.ok ? { input: typed.value } : {} });
      setSent(operation);
      onSent();
    } catch (err) {
      setError(err);
    }
    setBusy(false);
  }
  return /* @__PURE__ */ jsxs21("form", { class: "entity-signal", onSubmit: (e) => {
    e.preventDefault();
    void send();
  }, children: [
    /* @__PURE__ */ jsx21("h2", { children: "Signal" }),
    /* @__PURE__ */ jsx21("p", { class: "dim", children: "Sends an operation that nobody waits for. It is taken once, in its turn." }),
    /* @__PURE__ */ jsxs21("label", { class: "field", children: [
      "Operation",
      /* @__PURE__ */ jsx21("input", { type: "text", required: true, value: operation, onInput: (e) => setOperation(e.currentTarget.value) })
    ] }),
    /* @__PURE__ */ jsxs21("label", { class: "field", children: [
      "Input (JSON, may be empty)",
      /* @__PURE__ */ jsx21("textarea", { class: "code", rows: 4, spellcheck: false, value: input, "aria-invalid": !!typed && !typed.ok, onInput: (e) => setInput(e.currentTarget.value) }),
      typed && !typed.ok && /* @__PURE__ */ jsxs21("span", { class: "field-error", role: "alert", children: [
        "Line ",
        typed.line,
        ", column ",
        typed.column,
        ": ",
        typed.message
      ] })
    ] }),
    /* @__PURE__ */ jsxs21("div", { class: "decide-row", children: [
      /* @__PURE__ */ jsx21("button", { type: "submit", class: "primary", disabled: readOnly3 || busy || operation.trim() === "" || typed !== null && !typed.ok, children: busy ? "Sending…" : "Send" }),
      /* @__PURE__ */ jsx21("span", { role: "status", children: sent && /* @__PURE__ */ jsxs21(Fragment12, { children: [
        "✓ ",
        sent,
        " was accepted"
      ] }) })
    ] }),
    error && /* @__PURE__ */ jsx21(Problem11, { error })
  ] });
}

// src/pages/workers.tsx
import { jsx as jsx22 } from "./core.js";
function Workers({ params }) {
  return /* @__PURE__ */ jsx22("section", { class: "page", children: /* @__PURE__ */ jsx22("h1", { children: Object.values(params).join(" / ") || "Workers" }) });
}

// src/pages/missing.tsx
import { Empty as Empty8 } from "./core.js";
import { jsx as jsx23, jsxs as jsxs22 } from "./core.js";
function Missing() {
  return /* @__PURE__ */ jsxs22("section", { class: "page", children: [
    /* @__PURE__ */ jsx23("h1", { children: "Not found" }),
    /* @__PURE__ */ jsx23(Empty8, { title: "There is no such page", children: /* @__PURE__ */ jsx23("p", { children: /* @__PURE__ */ jsx23("a", { href: ".", children: "Overview" }) }) })
  ] });
}

// src/app.tsx
import { lazily as lazily2 } from "./core.js";
import { jsx as jsx24, jsxs as jsxs23 } from "./core.js";
var Chat = lazily2(() => import("./chat.js").then((m) => m.Chat));
var Charts = lazily2(() => import("./charts.js").then((m) => m.Charts));
var pages2 = [
  ["", Overview, "Overview"],
  ["inbox", Inbox, "Inbox"],
  ["runs", Runs, "Runs"],
  ["runs/:id", Run, "Run"],
  ["agents", Agents, "Agents"],
  ["agents/:agent", Agent, "Agent"],
  ["agents/:agent/s/:key", Chat, "Chat"],
  ["entities", Entities, "Entities"],
  ["entities/:name/:key", Entity, "Entity"],
  ["workers", Workers, "Workers"],
  ["charts", Charts, "Charts"]
];
function App() {
  const at = route.value;
  const [help, setHelp] = useState17(false);
  useKeys7({
    "?": () => setHelp(true),
    "g o": () => go7(""),
    "g i": () => go7("inbox"),
    "g r": () => go7("runs"),
    "g a": () => go7("agents"),
    "g e": () => go7("entities"),
    "g w": () => go7("workers"),
    "g c": () => go7("charts")
  });
  let found = [Missing, {}, "Not found"];
  for (const [pattern, page, title3] of pages2) {
    const params2 = match(pattern, at);
    if (params2) {
      found = [page, params2, title3];
      break;
    }
  }
  const [Page, params, title2] = found;
  const name = params["id"] ?? params["key"] ?? params["agent"];
  useEffect12(() => {
    document.title = (name ? `${name} · ` : "") + `${title2} · Perdure`;
  }, [at]);
  return /* @__PURE__ */ jsxs23("div", { class: "shell", children: [
    /* @__PURE__ */ jsx24("a", { class: "skip", href: "#main", onClick: (e) => (e.preventDefault(), document.getElementById("main")?.focus()), children: "Skip to content" }),
    /* @__PURE__ */ jsx24(Rail, { at, onHelp: () => setHelp(true) }),
    /* @__PURE__ */ jsxs23("main", { id: "main", tabIndex: -1, children: [
      /* @__PURE__ */ jsx24(OfflineBanner, {}),
      /* @__PURE__ */ jsx24(Page, { params }, at)
    ] }),
    help && /* @__PURE__ */ jsx24(Help, { onClose: () => setHelp(false) }),
    /* @__PURE__ */ jsx24(Login, {}),
    /* @__PURE__ */ jsx24(Announcer, {})
  ] });
}
function OfflineBanner() {
  const off = linkState2.value === "offline";
  const [shown, setShown] = useState17(false);
  useEffect12(() => {
    const t = setTimeout(() => setShown(off), off ? 1500 : 0);
    return () => clearTimeout(t);
  }, [off]);
  return shown ? /* @__PURE__ */ jsx24("div", { class: "banner", role: "alert", children: "The server does not answer. What you see is what was last known; this page goes on by itself when the server is back." }) : null;
}
startRouter();
render(/* @__PURE__ */ jsx24(App, {}), document.getElementById("app"));
