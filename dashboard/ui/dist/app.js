// src/app.tsx
import { render } from "./core.js";
import { useEffect as useEffect2, useState as useState3 } from "./core.js";
import { Announcer } from "./core.js";
import { Rail } from "./core.js";
import { Help } from "./core.js";
import { Login } from "./core.js";
import { useKeys as useKeys2 } from "./core.js";
import { go as go2, match, route, startRouter } from "./core.js";
import { linkState } from "./core.js";

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
  const of = (key, v) => (counts.data?.items ?? []).filter((i) => i[key] === v).reduce((n, i) => n + i.count, 0);
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
  useTopic2(error ? void 0 : "runs:" + filter, page?.as_of, (events) => {
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
      chips.map(([title, f]) => /* @__PURE__ */ jsx2("button", { type: "button", "aria-pressed": filter === f, onClick: () => setParams({ filter: f || void 0 }), children: title }, title)),
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
import { jsx as jsx3 } from "./core.js";
function Run({ params }) {
  return /* @__PURE__ */ jsx3("section", { class: "page", children: /* @__PURE__ */ jsx3("h1", { children: Object.values(params).join(" / ") || "Run" }) });
}

// src/pages/inbox.tsx
import { jsx as jsx4 } from "./core.js";
function Inbox({ params }) {
  return /* @__PURE__ */ jsx4("section", { class: "page", children: /* @__PURE__ */ jsx4("h1", { children: Object.values(params).join(" / ") || "Inbox" }) });
}

// src/pages/agents.tsx
import { jsx as jsx5 } from "./core.js";
function Agents({ params }) {
  return /* @__PURE__ */ jsx5("section", { class: "page", children: /* @__PURE__ */ jsx5("h1", { children: Object.values(params).join(" / ") || "Agents" }) });
}

// src/pages/agent.tsx
import { jsx as jsx6 } from "./core.js";
function Agent({ params }) {
  return /* @__PURE__ */ jsx6("section", { class: "page", children: /* @__PURE__ */ jsx6("h1", { children: Object.values(params).join(" / ") || "Agent" }) });
}

// src/pages/entities.tsx
import { jsx as jsx7 } from "./core.js";
function Entities({ params }) {
  return /* @__PURE__ */ jsx7("section", { class: "page", children: /* @__PURE__ */ jsx7("h1", { children: Object.values(params).join(" / ") || "Entities" }) });
}

// src/pages/entity.tsx
import { jsx as jsx8 } from "./core.js";
function Entity({ params }) {
  return /* @__PURE__ */ jsx8("section", { class: "page", children: /* @__PURE__ */ jsx8("h1", { children: Object.values(params).join(" / ") || "Entity" }) });
}

// src/pages/workers.tsx
import { jsx as jsx9 } from "./core.js";
function Workers({ params }) {
  return /* @__PURE__ */ jsx9("section", { class: "page", children: /* @__PURE__ */ jsx9("h1", { children: Object.values(params).join(" / ") || "Workers" }) });
}

// src/pages/missing.tsx
import { Empty as Empty2 } from "./core.js";
import { jsx as jsx10 } from "./core.js";
function Missing() {
  return /* @__PURE__ */ jsx10("section", { class: "page", children: /* @__PURE__ */ jsx10(Empty2, { title: "There is no such page", children: /* @__PURE__ */ jsx10("p", { children: /* @__PURE__ */ jsx10("a", { href: ".", children: "Overview" }) }) }) });
}

// src/app.tsx
import { lazily } from "./core.js";
import { jsx as jsx11, jsxs as jsxs3 } from "./core.js";
var Chat = lazily(() => import("./chat.js").then((m) => m.Chat));
var Charts = lazily(() => import("./charts.js").then((m) => m.Charts));
var pages = [
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
  const [help, setHelp] = useState3(false);
  useKeys2({
    "?": () => setHelp(true),
    "g o": () => go2(""),
    "g i": () => go2("inbox"),
    "g r": () => go2("runs"),
    "g a": () => go2("agents"),
    "g e": () => go2("entities"),
    "g w": () => go2("workers"),
    "g c": () => go2("charts")
  });
  let found = [Missing, {}, "Not found"];
  for (const [pattern, page, title2] of pages) {
    const params2 = match(pattern, at);
    if (params2) {
      found = [page, params2, title2];
      break;
    }
  }
  const [Page, params, title] = found;
  const name = params["id"] ?? params["key"] ?? params["agent"];
  useEffect2(() => {
    document.title = (name ? `${name} · ` : "") + `${title} · Perdure`;
  }, [at]);
  return /* @__PURE__ */ jsxs3("div", { class: "shell", children: [
    /* @__PURE__ */ jsx11("a", { class: "skip", href: "#main", onClick: (e) => (e.preventDefault(), document.getElementById("main")?.focus()), children: "Skip to content" }),
    /* @__PURE__ */ jsx11(Rail, { at, onHelp: () => setHelp(true) }),
    /* @__PURE__ */ jsxs3("main", { id: "main", tabIndex: -1, children: [
      /* @__PURE__ */ jsx11(OfflineBanner, {}),
      /* @__PURE__ */ jsx11(Page, { params }, at)
    ] }),
    help && /* @__PURE__ */ jsx11(Help, { onClose: () => setHelp(false) }),
    /* @__PURE__ */ jsx11(Login, {}),
    /* @__PURE__ */ jsx11(Announcer, {})
  ] });
}
function OfflineBanner() {
  const off = linkState.value === "offline";
  const [shown, setShown] = useState3(false);
  useEffect2(() => {
    const t = setTimeout(() => setShown(off), off ? 1500 : 0);
    return () => clearTimeout(t);
  }, [off]);
  return shown ? /* @__PURE__ */ jsx11("div", { class: "banner", role: "alert", children: "The server does not answer. What you see is what was last known; this page goes on by itself when the server is back." }) : null;
}
startRouter();
render(/* @__PURE__ */ jsx11(App, {}), document.getElementById("app"));
