// src/app.tsx
import { render } from "./core.js";
import { useEffect as useEffect2, useState as useState5 } from "./core.js";
import { Announcer } from "./core.js";
import { Rail } from "./core.js";
import { Help } from "./core.js";
import { Login } from "./core.js";
import { Palette } from "./core.js";
import { useKeys as useKeys4 } from "./core.js";
import { go as go5, match, route, startRouter } from "./core.js";
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
import { get, ProblemError, query as query3, readOnly } from "./core.js";
import { now } from "./core.js";
import { useKeys } from "./core.js";
import { newer, useTopic as useTopic2 } from "./core.js";
import { go, links as links2, param, setParams } from "./core.js";
import { stateOf as stateOf2 } from "./core.js";
import { announce } from "./core.js";
import { Command as Command2 } from "./core.js";
import { Copy } from "./core.js";
import { Empty } from "./core.js";
import { lazily } from "./core.js";
import { Problem as Problem2 } from "./core.js";
import { StartDialog } from "./core.js";
import { Status as Status2 } from "./core.js";
import { Table } from "./core.js";
import { Duration, Time as Time2 } from "./core.js";

// src/pages/runs/selection.tsx
import { query as query2, useQuery as useQuery2 } from "./core.js";
import { linkState } from "./core.js";
import { jsx as jsx2, jsxs as jsxs2 } from "./core.js";
var actions = [
  ["suspend", "Suspend…"],
  ["resume", "Resume…"],
  ["restart", "Restart…"],
  ["rewind", "Rewind…"],
  ["cancel", "Cancel…"],
  ["terminate", "Terminate…"],
  ["purge", "Purge…"]
];
function Selection({ chosen, filter, more, everything, onEverything, onClear, onAct }) {
  const counts = useQuery2(more ? "run-counts" + query2({ filter }) : void 0);
  const total = counts.data && (counts.data.exact ? counts.data.total.toLocaleString("en") : `more than ${counts.data.total.toLocaleString("en")}`);
  const offline = linkState.value === "offline";
  return /* @__PURE__ */ jsxs2("div", { class: "selection", role: "toolbar", "aria-label": "Selected runs", children: [
    /* @__PURE__ */ jsx2("strong", { role: "status", children: everything ? `All ${total ?? ""} that match` : `${chosen.length} selected` }),
    more && !everything && /* @__PURE__ */ jsxs2("button", { type: "button", class: "link", onClick: onEverything, children: [
      "Select all ",
      total,
      " that match"
    ] }),
    actions.map(([action, label]) => /* @__PURE__ */ jsx2(
      "button",
      {
        type: "button",
        class: action === "terminate" || action === "purge" ? "danger" : "",
        disabled: offline || !(everything || chosen.some((r) => r.actions.includes(action))),
        title: offline ? "The server does not answer." : void 0,
        onClick: () => onAct(action),
        children: label
      },
      action
    )),
    /* @__PURE__ */ jsx2("button", { type: "button", class: "quiet", onClick: onClear, children: "Clear" })
  ] });
}

// src/pages/runs.tsx
import { Fragment as Fragment2, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
var Acts = lazily(() => import("./acts.js").then((m) => m.Acts));
var chips = [
  ["All", ""],
  ["In flight", "status:running,pending,suspended"],
  ["Waiting on me", "phase:waiting_approval"],
  ["Failed 24 h", "status:failed completed>-24h"],
  ["Retrying", "phase:retrying"],
  ["Stuck", "phase:stuck"]
];
var columns = (menu) => [
  { id: "status", title: "Status", class: "w-status", cell: (r) => /* @__PURE__ */ jsx3(Status2, { state: stateOf2(r) }) },
  { id: "name", title: "Name", class: "w-name", cell: (r) => /* @__PURE__ */ jsx3("span", { title: r.name, children: r.name }) },
  {
    id: "id",
    title: "Id",
    class: "grow mono",
    cell: (r) => /* @__PURE__ */ jsxs3(Fragment2, { children: [
      /* @__PURE__ */ jsx3("a", { href: links2.run(r.id), title: r.id, tabIndex: -1, children: r.id }),
      /* @__PURE__ */ jsx3(Copy, { text: r.id, what: "id" })
    ] })
  },
  { id: "step", title: "Step", class: "w-step", cell: (r) => /* @__PURE__ */ jsx3(Step, { run: r }) },
  { id: "created", title: "Started", class: "w-time num", cell: (r) => /* @__PURE__ */ jsx3(Time2, { at: r.created }) },
  { id: "duration", title: "Duration", class: "w-time num", cell: (r) => /* @__PURE__ */ jsx3(Duration, { ms: r.duration_ms, from: r.started ?? r.created, to: r.completed }) },
  {
    id: "tags",
    title: "Tags",
    class: "w-tags",
    cell: (r) => Object.entries(r.tags ?? {}).map(([k, v]) => /* @__PURE__ */ jsxs3("span", { class: "tag", children: [
      k,
      "=",
      v
    ] }, k))
  },
  {
    id: "more",
    title: "Actions",
    quiet: true,
    class: "w-more",
    cell: (r) => /* @__PURE__ */ jsx3("button", { type: "button", class: "quiet", tabIndex: -1, "aria-haspopup": "menu", "aria-label": `Actions of ${r.id}`, onClick: (e) => menu(r, e.currentTarget), children: "⋯" })
  }
];
function Step({ run }) {
  const text = run.error_text ?? run.phase_cause ?? run.wait_name ?? run.current_step ?? "";
  return /* @__PURE__ */ jsxs3("span", { class: run.error_text ? "bad" : "dim", title: text, children: [
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
  const [selected, setSelected] = useState2(/* @__PURE__ */ new Set());
  const [everything, setEverything] = useState2(false);
  const [asked, setAsked] = useState2();
  const table = useRef(null);
  const stop = useRef(void 0);
  useEffect(() => {
    stop.current?.abort();
    const s = stop.current = new AbortController();
    setLoading(true);
    get("runs" + query3({ filter, sort, limit: 100 }), s.signal).then(
      (p) => {
        setPage(p);
        setShown(filter);
        setRows(p.items);
        setFresh([]);
        setSelected((had) => new Set(p.items.map((r) => r.id).filter((id) => had.has(id))));
        setEverything(false);
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
    if (sort === "" && news.length > 0 && atTop() && selected.size === 0 && !asked) {
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
  useKeys({ n: () => setStarting(true) });
  const more = () => {
    if (page?.next) {
      get("runs" + query3({ filter, sort, limit: 100, cursor: page.next })).then((p) => {
        setPage({ ...p, as_of: page.as_of });
        setRows((have) => [...have, ...p.items.filter((r) => !have.some((x) => x.id === r.id))].slice(-most));
      }, setError);
    }
  };
  const focusRow = () => table.current?.querySelector(".tr.at")?.focus({ preventScroll: true });
  const menu = (r, from) => {
    const at = from.getBoundingClientRect();
    from.closest(".tr")?.focus({ preventScroll: true });
    setAsked({ id: r.id, at: { x: at.right - 220, y: at.bottom } });
  };
  const shownColumns = useMemo(() => columns(menu), []);
  const chosen = rows.filter((r) => selected.has(r.id));
  const batch = (action) => setAsked({ action, ...everything ? { filter: page?.parsed ?? filter } : { ids: chosen.map((r) => r.id) } });
  const act = (action) => (r) => {
    const at = table.current?.querySelector(`[data-id="${CSS.escape(r.id)}"]`)?.getBoundingClientRect();
    if (chosen.length > 0 && action !== "event") {
      batch(action);
    } else {
      setAsked({ id: r.id, at: { x: (at?.left ?? 0) + 40, y: at?.bottom ?? 0 }, ...action ? { action } : {} });
    }
  };
  const suspend = (r) => act((chosen.length > 0 ? chosen : [r]).some((c) => c.actions.includes("suspend")) ? "suspend" : "resume")(r);
  const closeAsked = () => {
    setAsked(void 0);
    setTimeout(focusRow);
  };
  const clear = () => (setSelected(/* @__PURE__ */ new Set()), setEverything(false));
  useKeys(selected.size > 0 ? { Escape: clear } : {});
  return /* @__PURE__ */ jsxs3("section", { class: "page fill", ref: table, children: [
    /* @__PURE__ */ jsxs3("header", { class: "page-head", children: [
      /* @__PURE__ */ jsx3("h1", { children: "Runs" }),
      /* @__PURE__ */ jsx3("button", { type: "button", class: "primary", "aria-keyshortcuts": "n", onClick: () => setStarting(true), children: "Start" })
    ] }),
    /* @__PURE__ */ jsx3(FilterBar, { filter, error }),
    /* @__PURE__ */ jsxs3("div", { class: "chips", role: "group", "aria-label": "Filters", children: [
      chips.map(([title, f]) => /* @__PURE__ */ jsx3("button", { type: "button", "aria-pressed": filter === f, onClick: () => setParams({ filter: f || void 0 }), children: title }, title)),
      fresh.length > 0 && /* @__PURE__ */ jsxs3("button", { type: "button", class: "fresh", onClick: () => setRound((n) => n + 1), children: [
        fresh.length,
        " new"
      ] })
    ] }),
    error && error.status !== 400 && /* @__PURE__ */ jsx3(Problem2, { error, retry: () => setRound((n) => n + 1) }),
    !error && !loading && rows.length === 0 ? /* @__PURE__ */ jsx3(NoRuns, { filter }) : /* @__PURE__ */ jsx3(
      Table,
      {
        label: "Runs",
        columns: shownColumns,
        rows,
        id: (r) => r.id,
        open: (r) => go(links2.run(r.id)),
        ...readOnly ? {} : { selected, select: (ids) => (setSelected(ids), setEverything(false)) },
        keys: { m: act(""), ContextMenu: act(""), e: act("event"), s: suspend, t: act("terminate") }
      }
    ),
    chosen.length > 0 && /* @__PURE__ */ jsx3(Selection, { chosen, filter: page?.parsed ?? filter, more: page?.next !== void 0, everything, onEverything: () => setEverything(true), onClear: clear, onAct: batch }),
    asked && /* @__PURE__ */ jsx3(
      Acts,
      {
        asked,
        onBack: focusRow,
        onClose: closeAsked,
        onDone: () => {
          clear();
          setRound((n) => n + 1);
        }
      }
    ),
    page?.next && /* @__PURE__ */ jsxs3("footer", { class: "row pad", children: [
      page.partial && /* @__PURE__ */ jsx3("span", { class: "dim", children: "Not all runs were searched yet. " }),
      /* @__PURE__ */ jsx3("button", { type: "button", onClick: more, children: page.partial ? "Search on" : "More" })
    ] }),
    starting && /* @__PURE__ */ jsx3(StartDialog, { onClose: () => setStarting(false) })
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
  return /* @__PURE__ */ jsxs3("div", { class: "filter", children: [
    /* @__PURE__ */ jsx3(
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
    bad && /* @__PURE__ */ jsxs3("p", { id: "filter-error", class: "bad", role: "alert", children: [
      bad.message,
      " ",
      bad.hint
    ] })
  ] });
}
function NoRuns({ filter }) {
  const terms = useMemo(() => filter.match(/(?:[^\s"]|"[^"]*")+/g) ?? [], [filter]);
  if (terms.length === 0) {
    return /* @__PURE__ */ jsxs3(Empty, { title: "No runs yet", children: [
      /* @__PURE__ */ jsx3("p", { children: "Start one here, or in a terminal:" }),
      /* @__PURE__ */ jsx3(Command2, { text: `perdure run start NAME --input '"…"' --watch` })
    ] });
  }
  return /* @__PURE__ */ jsxs3(Empty, { title: "No run matches", children: [
    /* @__PURE__ */ jsx3("p", { children: "Leave a term out:" }),
    /* @__PURE__ */ jsx3("p", { class: "row", children: terms.map((t) => /* @__PURE__ */ jsxs3("button", { type: "button", onClick: () => setParams({ filter: terms.filter((x) => x !== t).join(" ") || void 0 }), children: [
      t,
      " ✕"
    ] }, t)) }),
    /* @__PURE__ */ jsxs3("p", { class: "dim", children: [
      "As of ",
      /* @__PURE__ */ jsx3(Time2, { at: new Date(now.peek()).toISOString(), exact: true })
    ] })
  ] });
}

// src/pages/agents.tsx
import { path, query as query4, useQuery as useQuery3 } from "./core.js";
import { count } from "./core.js";
import { useTopic as useTopic3 } from "./core.js";
import { go as go2, links as links3 } from "./core.js";
import { useKeys as useKeys2 } from "./core.js";
import { Empty as Empty2 } from "./core.js";
import { Problem as Problem3 } from "./core.js";
import { Time as Time3 } from "./core.js";
import { Visible } from "./core.js";
import { randomKey } from "./core.js";
import { jsx as jsx4, jsxs as jsxs4 } from "./core.js";
var register = `reg := perdure.NewRegistry()
err := agent.Register(reg, &agent.Agent{
	Name:         "Joker",
	Instructions: "You are good at telling jokes.",
	Model:        m,
})`;
function Agents() {
  const agents = useQuery3("agents");
  useTopic3("workers", void 0, () => agents.refetch());
  const list = agents.data?.items ?? [];
  const move = (by) => {
    const all = [...document.querySelectorAll(".agent-card h2 a")];
    const at = all.indexOf(document.activeElement);
    all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
  };
  useKeys2({ j: () => move(1), k: () => move(-1) });
  return /* @__PURE__ */ jsxs4("section", { class: "page agents", children: [
    /* @__PURE__ */ jsx4("h1", { children: "Agents" }),
    agents.error && !agents.data && /* @__PURE__ */ jsx4(Problem3, { error: agents.error, retry: agents.refetch }),
    agents.data && list.length === 0 && /* @__PURE__ */ jsxs4(Empty2, { title: "No agent is registered", children: [
      /* @__PURE__ */ jsx4("p", { children: "An agent is a name, instructions, a model and tools. A worker makes it known:" }),
      /* @__PURE__ */ jsx4("pre", { class: "sample", tabIndex: 0, children: register })
    ] }),
    /* @__PURE__ */ jsx4("div", { class: "agent-cards", children: list.map((a) => /* @__PURE__ */ jsx4(Card, { agent: a }, a.name)) })
  ] });
}
function Card({ agent: a }) {
  const sessions = useQuery3(path`agents/${a.name}/sessions` + query4({ limit: 100 }));
  useTopic3("sessions:" + a.name, void 0, () => sessions.refetch());
  const list = sessions.data?.items ?? [];
  const more = sessions.data?.next ? "+" : "";
  const active = list.filter((s) => s.state === "running" || s.state === "waiting_approval").length;
  const tokens = list.reduce((n, s) => n + s.tokens.total, 0);
  const broken = list.filter((s) => s.state === "failed").sort((x, y) => x.updated < y.updated ? 1 : -1)[0];
  return /* @__PURE__ */ jsxs4("article", { class: "agent-card", children: [
    /* @__PURE__ */ jsxs4("header", { children: [
      /* @__PURE__ */ jsx4("h2", { children: /* @__PURE__ */ jsx4("a", { href: links3.agent(a.name), children: /* @__PURE__ */ jsx4(Visible, { text: a.name, exact: true }) }) }),
      /* @__PURE__ */ jsx4("button", { type: "button", onClick: () => go2(links3.session(a.name, randomKey())), "aria-label": "Chat with " + a.name, children: "Chat" })
    ] }),
    a.description && /* @__PURE__ */ jsx4("p", { class: "agent-about", children: /* @__PURE__ */ jsx4(Visible, { text: a.description }) }),
    /* @__PURE__ */ jsxs4("dl", { class: "traits", children: [
      /* @__PURE__ */ jsxs4("div", { children: [
        /* @__PURE__ */ jsx4("dt", { children: "Model" }),
        /* @__PURE__ */ jsx4("dd", { children: a.model ? /* @__PURE__ */ jsx4(Visible, { text: a.model, exact: true }) : /* @__PURE__ */ jsx4("span", { class: "dim", children: "not told" }) })
      ] }),
      /* @__PURE__ */ jsxs4("div", { children: [
        /* @__PURE__ */ jsx4("dt", { children: "Tools" }),
        /* @__PURE__ */ jsx4("dd", { children: a.tools.length === 0 ? /* @__PURE__ */ jsx4("span", { class: "dim", children: "none" }) : /* @__PURE__ */ jsx4(Visible, { text: a.tools.map((t) => t.Name).join(", "), exact: true }) })
      ] }),
      /* @__PURE__ */ jsxs4("div", { children: [
        /* @__PURE__ */ jsx4("dt", { children: "Sessions" }),
        /* @__PURE__ */ jsx4("dd", { children: sessions.data ? `${active} active, ${list.length}${more} in all` : "…" })
      ] }),
      /* @__PURE__ */ jsxs4("div", { children: [
        /* @__PURE__ */ jsx4("dt", { children: "Tokens" }),
        /* @__PURE__ */ jsx4("dd", { children: sessions.data ? count(tokens) + more : "…" })
      ] }),
      /* @__PURE__ */ jsxs4("div", { children: [
        /* @__PURE__ */ jsx4("dt", { children: "Version" }),
        /* @__PURE__ */ jsx4("dd", { children: /* @__PURE__ */ jsx4("code", { title: "hash of instructions, tools and parameters", children: a.hash.slice(0, 8) }) })
      ] }),
      a.last_seen && /* @__PURE__ */ jsxs4("div", { children: [
        /* @__PURE__ */ jsx4("dt", { children: "Last seen" }),
        /* @__PURE__ */ jsx4("dd", { children: /* @__PURE__ */ jsx4(Time3, { at: a.last_seen }) })
      ] })
    ] }),
    broken && /* @__PURE__ */ jsx4(LastError, { agent: a.name, session: broken.key })
  ] });
}
function LastError({ agent, session }) {
  const turns = useQuery3(path`agents/${agent}/sessions/${session}/turns` + query4({ limit: 5 }));
  const failed = turns.data?.items.find((t) => t.error);
  return failed ? /* @__PURE__ */ jsxs4("p", { class: "agent-error", children: [
    /* @__PURE__ */ jsx4("span", { class: "tone-bad", children: "✕ Last error" }),
    " ",
    /* @__PURE__ */ jsx4("a", { href: links3.session(agent, session), children: /* @__PURE__ */ jsx4(Visible, { text: (failed.error ?? "").slice(0, 160), exact: true }) }),
    " ",
    /* @__PURE__ */ jsx4(Time3, { at: failed.ended ?? failed.created })
  ] }) : null;
}

// src/pages/agent.tsx
import { path as path2, query as query5, useQuery as useQuery4 } from "./core.js";
import { count as count2 } from "./core.js";
import { useKeys as useKeys3 } from "./core.js";
import { useTopic as useTopic4 } from "./core.js";
import { randomKey as randomKey2 } from "./core.js";
import { go as go3, links as links4 } from "./core.js";
import { Copy as Copy2 } from "./core.js";
import { Empty as Empty3 } from "./core.js";
import { JsonView } from "./core.js";
import { Problem as Problem4 } from "./core.js";
import { Status as Status3 } from "./core.js";
import { Table as Table2 } from "./core.js";
import { Time as Time4 } from "./core.js";
import { Visible as Visible2 } from "./core.js";
import { Fragment as Fragment3, jsx as jsx5, jsxs as jsxs5 } from "./core.js";
function Agent({ params }) {
  const name = params["agent"] ?? "";
  const info = useQuery4(path2`agents/${name}`);
  const sessions = useSessions(name);
  const list = sessions.data?.items ?? [];
  const broken = list.find((s) => s.state === "failed");
  const fresh = () => go3(links4.session(name, randomKey2()));
  useKeys3({ n: fresh });
  return /* @__PURE__ */ jsxs5("section", { class: "page agent", children: [
    /* @__PURE__ */ jsxs5("header", { class: "page-head", children: [
      /* @__PURE__ */ jsx5("h1", { children: /* @__PURE__ */ jsx5(Visible2, { text: info.data?.name ?? name, exact: true }) }),
      /* @__PURE__ */ jsx5("button", { type: "button", class: "primary", onClick: fresh, disabled: !info.data, "aria-keyshortcuts": "n", children: "New session" })
    ] }),
    info.error && /* @__PURE__ */ jsx5(Problem4, { error: info.error, retry: info.refetch }),
    info.data && /* @__PURE__ */ jsx5(About, { info: info.data }),
    broken && /* @__PURE__ */ jsx5(LastError, { agent: name, session: broken.key }),
    info.data && /* @__PURE__ */ jsxs5(Fragment3, { children: [
      /* @__PURE__ */ jsx5("h2", { children: "Sessions" }),
      sessions.data && list.length === 0 ? /* @__PURE__ */ jsxs5(Empty3, { title: "No session yet", children: [
        /* @__PURE__ */ jsx5("p", { children: "A session is a conversation that lasts: it is on disk after every step." }),
        /* @__PURE__ */ jsx5("button", { type: "button", onClick: fresh, children: "Begin one" })
      ] }) : /* @__PURE__ */ jsx5(Table2, { label: "Sessions", rows: list, id: (s) => s.id, open: (s) => go3(links4.session(name, s.key)), columns: columns2(name) }),
      sessions.data?.next && /* @__PURE__ */ jsxs5("p", { class: "dim", children: [
        "The first ",
        list.length,
        " by key are shown."
      ] })
    ] })
  ] });
}
function columns2(agent) {
  return [
    { id: "state", title: "State", class: "w-status", cell: (s) => /* @__PURE__ */ jsx5(Status3, { state: s.state }) },
    { id: "key", title: "Key", cell: (s) => /* @__PURE__ */ jsx5("a", { href: links4.session(agent, s.key), title: s.key, children: /* @__PURE__ */ jsx5(Visible2, { text: s.key.length > 20 ? s.key.slice(0, 12) + "…" : s.key, exact: true }) }) },
    { id: "preview", title: "Said last", class: "grow", cell: (s) => /* @__PURE__ */ jsx5("span", { class: "dim", children: s.preview && /* @__PURE__ */ jsx5(Visible2, { text: s.preview }) }) },
    { id: "turns", title: "Turns", class: "num", cell: (s) => /* @__PURE__ */ jsxs5(Fragment3, { children: [
      s.turns,
      s.failed > 0 && /* @__PURE__ */ jsxs5("span", { class: "tone-bad", title: s.failed + " failed", children: [
        " ✕",
        s.failed
      ] })
    ] }) },
    { id: "tokens", title: "Tokens", class: "num", cell: (s) => count2(s.tokens.total) },
    { id: "updated", title: "Last turn", cell: (s) => /* @__PURE__ */ jsx5(Time4, { at: s.updated }) }
  ];
}
function About({ info: a }) {
  return /* @__PURE__ */ jsxs5("div", { class: "agent-info", children: [
    a.description && /* @__PURE__ */ jsx5("p", { children: /* @__PURE__ */ jsx5(Visible2, { text: a.description }) }),
    /* @__PURE__ */ jsxs5("dl", { class: "traits", children: [
      /* @__PURE__ */ jsxs5("div", { children: [
        /* @__PURE__ */ jsx5("dt", { children: "Model" }),
        /* @__PURE__ */ jsx5("dd", { children: /* @__PURE__ */ jsx5(Visible2, { text: [a.provider, a.model].filter(Boolean).join(" / ") || "not told", exact: true }) })
      ] }),
      /* @__PURE__ */ jsxs5("div", { children: [
        /* @__PURE__ */ jsx5("dt", { children: "Version" }),
        /* @__PURE__ */ jsxs5("dd", { children: [
          /* @__PURE__ */ jsx5("code", { title: "hash of instructions, tools and parameters", children: a.hash }),
          " ",
          /* @__PURE__ */ jsx5(Copy2, { text: a.hash, what: "version" })
        ] })
      ] }),
      /* @__PURE__ */ jsxs5("div", { children: [
        /* @__PURE__ */ jsx5("dt", { children: "Steps at most" }),
        /* @__PURE__ */ jsx5("dd", { children: a.max_steps })
      ] }),
      a.last_seen && /* @__PURE__ */ jsxs5("div", { children: [
        /* @__PURE__ */ jsx5("dt", { children: "Last seen" }),
        /* @__PURE__ */ jsx5("dd", { children: /* @__PURE__ */ jsx5(Time4, { at: a.last_seen }) })
      ] })
    ] }),
    a.instructions && /* @__PURE__ */ jsxs5("details", { open: a.instructions.length < 400, children: [
      /* @__PURE__ */ jsx5("summary", { children: "Instructions" }),
      /* @__PURE__ */ jsx5("pre", { class: "sample wrap", tabIndex: 0, children: /* @__PURE__ */ jsx5(Visible2, { text: a.instructions, exact: true }) })
    ] }),
    a.tools.length > 0 && /* @__PURE__ */ jsxs5("details", { children: [
      /* @__PURE__ */ jsxs5("summary", { children: [
        a.tools.length,
        " ",
        a.tools.length === 1 ? "tool" : "tools",
        ": ",
        /* @__PURE__ */ jsx5(Visible2, { text: a.tools.map((t) => t.Name).join(", "), exact: true })
      ] }),
      a.tools.map((t) => /* @__PURE__ */ jsxs5("div", { class: "agent-tool", children: [
        /* @__PURE__ */ jsx5("h3", { children: /* @__PURE__ */ jsx5(Visible2, { text: t.Name, exact: true }) }),
        t.Description && /* @__PURE__ */ jsx5("p", { children: /* @__PURE__ */ jsx5(Visible2, { text: t.Description, exact: true }) }),
        t.Schema !== void 0 && /* @__PURE__ */ jsx5(JsonView, { value: t.Schema, label: "schema of " + t.Name })
      ] }, t.Name))
    ] })
  ] });
}
function useSessions(name) {
  const q = useQuery4(path2`agents/${name}/sessions` + query5({ limit: 500 }));
  useTopic4("sessions:" + name, void 0, (events) => {
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
import { useState as useState3 } from "./core.js";
import { query as query6, useQuery as useQuery5 } from "./core.js";
import { useTopic as useTopic5 } from "./core.js";
import { go as go4, links as links5, param as param2, setParams as setParams2 } from "./core.js";
import { Empty as Empty4 } from "./core.js";
import { Problem as Problem5 } from "./core.js";
import { Table as Table3 } from "./core.js";
import { Time as Time5 } from "./core.js";
import { Visible as Visible3 } from "./core.js";
import { jsx as jsx6, jsxs as jsxs6 } from "./core.js";
var declare = `type Counter struct{ N int }

func (c *Counter) Add(n int) int { c.N += n; return c.N }

perdure.AddEntity[Counter](reg, "counter")`;
function Entities() {
  const name = param2("name");
  const cursor = param2("cursor");
  const [typed, setTyped] = useState3(name);
  const page = useQuery5("entities" + query6({ name, cursor, limit: 200 }));
  useTopic5("entities" + (name ? ":" + name : ""), void 0, (events) => {
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
  return /* @__PURE__ */ jsxs6("section", { class: "page entities", children: [
    /* @__PURE__ */ jsxs6("header", { class: "page-head", children: [
      /* @__PURE__ */ jsx6("h1", { children: "Entities" }),
      /* @__PURE__ */ jsx6("form", { class: "entities-find", onSubmit: (e) => {
        e.preventDefault();
        setParams2({ name: typed.trim(), cursor: void 0 });
      }, children: /* @__PURE__ */ jsx6("input", { type: "search", "aria-label": "Name of the entities", placeholder: "Name, then Enter", value: typed, onInput: (e) => setTyped(e.currentTarget.value) }) })
    ] }),
    page.error && /* @__PURE__ */ jsx6(Problem5, { error: page.error, retry: page.refetch }),
    page.data && rows.length === 0 ? name ? /* @__PURE__ */ jsx6(Empty4, { title: "No entity is called " + name, children: /* @__PURE__ */ jsx6("button", { type: "button", onClick: () => {
      setTyped("");
      setParams2({ name: void 0 });
    }, children: "Show all" }) }) : /* @__PURE__ */ jsxs6(Empty4, { title: "There is no entity yet", children: [
      /* @__PURE__ */ jsx6("p", { children: "An entity is named state with one operation at a time; it begins to exist with its first operation. Sessions of agents are entities too." }),
      /* @__PURE__ */ jsx6("pre", { class: "sample", tabIndex: 0, children: declare })
    ] }) : /* @__PURE__ */ jsx6(Table3, { label: "Entities", rows, id: (e) => e.id, columns: columns3, open: (e) => go4(links5.entity(e.name, e.key)) }),
    /* @__PURE__ */ jsxs6("p", { class: "pager", children: [
      cursor && /* @__PURE__ */ jsx6("button", { type: "button", onClick: () => setParams2({ cursor: void 0 }, false), children: "‹ First page" }),
      page.data?.next && /* @__PURE__ */ jsx6("button", { type: "button", onClick: () => setParams2({ cursor: page.data?.next }, false), children: "Next page ›" })
    ] })
  ] });
}
var columns3 = [
  { id: "name", title: "Name", class: "w-name", cell: (e) => /* @__PURE__ */ jsx6(Visible3, { text: e.name, exact: true }) },
  { id: "key", title: "Key", class: "grow", cell: (e) => /* @__PURE__ */ jsx6("a", { href: links5.entity(e.name, e.key), children: /* @__PURE__ */ jsx6(Visible3, { text: e.key, exact: true }) }) },
  { id: "chat", title: "Chat", class: "narrow", cell: (e) => {
    const s = sessionOf(e);
    return s ? /* @__PURE__ */ jsx6("a", { href: s, children: "open" }) : /* @__PURE__ */ jsx6("span", { class: "dim", children: "–" });
  } },
  { id: "depth", title: "Waiting", class: "num narrow", cell: (e) => e.queue_depth > 0 ? e.queue_depth : /* @__PURE__ */ jsx6("span", { class: "dim", children: "0" }) },
  { id: "lock", title: "Lock", class: "narrow", cell: (e) => e.lock_owner ? /* @__PURE__ */ jsx6("a", { href: links5.run(e.lock_owner), children: "held" }) : /* @__PURE__ */ jsx6("span", { class: "dim", children: "free" }) },
  { id: "op", title: "Last operation", class: "w-name", cell: (e) => e.last_op ? /* @__PURE__ */ jsxs6("span", { class: e.last_error ? "bad" : "", title: e.last_error, children: [
    /* @__PURE__ */ jsx6(Visible3, { text: e.last_op, exact: true }),
    e.last_error && " failed"
  ] }) : /* @__PURE__ */ jsx6("span", { class: "dim", children: "–" }) },
  { id: "updated", title: "Changed", class: "w-time", cell: (e) => /* @__PURE__ */ jsx6(Time5, { at: e.updated }) }
];
function sessionOf(e) {
  return e.name.startsWith("dafx-") ? links5.session(e.name.slice("dafx-".length), e.key) : void 0;
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
import { useState as useState4 } from "./core.js";
import { path as path3, post, readOnly as readOnly2, useQuery as useQuery6 } from "./core.js";
import { bytes } from "./core.js";
import { parseJson } from "./core.js";
import { useTopic as useTopic6 } from "./core.js";
import { links as links6 } from "./core.js";
import { Copy as Copy3 } from "./core.js";
import { JsonView as JsonView2 } from "./core.js";
import { Problem as Problem6 } from "./core.js";
import { Time as Time6 } from "./core.js";
import { Visible as Visible4 } from "./core.js";
import { Fragment as Fragment4, jsx as jsx7, jsxs as jsxs7 } from "./core.js";
function Entity({ params }) {
  const name = params["name"] ?? "";
  const key = params["key"] ?? "";
  const where = path3`entities/${name}/${key}`;
  const entity = useQuery6(where);
  useTopic6("entities:" + name, void 0, (events) => {
    if (events.some((e2) => e2.kind === "reset" || e2.data.upsert.some((x) => x.key === key))) {
      entity.refetch();
    }
  });
  const e = entity.data;
  const chat = sessionOf({ name, key });
  return /* @__PURE__ */ jsxs7("section", { class: "page entity", children: [
    /* @__PURE__ */ jsxs7("header", { class: "page-head", children: [
      /* @__PURE__ */ jsxs7("h1", { children: [
        /* @__PURE__ */ jsx7(Visible4, { text: name, exact: true }),
        " ",
        /* @__PURE__ */ jsxs7("span", { class: "dim", children: [
          "/ ",
          /* @__PURE__ */ jsx7(Visible4, { text: key, exact: true })
        ] }),
        " ",
        /* @__PURE__ */ jsx7(Copy3, { text: `@${name}@${key}`, what: "id" })
      ] }),
      chat && /* @__PURE__ */ jsx7("a", { href: chat, children: "Open the conversation" })
    ] }),
    entity.error?.status === 404 ? /* @__PURE__ */ jsx7("p", { class: "dim", children: "This entity does not exist yet. Its first operation makes it." }) : entity.error && /* @__PURE__ */ jsx7(Problem6, { error: entity.error, retry: entity.refetch }),
    e && /* @__PURE__ */ jsxs7(Fragment4, { children: [
      /* @__PURE__ */ jsxs7("dl", { class: "traits", children: [
        /* @__PURE__ */ jsxs7("div", { children: [
          /* @__PURE__ */ jsx7("dt", { children: "Last operation" }),
          /* @__PURE__ */ jsxs7("dd", { children: [
            e.last_op && /* @__PURE__ */ jsxs7(Fragment4, { children: [
              /* @__PURE__ */ jsx7("code", { children: /* @__PURE__ */ jsx7(Visible4, { text: e.last_op, exact: true }) }),
              " "
            ] }),
            /* @__PURE__ */ jsx7(Time6, { at: e.updated }),
            e.last_error && /* @__PURE__ */ jsx7("span", { class: "bad", children: " failed" })
          ] })
        ] }),
        /* @__PURE__ */ jsxs7("div", { children: [
          /* @__PURE__ */ jsx7("dt", { children: "Waiting" }),
          /* @__PURE__ */ jsxs7("dd", { children: [
            e.queue_depth,
            " ",
            e.queue_depth === 1 ? "operation" : "operations"
          ] })
        ] }),
        /* @__PURE__ */ jsxs7("div", { children: [
          /* @__PURE__ */ jsx7("dt", { children: "Lock" }),
          /* @__PURE__ */ jsx7("dd", { children: e.lock_owner ? /* @__PURE__ */ jsxs7("a", { href: links6.run(e.lock_owner), children: [
            "held by ",
            /* @__PURE__ */ jsx7(Visible4, { text: e.lock_owner, exact: true })
          ] }) : /* @__PURE__ */ jsx7("span", { class: "dim", children: "free" }) })
        ] }),
        /* @__PURE__ */ jsxs7("div", { children: [
          /* @__PURE__ */ jsx7("dt", { children: "State" }),
          /* @__PURE__ */ jsx7("dd", { children: bytes(e.state_bytes ?? 0) })
        ] })
      ] }),
      /* @__PURE__ */ jsx7("h2", { children: "State" }),
      e.state === void 0 ? /* @__PURE__ */ jsx7("p", { class: "dim", children: "none" }) : /* @__PURE__ */ jsx7(JsonView2, { value: e.state, label: "state" }),
      /* @__PURE__ */ jsx7(Operations, { list: e.operations ?? [] })
    ] }),
    !name.startsWith("dafx-") && (e || entity.error?.status === 404) && /* @__PURE__ */ jsx7(Operate, { where, known: [...new Set((e?.operations ?? []).map((o) => o.name))], onSent: entity.refetch })
  ] });
}
function Operations({ list }) {
  return /* @__PURE__ */ jsxs7(Fragment4, { children: [
    /* @__PURE__ */ jsx7("h2", { children: "Recent operations" }),
    list.length === 0 ? /* @__PURE__ */ jsx7("p", { class: "dim", children: "None is known. Each operation that it carries out is told here; the newest 8 are kept." }) : /* @__PURE__ */ jsx7("ul", { class: "plain operations", "aria-label": "Recent operations, the newest first", children: list.map((o, i) => /* @__PURE__ */ jsxs7("li", { class: o.error ? "is-failed" : "", children: [
      /* @__PURE__ */ jsx7("code", { children: /* @__PURE__ */ jsx7(Visible4, { text: o.name, exact: true }) }),
      /* @__PURE__ */ jsxs7("span", { class: "dim", children: [
        o.called ? "called by" : "signalled by",
        " ",
        /* @__PURE__ */ jsx7(From, { id: o.from })
      ] }),
      /* @__PURE__ */ jsx7(Time6, { at: o.at }),
      o.error && /* @__PURE__ */ jsx7("span", { class: "bad operation-error", children: /* @__PURE__ */ jsx7(Visible4, { text: o.error, exact: true }) })
    ] }, `${o.at} ${i}`)) })
  ] });
}
function From({ id }) {
  if (!id) return /* @__PURE__ */ jsx7(Fragment4, { children: "a client" });
  const entity = /^@([^@]+)@(.*)$/s.exec(id);
  return /* @__PURE__ */ jsx7("a", { href: entity ? links6.entity(entity[1] ?? "", entity[2] ?? "") : links6.run(id), children: /* @__PURE__ */ jsx7(Visible4, { text: id, exact: true }) });
}
function Operate({ where, known, onSent }) {
  const [operation, setOperation] = useState4("");
  const [input, setInput] = useState4("");
  const [done, setDone] = useState4(null);
  const [busy, setBusy] = useState4(false);
  const [error, setError] = useState4(null);
  const typed = input.trim() === "" ? null : parseJson(input);
  const unfit = readOnly2 || busy || operation.trim() === "" || typed !== null && !typed.ok;
  async function send(call) {
    setBusy(true);
    setError(null);
    setDone(null);
    try {
      const body = { operation: operation.trim(), ...typed?.ok ? { input: typed.value } : {} };
      const answer = await post(`${where}/${call ? "call" : "signal"}`, body);
      setDone({ operation: body.operation, ...call ? { answer } : {} });
      onSent();
    } catch (err) {
      setError(err);
    }
    setBusy(false);
  }
  return /* @__PURE__ */ jsxs7("form", { class: "entity-signal", onSubmit: (e) => {
    e.preventDefault();
    if (!unfit) void send(false);
  }, children: [
    /* @__PURE__ */ jsx7("h2", { children: "Send an operation" }),
    /* @__PURE__ */ jsx7("p", { class: "dim", children: "A signal is taken once, in its turn, and nobody waits for it. A call waits for the answer." }),
    /* @__PURE__ */ jsxs7("label", { class: "field", children: [
      "Operation",
      /* @__PURE__ */ jsx7("input", { type: "text", required: true, list: "entity-operations", value: operation, onInput: (e) => setOperation(e.currentTarget.value) }),
      /* @__PURE__ */ jsx7("datalist", { id: "entity-operations", children: known.map((o) => /* @__PURE__ */ jsx7("option", { value: o }, o)) })
    ] }),
    /* @__PURE__ */ jsxs7("label", { class: "field", children: [
      "Input (JSON, may be empty)",
      /* @__PURE__ */ jsx7("textarea", { class: "code", rows: 4, spellcheck: false, value: input, "aria-invalid": !!typed && !typed.ok, onInput: (e) => setInput(e.currentTarget.value) }),
      typed && !typed.ok && /* @__PURE__ */ jsxs7("span", { class: "field-error", role: "alert", children: [
        "Line ",
        typed.line,
        ", column ",
        typed.column,
        ": ",
        typed.message
      ] })
    ] }),
    /* @__PURE__ */ jsxs7("div", { class: "decide-row", children: [
      /* @__PURE__ */ jsx7("button", { type: "submit", class: "primary", disabled: unfit, children: busy ? "Sending…" : "Send signal" }),
      /* @__PURE__ */ jsx7("button", { type: "button", disabled: unfit, onClick: () => void send(true), children: "Call" }),
      /* @__PURE__ */ jsx7("span", { role: "status", children: done && /* @__PURE__ */ jsxs7(Fragment4, { children: [
        "✓ ",
        done.operation,
        " ",
        done.answer ? "answered" : "was accepted"
      ] }) })
    ] }),
    readOnly2 && /* @__PURE__ */ jsx7("p", { class: "dim", children: "This dashboard only shows: it sends nothing." }),
    done?.answer && /* @__PURE__ */ jsx7(JsonView2, { value: done.answer.output ?? null, label: "answer" }),
    error && /* @__PURE__ */ jsx7(Problem6, { error })
  ] });
}

// src/pages/workers.tsx
import { useQuery as useQuery7 } from "./core.js";
import { count as count3 } from "./core.js";
import { useTopic as useTopic7 } from "./core.js";
import { Command as Command3 } from "./core.js";
import { Problem as Problem7 } from "./core.js";
import { Time as Time7 } from "./core.js";
import { Fragment as Fragment5, jsx as jsx8, jsxs as jsxs8 } from "./core.js";
function Workers(_) {
  const workers = useQuery7("workers");
  const backlog = useQuery7("backlog");
  const nodes = useQuery7("nodes");
  useTopic7("workers", void 0, (events) => {
    const e = events.at(-1);
    if (e?.kind === "workers") {
      const f = e.data;
      workers.set(() => ({ items: f.items, connected: f.connected }));
    }
    backlog.refetch();
    nodes.refetch();
  });
  const connected = workers.data?.connected ?? [];
  const called = workers.data?.items ?? [];
  return /* @__PURE__ */ jsxs8("section", { class: "page", children: [
    /* @__PURE__ */ jsx8("h1", { children: "Workers" }),
    workers.error && /* @__PURE__ */ jsx8(Problem7, { error: workers.error, retry: workers.refetch }),
    /* @__PURE__ */ jsxs8("div", { class: "columns", children: [
      /* @__PURE__ */ jsxs8("section", { class: "card", "aria-labelledby": "w-connected", children: [
        /* @__PURE__ */ jsx8("h2", { id: "w-connected", children: "Connected" }),
        connected.length === 0 && called.length === 0 && workers.data && /* @__PURE__ */ jsxs8(Fragment5, { children: [
          /* @__PURE__ */ jsx8("p", { children: "No worker of another process is connected. Code that this server has of its own needs none." }),
          /* @__PURE__ */ jsx8("p", { class: "dim", children: "SDKs connect with" }),
          /* @__PURE__ */ jsx8(Command3, { text: `Endpoint=${new URL(document.baseURI).origin};TaskHub=default;Authentication=None` })
        ] }),
        /* @__PURE__ */ jsx8("div", { class: "scroll", tabIndex: connected.length ? 0 : -1, role: "region", "aria-label": "Connected workers", children: connected.length > 0 && /* @__PURE__ */ jsxs8("table", { class: "plain-table", children: [
          /* @__PURE__ */ jsx8("thead", { children: /* @__PURE__ */ jsxs8("tr", { children: [
            /* @__PURE__ */ jsx8("th", { children: "Worker" }),
            /* @__PURE__ */ jsx8("th", { children: "Takes" }),
            /* @__PURE__ */ jsx8("th", { class: "num", children: "In flight / capacity" })
          ] }) }),
          /* @__PURE__ */ jsx8("tbody", { children: connected.map((c, i) => /* @__PURE__ */ jsxs8("tr", { children: [
            /* @__PURE__ */ jsx8("td", { class: "mono", children: c.id }),
            /* @__PURE__ */ jsx8("td", { children: takes(c) }),
            /* @__PURE__ */ jsxs8("td", { class: "num", children: [
              sum(c.in_flight),
              " / ",
              sum(c.capacity)
            ] })
          ] }, c.id ?? i)) })
        ] }) }),
        called.map((c) => /* @__PURE__ */ jsxs8("p", { class: "row", children: [
          /* @__PURE__ */ jsx8("strong", { children: c.name }),
          " ",
          /* @__PURE__ */ jsx8("span", { class: "mono", children: c.url }),
          " ",
          /* @__PURE__ */ jsxs8("span", { class: "num", children: [
            c.running,
            " running"
          ] }),
          c.cause && /* @__PURE__ */ jsx8("span", { class: "bad", children: c.cause })
        ] }, c.name))
      ] }),
      /* @__PURE__ */ jsxs8("section", { class: "card", "aria-labelledby": "w-backlog", children: [
        /* @__PURE__ */ jsx8("h2", { id: "w-backlog", children: "Backlog" }),
        backlog.data?.items.length === 0 && /* @__PURE__ */ jsx8("p", { class: "dim", children: "Nothing waits for a worker." }),
        /* @__PURE__ */ jsx8("ul", { class: "plain", children: (backlog.data?.items ?? []).map((b) => /* @__PURE__ */ jsxs8("li", { children: [
          /* @__PURE__ */ jsx8("span", { class: b.served ? "dim" : "bad", children: b.served ? "✓ served" : "! no worker" }),
          /* @__PURE__ */ jsxs8("span", { children: [
            b.kind,
            " ",
            /* @__PURE__ */ jsx8("strong", { children: b.name }),
            " ",
            b.version
          ] }),
          /* @__PURE__ */ jsxs8("span", { class: "num", children: [
            count3(b.waiting),
            " waiting, ",
            count3(b.running),
            " running"
          ] })
        ] }, b.kind + b.name + (b.version ?? ""))) })
      ] }),
      /* @__PURE__ */ jsxs8("section", { class: "card", "aria-labelledby": "w-nodes", children: [
        /* @__PURE__ */ jsx8("h2", { id: "w-nodes", children: "Nodes" }),
        /* @__PURE__ */ jsx8("ul", { class: "plain", children: (nodes.data?.items ?? []).map((n) => /* @__PURE__ */ jsxs8("li", { children: [
          /* @__PURE__ */ jsx8("span", { class: "mono", children: n.name }),
          n.here && /* @__PURE__ */ jsx8("span", { class: "tag", children: "this one" }),
          /* @__PURE__ */ jsxs8("span", { class: "num", children: [
            n.shards,
            " shards"
          ] }),
          n.unreached && /* @__PURE__ */ jsx8("span", { class: "bad", children: "not reached: works through the database" }),
          n.error && /* @__PURE__ */ jsx8("span", { class: "bad", children: n.error }),
          /* @__PURE__ */ jsx8(Time7, { at: n.since })
        ] }, n.name)) })
      ] })
    ] })
  ] });
}
function takes(c) {
  if (c.everything) {
    return "everything";
  }
  const parts = [
    [c.orchestrations.length, "orchestrations"],
    [c.activities.length, "activities"],
    [c.entities.length, "entities"]
  ];
  return parts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`).join(", ");
}
var sum = (p) => p.orchestrations + p.activities + p.entities;

// src/pages/missing.tsx
import { Empty as Empty5 } from "./core.js";
import { jsx as jsx9, jsxs as jsxs9 } from "./core.js";
function Missing() {
  return /* @__PURE__ */ jsxs9("section", { class: "page", children: [
    /* @__PURE__ */ jsx9("h1", { children: "Not found" }),
    /* @__PURE__ */ jsx9(Empty5, { title: "There is no such page", children: /* @__PURE__ */ jsx9("p", { children: /* @__PURE__ */ jsx9("a", { href: ".", children: "Overview" }) }) })
  ] });
}

// src/app.tsx
import { lazily as lazily2 } from "./core.js";
import { jsx as jsx10, jsxs as jsxs10 } from "./core.js";
var Inbox = lazily2(() => import("./inbox.js").then((m) => m.Inbox));
var Run = lazily2(() => import("./run.js").then((m) => m.Run));
var Chat = lazily2(() => import("./chat.js").then((m) => m.Chat));
var Charts = lazily2(() => import("./charts.js").then((m) => m.Charts));
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
  const [help, setHelp] = useState5(false);
  useKeys4({
    "?": () => setHelp(true),
    "g o": () => go5(""),
    "g i": () => go5("inbox"),
    "g r": () => go5("runs"),
    "g a": () => go5("agents"),
    "g e": () => go5("entities"),
    "g w": () => go5("workers"),
    "g c": () => go5("charts")
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
  return /* @__PURE__ */ jsxs10("div", { class: "shell", children: [
    /* @__PURE__ */ jsx10("a", { class: "skip", href: "#main", onClick: (e) => (e.preventDefault(), document.getElementById("main")?.focus()), children: "Skip to content" }),
    /* @__PURE__ */ jsx10(Rail, { at, onHelp: () => setHelp(true) }),
    /* @__PURE__ */ jsxs10("main", { id: "main", tabIndex: -1, children: [
      /* @__PURE__ */ jsx10(OfflineBanner, {}),
      /* @__PURE__ */ jsx10(Page, { params }, at)
    ] }),
    help && /* @__PURE__ */ jsx10(Help, { onClose: () => setHelp(false) }),
    /* @__PURE__ */ jsx10(Palette, {}),
    /* @__PURE__ */ jsx10(Login, {}),
    /* @__PURE__ */ jsx10(Announcer, {})
  ] });
}
function OfflineBanner() {
  const off = linkState2.value === "offline";
  const [shown, setShown] = useState5(false);
  useEffect2(() => {
    const t = setTimeout(() => setShown(off), off ? 1500 : 0);
    return () => clearTimeout(t);
  }, [off]);
  return shown ? /* @__PURE__ */ jsx10("div", { class: "banner", role: "alert", children: "The server does not answer. What you see is what was last known; this page goes on by itself when the server is back." }) : null;
}
startRouter();
render(/* @__PURE__ */ jsx10(App, {}), document.getElementById("app"));
