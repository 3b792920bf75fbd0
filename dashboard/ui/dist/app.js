// src/app.tsx
import { render } from "./core.js";
import { useEffect as useEffect4, useState as useState7 } from "./core.js";
import { Announcer } from "./core.js";
import { Rail } from "./core.js";
import { Help } from "./core.js";
import { Login } from "./core.js";
import { useKeys as useKeys5 } from "./core.js";
import { go as go5, match, route, startRouter } from "./core.js";
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
import { useEffect as useEffect3, useMemo as useMemo2, useRef as useRef3, useState as useState4 } from "./core.js";
import { query as query3, useQuery as useQuery4 } from "./core.js";
import { askText as askText2, doneText as doneText2, itemsOf, keyedAnswer, kindText as kindText2 } from "./core.js";
import { useKeys as useKeys2 } from "./core.js";
import { useTopic as useTopic3 } from "./core.js";
import { param as param2, setParams as setParams2 } from "./core.js";
import { Deadline as Deadline3 } from "./core.js";
import { Empty as Empty2 } from "./core.js";
import { Problem as Problem3 } from "./core.js";
import { Tabs } from "./core.js";
import { Time as Time5 } from "./core.js";
import { Visible as Visible3 } from "./core.js";

// src/pages/inbox/Detail.tsx
import { path, useQuery as useQuery2 } from "./core.js";
import { askText, doneText, kindText, timeoutText, whyText } from "./core.js";
import { links as links3 } from "./core.js";
import { Markdown } from "./core.js";
import { Arguments } from "./core.js";
import { Payload } from "./core.js";
import { Time as Time3 } from "./core.js";
import { Visible } from "./core.js";
import { Deadline } from "./core.js";
import { Decide } from "./core.js";
import { Fragment as Fragment3, jsx as jsx4, jsxs as jsxs3 } from "./core.js";
var lastSaid = 6;
function Detail({ decision: d, onDone, ask }) {
  return /* @__PURE__ */ jsxs3("article", { class: "inbox-detail", "aria-label": askText(d), children: [
    /* @__PURE__ */ jsxs3("header", { children: [
      /* @__PURE__ */ jsxs3("p", { class: "inbox-kind", children: [
        /* @__PURE__ */ jsx4("span", { class: "kind kind-" + d.kind, children: kindText(d.kind) }),
        d.state === "pending" ? /* @__PURE__ */ jsx4(Deadline, { at: d.deadline ?? void 0, then: timeoutText(d.on_timeout) }) : /* @__PURE__ */ jsx4("span", { children: doneText(d) })
      ] }),
      /* @__PURE__ */ jsx4("h2", { children: /* @__PURE__ */ jsx4(Visible, { text: askText(d), exact: true }) }),
      /* @__PURE__ */ jsxs3("p", { class: "dim", children: [
        "asked ",
        /* @__PURE__ */ jsx4(Time3, { at: d.requested_at }),
        d.originator?.name && /* @__PURE__ */ jsxs3(Fragment3, { children: [
          " for ",
          /* @__PURE__ */ jsx4(Visible, { text: d.originator.name, exact: true })
        ] }),
        d.assignee && /* @__PURE__ */ jsxs3(Fragment3, { children: [
          ", of ",
          /* @__PURE__ */ jsx4(Visible, { text: d.assignee, exact: true })
        ] }),
        !!d.level && /* @__PURE__ */ jsxs3(Fragment3, { children: [
          ", ",
          d.level,
          " before ",
          d.level === 1 ? "has" : "have",
          " not answered"
        ] })
      ] }),
      d.reason && /* @__PURE__ */ jsx4("p", { class: "inbox-reason", children: /* @__PURE__ */ jsx4(Visible, { text: d.reason, exact: true }) })
    ] }),
    d.kind !== "budget" && /* @__PURE__ */ jsxs3("section", { children: [
      /* @__PURE__ */ jsx4("h3", { children: /* @__PURE__ */ jsx4(Visible, { text: d.tool, exact: true }) }),
      /* @__PURE__ */ jsx4(Arguments, { value: d.edited_args ?? d.args }),
      /* @__PURE__ */ jsxs3("p", { class: "dim small", children: [
        d.state === "pending" && whyText(d),
        " ",
        /* @__PURE__ */ jsxs3("span", { title: "binds tool, version, arguments and call: " + d.args_hash, children: [
          "hash ",
          d.args_hash.slice(0, 12)
        ] })
      ] })
    ] }),
    d.state === "pending" ? /* @__PURE__ */ jsx4(Decide, { decision: d, onDone, ask, keys: true }, d.id + d.args_hash) : /* @__PURE__ */ jsx4(Answered, { decision: d }),
    /* @__PURE__ */ jsx4(Led, { decision: d })
  ] });
}
function Answered({ decision: d }) {
  return /* @__PURE__ */ jsxs3("section", { class: "inbox-answered", children: [
    /* @__PURE__ */ jsxs3("p", { children: [
      /* @__PURE__ */ jsx4("strong", { children: doneText(d) }),
      d.answered_at && /* @__PURE__ */ jsxs3(Fragment3, { children: [
        ", ",
        /* @__PURE__ */ jsx4(Time3, { at: d.answered_at })
      ] })
    ] }),
    d.comment && /* @__PURE__ */ jsxs3("p", { children: [
      "“",
      /* @__PURE__ */ jsx4(Visible, { text: d.comment }),
      "”"
    ] }),
    d.edited_args !== void 0 && /* @__PURE__ */ jsx4("p", { class: "dim", children: "with other arguments than those asked for" }),
    d.result !== void 0 && /* @__PURE__ */ jsx4(Payload, { value: d.result, label: "result" })
  ] });
}
function Led({ decision: d }) {
  const q = useQuery2(path`runs/${d.run}/conversation`);
  const said = (q.data?.items ?? []).filter((s) => s.kind === "message" && s.at <= d.requested_at).slice(-lastSaid);
  const chat = chatOf(d);
  return /* @__PURE__ */ jsxs3("section", { class: "inbox-led", children: [
    /* @__PURE__ */ jsx4("h3", { children: "What led here" }),
    q.error && /* @__PURE__ */ jsx4("p", { class: "dim", children: q.error.message }),
    q.data && said.length === 0 && /* @__PURE__ */ jsx4("p", { class: "dim", children: "Nothing was said." }),
    !q.data && !q.error && /* @__PURE__ */ jsx4("p", { class: "dim", children: "…" }),
    said.map((s) => /* @__PURE__ */ jsx4(Line, { said: s }, s.run + s.position)),
    /* @__PURE__ */ jsxs3("p", { class: "inbox-links", children: [
      chat && /* @__PURE__ */ jsx4("a", { href: chat, children: "Open the conversation" }),
      /* @__PURE__ */ jsx4("a", { href: links3.run(d.run), children: "Open the run" })
    ] })
  ] });
}
function chatOf(d) {
  const key = d.session && /^@[^@]+@(.+)$/s.exec(d.session)?.[1];
  return key ? links3.session(d.agent, key) : "";
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
  return /* @__PURE__ */ jsxs3("div", { class: "led led-" + m.Role, children: [
    /* @__PURE__ */ jsx4("span", { class: "led-who", children: m.Role === "user" ? "user" : s.agent }),
    /* @__PURE__ */ jsxs3("div", { children: [
      text && /* @__PURE__ */ jsx4(Markdown, { text }),
      calls.map((c, i) => /* @__PURE__ */ jsxs3("p", { class: "dim", children: [
        "calls ",
        /* @__PURE__ */ jsx4(Visible, { text: c, exact: true })
      ] }, i))
    ] })
  ] });
}

// src/pages/inbox/Event.tsx
import { useEffect as useEffect2, useRef as useRef2, useState as useState3 } from "./core.js";
import { path as path2, post, readOnly, useQuery as useQuery3 } from "./core.js";
import { parseJson } from "./core.js";
import { links as links4 } from "./core.js";
import { Markdown as Markdown2 } from "./core.js";
import { Payload as Payload2 } from "./core.js";
import { Time as Time4 } from "./core.js";
import { Visible as Visible2 } from "./core.js";
import { Deadline as Deadline2 } from "./core.js";
import { Fragment as Fragment4, jsx as jsx5, jsxs as jsxs4 } from "./core.js";
function EventDetail({ run: r, onDone, ask }) {
  const [text, setText] = useState3(null);
  const [confirm, setConfirm] = useState3(null);
  const [busy, setBusy] = useState3(false);
  const [error, setError] = useState3(null);
  const yes = useRef2(null);
  const whole = useQuery3(path2`runs/${r.id}`);
  const said = useQuery3(path2`runs/${r.id}/conversation`);
  const name = r.wait_name ?? "";
  const approves = /approv|decision|confirm|accept|review/i.test(name);
  const typed = text === null ? null : parseJson(text);
  useEffect2(() => {
    if (ask && (ask.answer === "approve" || ask.answer === "deny")) {
      setConfirm(ask.answer === "approve");
    }
  }, [ask?.n]);
  useEffect2(() => {
    if (confirm !== null) {
      yes.current?.focus();
    }
  }, [confirm]);
  async function raise(value, done) {
    setConfirm(null);
    setBusy(true);
    setError(null);
    try {
      await post(path2`runs/${r.id}/events/${name}`, value);
      onDone(done);
    } catch (err) {
      setError(err);
    }
    setBusy(false);
  }
  const word = (value) => approves ? value ? "Approve" : "Deny" : value ? "Send true" : "Send false";
  const last = (said.data?.items ?? []).filter((s) => s.kind === "message" && s.message).slice(-2);
  return /* @__PURE__ */ jsxs4("article", { class: "inbox-detail", "aria-label": `${r.id} waits for ${name}`, children: [
    /* @__PURE__ */ jsxs4("header", { children: [
      /* @__PURE__ */ jsxs4("p", { class: "inbox-kind", children: [
        /* @__PURE__ */ jsx5("span", { class: "kind kind-event", children: "Event" }),
        /* @__PURE__ */ jsx5(Deadline2, { at: r.next_fire_at, then: r.next_fire_at ? "then the run goes on without it" : "" })
      ] }),
      /* @__PURE__ */ jsx5("h2", { children: /* @__PURE__ */ jsx5(Visible2, { text: `${r.name} waits for ${name}`, exact: true }) }),
      /* @__PURE__ */ jsxs4("p", { class: "dim", children: [
        "run ",
        /* @__PURE__ */ jsx5("a", { href: links4.run(r.id), children: /* @__PURE__ */ jsx5(Visible2, { text: r.id, exact: true }) }),
        " waits since ",
        /* @__PURE__ */ jsx5(Time4, { at: r.phase_since ?? r.created ?? "" })
      ] })
    ] }),
    last.length > 0 && /* @__PURE__ */ jsxs4("section", { children: [
      /* @__PURE__ */ jsx5("h3", { children: "What was said last" }),
      last.map((s) => /* @__PURE__ */ jsxs4("div", { class: "led led-" + s.message?.Role, children: [
        /* @__PURE__ */ jsx5("span", { class: "led-who", children: s.message?.Role === "user" ? "asked" : s.agent }),
        /* @__PURE__ */ jsx5(Markdown2, { text: (s.message?.Contents ?? []).map((c) => c.Type === "text" ? c.Text : "").join("") })
      ] }, s.run + s.position))
    ] }),
    whole.data?.input !== void 0 && /* @__PURE__ */ jsxs4("section", { children: [
      /* @__PURE__ */ jsx5("h3", { children: "Input of the run" }),
      /* @__PURE__ */ jsx5(Payload2, { value: whole.data.input, label: "input" })
    ] }),
    text !== null && /* @__PURE__ */ jsxs4("label", { class: "field", children: [
      "Data of the event (JSON)",
      /* @__PURE__ */ jsx5("textarea", { class: "code", rows: 4, value: text, spellcheck: false, onInput: (e) => setText(e.currentTarget.value), "aria-invalid": !!typed && !typed.ok }),
      typed && !typed.ok && text.trim() !== "" && /* @__PURE__ */ jsxs4("span", { class: "field-error", role: "alert", children: [
        "Line ",
        typed.line,
        ", column ",
        typed.column,
        ": ",
        typed.message
      ] })
    ] }),
    confirm !== null ? /* @__PURE__ */ jsxs4("div", { class: "decide-row", role: "alertdialog", "aria-label": word(confirm) + "?", onKeyDown: (e) => e.key === "Escape" && (e.stopPropagation(), setConfirm(null)), children: [
      /* @__PURE__ */ jsxs4("span", { children: [
        word(confirm),
        "?"
      ] }),
      /* @__PURE__ */ jsxs4("button", { type: "button", ref: yes, class: confirm ? "tone-good" : "tone-bad", onClick: () => raise(confirm, word(confirm)), children: [
        "Yes, ",
        word(confirm).toLowerCase()
      ] }),
      /* @__PURE__ */ jsx5("button", { type: "button", onClick: () => setConfirm(null), children: "No" })
    ] }) : /* @__PURE__ */ jsx5("div", { class: "decide-row", children: text === null ? /* @__PURE__ */ jsxs4(Fragment4, { children: [
      /* @__PURE__ */ jsxs4("button", { type: "button", class: "tone-good", disabled: busy || readOnly, "aria-keyshortcuts": "a", onClick: () => raise(true, word(true)), children: [
        word(true),
        /* @__PURE__ */ jsx5("kbd", { "aria-hidden": "true", children: "a" })
      ] }),
      /* @__PURE__ */ jsxs4("button", { type: "button", class: "tone-bad", disabled: busy || readOnly, "aria-keyshortcuts": "d", onClick: () => raise(false, word(false)), children: [
        word(false),
        /* @__PURE__ */ jsx5("kbd", { "aria-hidden": "true", children: "d" })
      ] }),
      /* @__PURE__ */ jsx5("button", { type: "button", class: "link", onClick: () => setText(""), children: "Other data" })
    ] }) : /* @__PURE__ */ jsxs4(Fragment4, { children: [
      /* @__PURE__ */ jsxs4("button", { type: "button", class: "tone-good", disabled: busy || readOnly || !typed?.ok, onClick: () => typed?.ok && raise(typed.value, "Raised"), children: [
        "Raise ",
        name
      ] }),
      /* @__PURE__ */ jsx5("button", { type: "button", class: "link", onClick: () => setText(null), children: "Back" })
    ] }) }),
    /* @__PURE__ */ jsx5("p", { class: "dim small", children: text === null ? `Raises the event ${name} with ${approves ? "true or false as its data" : "this as its data"}.` : "" }),
    error && /* @__PURE__ */ jsxs4("p", { class: "field-error", role: "alert", children: [
      error.message,
      error.hint && ". " + error.hint
    ] })
  ] });
}

// src/pages/inbox.tsx
import { Fragment as Fragment5, jsx as jsx6, jsxs as jsxs5 } from "./core.js";
function Inbox() {
  return /* @__PURE__ */ jsxs5("section", { class: "page inbox", children: [
    /* @__PURE__ */ jsx6("h1", { children: "Inbox" }),
    /* @__PURE__ */ jsx6(Tabs, { label: "Inbox", tabs: [
      { id: "open", title: "Waiting", panel: () => /* @__PURE__ */ jsx6(Open, {}) },
      { id: "answered", title: "Answered", panel: () => /* @__PURE__ */ jsx6(AnsweredList, {}) }
    ] })
  ] });
}
var waiting = "phase:waiting_event";
function Open() {
  const decisions = useDecisions();
  const runs = useQuery4("runs" + query3({ filter: waiting, limit: 200 }));
  useTopic3("runs:" + waiting, void 0, () => runs.refetch());
  const items = useMemo2(() => itemsOf(decisions.rows ?? [], runs.data?.items ?? []), [decisions.rows, runs.data]);
  const [done, setDone] = useState4("");
  const [ask, setAsk] = useState4();
  const list = useRef3(null);
  const focusNext = useRef3(false);
  const chosen = param2("id");
  const choose = (id) => setParams2({ id });
  const place = Math.max(0, items.findIndex((i) => i.id === chosen));
  const item = items[place];
  useEffect3(() => {
    setAsk(void 0);
    if (focusNext.current && item) {
      focusNext.current = false;
      list.current?.querySelector('[aria-selected="true"]')?.focus();
    }
  }, [item?.id]);
  function finish(id, text) {
    const at = items.findIndex((i) => i.id === id);
    setDone(text);
    focusNext.current = true;
    choose((items[at + 1] ?? items[at - 1])?.id);
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
  function press(e, key) {
    const answer = item && keyedAnswer(item.kind === "event" ? "approval" : item.decision.kind, key);
    if (answer) {
      e.preventDefault();
      setAsk((old) => ({ answer, n: (old?.n ?? 0) + 1 }));
    }
  }
  const within = (e) => list.current?.contains(e.target);
  useKeys2({
    a: (e) => press(e, "a"),
    d: (e) => press(e, "d"),
    j: (e) => move(e, place + 1),
    k: (e) => move(e, place - 1),
    ArrowDown: (e) => within(e) && move(e, place + 1),
    ArrowUp: (e) => within(e) && move(e, place - 1)
  });
  if (!decisions.rows && decisions.error) {
    return /* @__PURE__ */ jsx6(Problem3, { error: decisions.error, retry: decisions.refetch });
  }
  if (!decisions.rows || !runs.data && !runs.error) {
    return /* @__PURE__ */ jsx6("p", { class: "dim pad", children: "…" });
  }
  if (!item) {
    return /* @__PURE__ */ jsx6(Nothing, { done });
  }
  return /* @__PURE__ */ jsxs5("div", { class: "inbox-panes" + (chosen ? " chosen" : ""), children: [
    /* @__PURE__ */ jsx6("div", { class: "inbox-list", role: "listbox", "aria-label": "What waits for a person", ref: list, children: items.map((i) => /* @__PURE__ */ jsx6(Row, { item: i, selected: i === item, onChoose: () => choose(i.id) }, i.id)) }),
    /* @__PURE__ */ jsxs5("div", { class: "inbox-pane", children: [
      /* @__PURE__ */ jsxs5("button", { type: "button", class: "inbox-back quiet", onClick: () => choose(void 0), children: [
        "‹ All ",
        items.length
      ] }),
      /* @__PURE__ */ jsx6("p", { class: "inbox-done", role: "status", children: done && /* @__PURE__ */ jsxs5(Fragment5, { children: [
        "✓ ",
        /* @__PURE__ */ jsx6(Visible3, { text: done, exact: true })
      ] }) }),
      item.kind === "decision" && /* @__PURE__ */ jsx6(Detail, { decision: item.decision, ask, onDone: (d) => finish(d.id, askText2(d) + ": " + doneText2(d)) }, item.id),
      item.kind === "event" && /* @__PURE__ */ jsx6(EventDetail, { run: item.run, ask, onDone: (t) => finish(item.id, item.run.id + ": " + t) }, item.id)
    ] })
  ] });
}
function Row({ item, selected, onChoose }) {
  const title = item.kind === "decision" ? askText2(item.decision) : item.run.name + " waits for " + item.run.wait_name;
  const about = item.kind === "decision" ? summary(item.decision) : item.run.id;
  return /* @__PURE__ */ jsxs5(
    "div",
    {
      role: "option",
      "aria-selected": selected,
      tabIndex: selected ? 0 : -1,
      class: "inbox-row",
      onClick: onChoose,
      onKeyDown: (e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), onChoose()),
      children: [
        /* @__PURE__ */ jsx6("span", { class: "inbox-row-title", children: /* @__PURE__ */ jsx6(Visible3, { text: title, exact: true }) }),
        /* @__PURE__ */ jsx6("span", { class: "inbox-row-about", children: /* @__PURE__ */ jsx6(Visible3, { text: about, exact: true }) }),
        /* @__PURE__ */ jsxs5("span", { class: "inbox-row-foot", children: [
          /* @__PURE__ */ jsx6("span", { class: "kind kind-" + (item.kind === "event" ? "event" : item.decision.kind), children: kindText2(item.kind === "event" ? "event" : item.decision.kind) }),
          item.deadline ? /* @__PURE__ */ jsx6(Deadline3, { at: item.deadline }) : /* @__PURE__ */ jsx6(Time5, { at: item.since })
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
  return /* @__PURE__ */ jsxs5(Fragment5, { children: [
    /* @__PURE__ */ jsx6("p", { class: "inbox-done", role: "status", children: done && /* @__PURE__ */ jsxs5(Fragment5, { children: [
      "✓ ",
      /* @__PURE__ */ jsx6(Visible3, { text: done, exact: true })
    ] }) }),
    /* @__PURE__ */ jsxs5(Empty2, { title: "Nothing waits for you", children: [
      /* @__PURE__ */ jsx6("p", { children: "Paused runs hold no compute: they wait on disk, for an hour or for years." }),
      /* @__PURE__ */ jsx6("p", { children: "A tool asks for approval with one option:" }),
      /* @__PURE__ */ jsx6("pre", { class: "sample", tabIndex: 0, children: 'agent.NewTool("issue_refund", "Gives a customer money back.", issueRefund,\n	agent.RequireApproval(func(_ context.Context, in Refund) bool { return in.Cents > 5000 }))' })
    ] })
  ] });
}
function useDecisions() {
  const q = useQuery4("decisions?state=pending&limit=1000");
  const drop = (ids, more = []) => q.set((old) => old && { ...old, items: [...old.items.filter((d) => !ids.has(d.id)), ...more] });
  useTopic3("inbox", void 0, (events) => {
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
  const answered = useQuery4("decisions?state=answered&limit=200");
  const expired = useQuery4("decisions?state=expired&limit=100");
  const superseded = useQuery4("decisions?state=superseded&limit=100");
  useTopic3("inbox", void 0, () => [answered, expired, superseded].forEach((q) => q.refetch()));
  const rows = [answered, expired, superseded].flatMap((q) => q.data?.items ?? []).sort((a, b) => endOf(b) - endOf(a));
  const chosen = param2("id");
  const item = rows.find((d) => d.id === chosen) ?? rows[0];
  const list = useRef3(null);
  const move = (e, by) => {
    const next = item && rows[rows.indexOf(item) + by];
    if (next) {
      e.preventDefault();
      setParams2({ id: next.id });
      requestAnimationFrame(() => list.current?.querySelector('[aria-selected="true"]')?.focus());
    }
  };
  useKeys2({
    j: (e) => move(e, 1),
    k: (e) => move(e, -1),
    ArrowDown: (e) => list.current?.contains(e.target) && move(e, 1),
    ArrowUp: (e) => list.current?.contains(e.target) && move(e, -1)
  });
  if (answered.error) {
    return /* @__PURE__ */ jsx6(Problem3, { error: answered.error, retry: answered.refetch });
  }
  if (!answered.data || !expired.data || !superseded.data) {
    return /* @__PURE__ */ jsx6("p", { class: "dim pad", children: "…" });
  }
  if (!item) {
    return /* @__PURE__ */ jsx6(Empty2, { title: "Nothing was decided yet", children: /* @__PURE__ */ jsx6("p", { children: "Here stands who has answered what, and when." }) });
  }
  return /* @__PURE__ */ jsxs5("div", { class: "inbox-panes" + (chosen ? " chosen" : ""), children: [
    /* @__PURE__ */ jsx6("div", { class: "inbox-list", role: "listbox", "aria-label": "Decisions of the past", ref: list, children: rows.map((d) => /* @__PURE__ */ jsxs5("div", { role: "option", "aria-selected": d === item, tabIndex: d === item ? 0 : -1, class: "inbox-row", onClick: () => setParams2({ id: d.id }), children: [
      /* @__PURE__ */ jsx6("span", { class: "inbox-row-title", children: /* @__PURE__ */ jsx6(Visible3, { text: askText2(d), exact: true }) }),
      /* @__PURE__ */ jsx6("span", { class: "inbox-row-about", children: /* @__PURE__ */ jsx6(Visible3, { text: doneText2(d), exact: true }) }),
      /* @__PURE__ */ jsxs5("span", { class: "inbox-row-foot", children: [
        /* @__PURE__ */ jsx6("span", { class: "kind kind-" + d.kind, children: kindText2(d.kind) }),
        /* @__PURE__ */ jsx6(Time5, { at: d.answered_at ?? d.deadline ?? d.requested_at })
      ] })
    ] }, d.id)) }),
    /* @__PURE__ */ jsxs5("div", { class: "inbox-pane", children: [
      /* @__PURE__ */ jsxs5("button", { type: "button", class: "inbox-back quiet", onClick: () => setParams2({ id: void 0 }), children: [
        "‹ All ",
        rows.length
      ] }),
      /* @__PURE__ */ jsx6(Detail, { decision: item, onDone: () => {
      } }, item.id)
    ] })
  ] });
}
function endOf(d) {
  return Date.parse(d.answered_at ?? d.deadline ?? d.requested_at);
}

// src/pages/agents.tsx
import { path as path3, query as query4, useQuery as useQuery5 } from "./core.js";
import { count } from "./core.js";
import { useTopic as useTopic4 } from "./core.js";
import { go as go2, links as links5 } from "./core.js";
import { useKeys as useKeys3 } from "./core.js";
import { Empty as Empty3 } from "./core.js";
import { Problem as Problem4 } from "./core.js";
import { Time as Time6 } from "./core.js";
import { Visible as Visible4 } from "./core.js";
import { randomKey } from "./core.js";
import { jsx as jsx7, jsxs as jsxs6 } from "./core.js";
var register = `reg := perdure.NewRegistry()
err := agent.Register(reg, &agent.Agent{
	Name:         "Joker",
	Instructions: "You are good at telling jokes.",
	Model:        m,
})`;
function Agents() {
  const agents = useQuery5("agents");
  useTopic4("workers", void 0, () => agents.refetch());
  const list = agents.data?.items ?? [];
  const move = (by) => {
    const all = [...document.querySelectorAll(".agent-card h2 a")];
    const at = all.indexOf(document.activeElement);
    all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
  };
  useKeys3({ j: () => move(1), k: () => move(-1) });
  return /* @__PURE__ */ jsxs6("section", { class: "page agents", children: [
    /* @__PURE__ */ jsx7("h1", { children: "Agents" }),
    agents.error && !agents.data && /* @__PURE__ */ jsx7(Problem4, { error: agents.error, retry: agents.refetch }),
    agents.data && list.length === 0 && /* @__PURE__ */ jsxs6(Empty3, { title: "No agent is registered", children: [
      /* @__PURE__ */ jsx7("p", { children: "An agent is a name, instructions, a model and tools. A worker makes it known:" }),
      /* @__PURE__ */ jsx7("pre", { class: "sample", tabIndex: 0, children: register })
    ] }),
    /* @__PURE__ */ jsx7("div", { class: "agent-cards", children: list.map((a) => /* @__PURE__ */ jsx7(Card, { agent: a }, a.name)) })
  ] });
}
function Card({ agent: a }) {
  const sessions = useQuery5(path3`agents/${a.name}/sessions` + query4({ limit: 100 }));
  useTopic4("sessions:" + a.name, void 0, () => sessions.refetch());
  const list = sessions.data?.items ?? [];
  const more = sessions.data?.next ? "+" : "";
  const active = list.filter((s) => s.state === "running" || s.state === "waiting_approval").length;
  const tokens = list.reduce((n, s) => n + s.tokens.total, 0);
  const broken = list.filter((s) => s.state === "failed").sort((x, y) => x.updated < y.updated ? 1 : -1)[0];
  return /* @__PURE__ */ jsxs6("article", { class: "agent-card", children: [
    /* @__PURE__ */ jsxs6("header", { children: [
      /* @__PURE__ */ jsx7("h2", { children: /* @__PURE__ */ jsx7("a", { href: links5.agent(a.name), children: /* @__PURE__ */ jsx7(Visible4, { text: a.name, exact: true }) }) }),
      /* @__PURE__ */ jsx7("button", { type: "button", onClick: () => go2(links5.session(a.name, randomKey())), "aria-label": "Chat with " + a.name, children: "Chat" })
    ] }),
    a.description && /* @__PURE__ */ jsx7("p", { class: "agent-about", children: /* @__PURE__ */ jsx7(Visible4, { text: a.description }) }),
    /* @__PURE__ */ jsxs6("dl", { class: "facts", children: [
      /* @__PURE__ */ jsxs6("div", { children: [
        /* @__PURE__ */ jsx7("dt", { children: "Model" }),
        /* @__PURE__ */ jsx7("dd", { children: a.model ? /* @__PURE__ */ jsx7(Visible4, { text: a.model, exact: true }) : /* @__PURE__ */ jsx7("span", { class: "dim", children: "not told" }) })
      ] }),
      /* @__PURE__ */ jsxs6("div", { children: [
        /* @__PURE__ */ jsx7("dt", { children: "Tools" }),
        /* @__PURE__ */ jsx7("dd", { children: a.tools.length === 0 ? /* @__PURE__ */ jsx7("span", { class: "dim", children: "none" }) : /* @__PURE__ */ jsx7(Visible4, { text: a.tools.map((t) => t.Name).join(", "), exact: true }) })
      ] }),
      /* @__PURE__ */ jsxs6("div", { children: [
        /* @__PURE__ */ jsx7("dt", { children: "Sessions" }),
        /* @__PURE__ */ jsx7("dd", { children: sessions.data ? `${active} active, ${list.length}${more} in all` : "…" })
      ] }),
      /* @__PURE__ */ jsxs6("div", { children: [
        /* @__PURE__ */ jsx7("dt", { children: "Tokens" }),
        /* @__PURE__ */ jsx7("dd", { children: sessions.data ? count(tokens) + more : "…" })
      ] }),
      /* @__PURE__ */ jsxs6("div", { children: [
        /* @__PURE__ */ jsx7("dt", { children: "Version" }),
        /* @__PURE__ */ jsx7("dd", { children: /* @__PURE__ */ jsx7("code", { title: "hash of instructions, tools and parameters", children: a.hash.slice(0, 8) }) })
      ] }),
      a.last_seen && /* @__PURE__ */ jsxs6("div", { children: [
        /* @__PURE__ */ jsx7("dt", { children: "Last seen" }),
        /* @__PURE__ */ jsx7("dd", { children: /* @__PURE__ */ jsx7(Time6, { at: a.last_seen }) })
      ] })
    ] }),
    broken && /* @__PURE__ */ jsx7(LastError, { agent: a.name, session: broken.key })
  ] });
}
function LastError({ agent, session }) {
  const turns = useQuery5(path3`agents/${agent}/sessions/${session}/turns` + query4({ limit: 5 }));
  const failed = turns.data?.items.find((t) => t.error);
  return failed ? /* @__PURE__ */ jsxs6("p", { class: "agent-error", children: [
    /* @__PURE__ */ jsx7("span", { class: "tone-bad", children: "✕ Last error" }),
    " ",
    /* @__PURE__ */ jsx7("a", { href: links5.session(agent, session), children: /* @__PURE__ */ jsx7(Visible4, { text: (failed.error ?? "").slice(0, 160), exact: true }) }),
    " ",
    /* @__PURE__ */ jsx7(Time6, { at: failed.ended ?? failed.created })
  ] }) : null;
}

// src/pages/agent.tsx
import { path as path4, query as query5, useQuery as useQuery6 } from "./core.js";
import { count as count2 } from "./core.js";
import { useKeys as useKeys4 } from "./core.js";
import { useTopic as useTopic5 } from "./core.js";
import { randomKey as randomKey2 } from "./core.js";
import { go as go3, links as links6 } from "./core.js";
import { Copy as Copy2 } from "./core.js";
import { Empty as Empty4 } from "./core.js";
import { JsonView } from "./core.js";
import { Problem as Problem5 } from "./core.js";
import { Status as Status3 } from "./core.js";
import { Table as Table2 } from "./core.js";
import { Time as Time7 } from "./core.js";
import { Visible as Visible5 } from "./core.js";
import { Fragment as Fragment6, jsx as jsx8, jsxs as jsxs7 } from "./core.js";
function Agent({ params }) {
  const name = params["agent"] ?? "";
  const info = useQuery6(path4`agents/${name}`);
  const sessions = useSessions(name);
  const list = sessions.data?.items ?? [];
  const broken = list.find((s) => s.state === "failed");
  const fresh = () => go3(links6.session(name, randomKey2()));
  useKeys4({ n: fresh });
  return /* @__PURE__ */ jsxs7("section", { class: "page agent", children: [
    /* @__PURE__ */ jsxs7("header", { class: "page-head", children: [
      /* @__PURE__ */ jsx8("h1", { children: /* @__PURE__ */ jsx8(Visible5, { text: info.data?.name ?? name, exact: true }) }),
      /* @__PURE__ */ jsx8("button", { type: "button", class: "primary", onClick: fresh, disabled: !info.data, "aria-keyshortcuts": "n", children: "New session" })
    ] }),
    info.error && /* @__PURE__ */ jsx8(Problem5, { error: info.error, retry: info.refetch }),
    info.data && /* @__PURE__ */ jsx8(About, { info: info.data }),
    broken && /* @__PURE__ */ jsx8(LastError, { agent: name, session: broken.key }),
    info.data && /* @__PURE__ */ jsxs7(Fragment6, { children: [
      /* @__PURE__ */ jsx8("h2", { children: "Sessions" }),
      sessions.data && list.length === 0 ? /* @__PURE__ */ jsxs7(Empty4, { title: "No session yet", children: [
        /* @__PURE__ */ jsx8("p", { children: "A session is a conversation that lasts: it is on disk after every step." }),
        /* @__PURE__ */ jsx8("button", { type: "button", onClick: fresh, children: "Begin one" })
      ] }) : /* @__PURE__ */ jsx8(Table2, { label: "Sessions", rows: list, id: (s) => s.id, open: (s) => go3(links6.session(name, s.key)), columns: columns2(name) }),
      sessions.data?.next && /* @__PURE__ */ jsxs7("p", { class: "dim", children: [
        "The first ",
        list.length,
        " by key are shown."
      ] })
    ] })
  ] });
}
function columns2(agent) {
  return [
    { id: "state", title: "State", class: "w-status", cell: (s) => /* @__PURE__ */ jsx8(Status3, { state: s.state }) },
    { id: "key", title: "Key", cell: (s) => /* @__PURE__ */ jsx8("a", { href: links6.session(agent, s.key), title: s.key, children: /* @__PURE__ */ jsx8(Visible5, { text: s.key.length > 20 ? s.key.slice(0, 12) + "…" : s.key, exact: true }) }) },
    { id: "preview", title: "Said last", class: "grow", cell: (s) => /* @__PURE__ */ jsx8("span", { class: "dim", children: s.preview && /* @__PURE__ */ jsx8(Visible5, { text: s.preview }) }) },
    { id: "turns", title: "Turns", class: "num", cell: (s) => /* @__PURE__ */ jsxs7(Fragment6, { children: [
      s.turns,
      s.failed > 0 && /* @__PURE__ */ jsxs7("span", { class: "tone-bad", title: s.failed + " failed", children: [
        " ✕",
        s.failed
      ] })
    ] }) },
    { id: "tokens", title: "Tokens", class: "num", cell: (s) => count2(s.tokens.total) },
    { id: "updated", title: "Last turn", cell: (s) => /* @__PURE__ */ jsx8(Time7, { at: s.updated }) }
  ];
}
function About({ info: a }) {
  return /* @__PURE__ */ jsxs7("div", { class: "agent-info", children: [
    a.description && /* @__PURE__ */ jsx8("p", { children: /* @__PURE__ */ jsx8(Visible5, { text: a.description }) }),
    /* @__PURE__ */ jsxs7("dl", { class: "facts", children: [
      /* @__PURE__ */ jsxs7("div", { children: [
        /* @__PURE__ */ jsx8("dt", { children: "Model" }),
        /* @__PURE__ */ jsx8("dd", { children: /* @__PURE__ */ jsx8(Visible5, { text: [a.provider, a.model].filter(Boolean).join(" / ") || "not told", exact: true }) })
      ] }),
      /* @__PURE__ */ jsxs7("div", { children: [
        /* @__PURE__ */ jsx8("dt", { children: "Version" }),
        /* @__PURE__ */ jsxs7("dd", { children: [
          /* @__PURE__ */ jsx8("code", { title: "hash of instructions, tools and parameters", children: a.hash }),
          " ",
          /* @__PURE__ */ jsx8(Copy2, { text: a.hash, what: "version" })
        ] })
      ] }),
      /* @__PURE__ */ jsxs7("div", { children: [
        /* @__PURE__ */ jsx8("dt", { children: "Steps at most" }),
        /* @__PURE__ */ jsx8("dd", { children: a.max_steps })
      ] }),
      a.last_seen && /* @__PURE__ */ jsxs7("div", { children: [
        /* @__PURE__ */ jsx8("dt", { children: "Last seen" }),
        /* @__PURE__ */ jsx8("dd", { children: /* @__PURE__ */ jsx8(Time7, { at: a.last_seen }) })
      ] })
    ] }),
    a.instructions && /* @__PURE__ */ jsxs7("details", { open: a.instructions.length < 400, children: [
      /* @__PURE__ */ jsx8("summary", { children: "Instructions" }),
      /* @__PURE__ */ jsx8("pre", { class: "sample wrap", tabIndex: 0, children: /* @__PURE__ */ jsx8(Visible5, { text: a.instructions, exact: true }) })
    ] }),
    a.tools.length > 0 && /* @__PURE__ */ jsxs7("details", { children: [
      /* @__PURE__ */ jsxs7("summary", { children: [
        a.tools.length,
        " ",
        a.tools.length === 1 ? "tool" : "tools",
        ": ",
        /* @__PURE__ */ jsx8(Visible5, { text: a.tools.map((t) => t.Name).join(", "), exact: true })
      ] }),
      a.tools.map((t) => /* @__PURE__ */ jsxs7("div", { class: "agent-tool", children: [
        /* @__PURE__ */ jsx8("h3", { children: /* @__PURE__ */ jsx8(Visible5, { text: t.Name, exact: true }) }),
        t.Description && /* @__PURE__ */ jsx8("p", { children: /* @__PURE__ */ jsx8(Visible5, { text: t.Description, exact: true }) }),
        t.Schema !== void 0 && /* @__PURE__ */ jsx8(JsonView, { value: t.Schema, label: "schema of " + t.Name })
      ] }, t.Name))
    ] })
  ] });
}
function useSessions(name) {
  const q = useQuery6(path4`agents/${name}/sessions` + query5({ limit: 500 }));
  useTopic5("sessions:" + name, void 0, (events) => {
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
import { useState as useState5 } from "./core.js";
import { query as query6, useQuery as useQuery7 } from "./core.js";
import { useTopic as useTopic6 } from "./core.js";
import { go as go4, links as links7, param as param3, setParams as setParams3 } from "./core.js";
import { Empty as Empty5 } from "./core.js";
import { Problem as Problem6 } from "./core.js";
import { Table as Table3 } from "./core.js";
import { Time as Time8 } from "./core.js";
import { Visible as Visible6 } from "./core.js";
import { jsx as jsx9, jsxs as jsxs8 } from "./core.js";
var declare = `type Counter struct{ N int }

func (c *Counter) Add(n int) int { c.N += n; return c.N }

perdure.AddEntity[Counter](reg, "counter")`;
function Entities() {
  const name = param3("name");
  const cursor = param3("cursor");
  const [typed, setTyped] = useState5(name);
  const page = useQuery7("entities" + query6({ name, cursor, limit: 200 }));
  useTopic6("entities" + (name ? ":" + name : ""), void 0, (events) => {
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
  return /* @__PURE__ */ jsxs8("section", { class: "page entities", children: [
    /* @__PURE__ */ jsxs8("header", { class: "page-head", children: [
      /* @__PURE__ */ jsx9("h1", { children: "Entities" }),
      /* @__PURE__ */ jsx9("form", { class: "entities-find", onSubmit: (e) => {
        e.preventDefault();
        setParams3({ name: typed.trim(), cursor: void 0 });
      }, children: /* @__PURE__ */ jsx9("input", { type: "search", "aria-label": "Name of the entities", placeholder: "Name, then Enter", value: typed, onInput: (e) => setTyped(e.currentTarget.value) }) })
    ] }),
    page.error && /* @__PURE__ */ jsx9(Problem6, { error: page.error, retry: page.refetch }),
    page.data && rows.length === 0 ? name ? /* @__PURE__ */ jsx9(Empty5, { title: "No entity is called " + name, children: /* @__PURE__ */ jsx9("button", { type: "button", onClick: () => {
      setTyped("");
      setParams3({ name: void 0 });
    }, children: "Show all" }) }) : /* @__PURE__ */ jsxs8(Empty5, { title: "There is no entity yet", children: [
      /* @__PURE__ */ jsx9("p", { children: "An entity is named state with one operation at a time; it begins to exist with its first operation. Sessions of agents are entities too." }),
      /* @__PURE__ */ jsx9("pre", { class: "sample", tabIndex: 0, children: declare })
    ] }) : /* @__PURE__ */ jsx9(Table3, { label: "Entities", rows, id: (e) => e.id, columns: columns3, open: (e) => go4(links7.entity(e.name, e.key)) }),
    /* @__PURE__ */ jsxs8("p", { class: "pager", children: [
      cursor && /* @__PURE__ */ jsx9("button", { type: "button", onClick: () => setParams3({ cursor: void 0 }, false), children: "‹ First page" }),
      page.data?.next && /* @__PURE__ */ jsx9("button", { type: "button", onClick: () => setParams3({ cursor: page.data?.next }, false), children: "Next page ›" })
    ] })
  ] });
}
var columns3 = [
  { id: "name", title: "Name", class: "w-name", cell: (e) => /* @__PURE__ */ jsx9(Visible6, { text: e.name, exact: true }) },
  { id: "key", title: "Key", class: "grow", cell: (e) => /* @__PURE__ */ jsx9("a", { href: links7.entity(e.name, e.key), children: /* @__PURE__ */ jsx9(Visible6, { text: e.key, exact: true }) }) },
  { id: "chat", title: "Chat", cell: (e) => {
    const s = sessionOf(e);
    return s ? /* @__PURE__ */ jsx9("a", { href: s, children: "open" }) : /* @__PURE__ */ jsx9("span", { class: "dim", children: "–" });
  } },
  { id: "depth", title: "Waiting", class: "num", cell: (e) => e.queue_depth > 0 ? e.queue_depth : /* @__PURE__ */ jsx9("span", { class: "dim", children: "0" }) },
  { id: "updated", title: "Last operation", cell: (e) => /* @__PURE__ */ jsx9(Time8, { at: e.updated }) }
];
function sessionOf(e) {
  return e.name.startsWith("dafx-") ? links7.session(e.name.slice("dafx-".length), e.key) : void 0;
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
import { useState as useState6 } from "./core.js";
import { path as path5, post as post2, readOnly as readOnly2, useQuery as useQuery8 } from "./core.js";
import { bytes } from "./core.js";
import { parseJson as parseJson2 } from "./core.js";
import { useTopic as useTopic7 } from "./core.js";
import { links as links8 } from "./core.js";
import { Copy as Copy3 } from "./core.js";
import { JsonView as JsonView2 } from "./core.js";
import { Problem as Problem7 } from "./core.js";
import { Time as Time9 } from "./core.js";
import { Visible as Visible7 } from "./core.js";
import { Fragment as Fragment7, jsx as jsx10, jsxs as jsxs9 } from "./core.js";
function Entity({ params }) {
  const name = params["name"] ?? "";
  const key = params["key"] ?? "";
  const where = path5`entities/${name}/${key}`;
  const entity = useQuery8(where);
  useTopic7("entities:" + name, void 0, (events) => {
    if (events.some((e2) => e2.kind === "reset" || e2.data.upsert.some((x) => x.key === key))) {
      entity.refetch();
    }
  });
  const e = entity.data;
  const chat = sessionOf({ name, key });
  return /* @__PURE__ */ jsxs9("section", { class: "page entity", children: [
    /* @__PURE__ */ jsxs9("header", { class: "page-head", children: [
      /* @__PURE__ */ jsxs9("h1", { children: [
        /* @__PURE__ */ jsx10(Visible7, { text: name, exact: true }),
        " ",
        /* @__PURE__ */ jsxs9("span", { class: "dim", children: [
          "/ ",
          /* @__PURE__ */ jsx10(Visible7, { text: key, exact: true })
        ] }),
        " ",
        /* @__PURE__ */ jsx10(Copy3, { text: `@${name}@${key}`, what: "id" })
      ] }),
      chat && /* @__PURE__ */ jsx10("a", { href: chat, children: "Open the conversation" })
    ] }),
    entity.error?.status === 404 ? /* @__PURE__ */ jsx10("p", { class: "dim", children: "This entity does not exist yet. Its first operation makes it." }) : entity.error && /* @__PURE__ */ jsx10(Problem7, { error: entity.error, retry: entity.refetch }),
    e && /* @__PURE__ */ jsxs9(Fragment7, { children: [
      /* @__PURE__ */ jsxs9("dl", { class: "facts", children: [
        /* @__PURE__ */ jsxs9("div", { children: [
          /* @__PURE__ */ jsx10("dt", { children: "Last operation" }),
          /* @__PURE__ */ jsx10("dd", { children: /* @__PURE__ */ jsx10(Time9, { at: e.updated }) })
        ] }),
        /* @__PURE__ */ jsxs9("div", { children: [
          /* @__PURE__ */ jsx10("dt", { children: "Waiting" }),
          /* @__PURE__ */ jsxs9("dd", { children: [
            e.queue_depth,
            " ",
            e.queue_depth === 1 ? "operation" : "operations"
          ] })
        ] }),
        /* @__PURE__ */ jsxs9("div", { children: [
          /* @__PURE__ */ jsx10("dt", { children: "Lock" }),
          /* @__PURE__ */ jsx10("dd", { children: e.lock_owner ? /* @__PURE__ */ jsxs9("a", { href: links8.run(e.lock_owner), children: [
            "held by ",
            /* @__PURE__ */ jsx10(Visible7, { text: e.lock_owner, exact: true })
          ] }) : /* @__PURE__ */ jsx10("span", { class: "dim", children: "free" }) })
        ] }),
        /* @__PURE__ */ jsxs9("div", { children: [
          /* @__PURE__ */ jsx10("dt", { children: "State" }),
          /* @__PURE__ */ jsx10("dd", { children: bytes(e.state_bytes ?? 0) })
        ] })
      ] }),
      /* @__PURE__ */ jsx10("h2", { children: "State" }),
      e.state === void 0 ? /* @__PURE__ */ jsx10("p", { class: "dim", children: "none" }) : /* @__PURE__ */ jsx10(JsonView2, { value: e.state, label: "state" })
    ] }),
    !name.startsWith("dafx-") && (e || entity.error?.status === 404) && /* @__PURE__ */ jsx10(Signal, { where, onSent: entity.refetch })
  ] });
}
function Signal({ where, onSent }) {
  const [operation, setOperation] = useState6("");
  const [input, setInput] = useState6("");
  const [sent, setSent] = useState6("");
  const [busy, setBusy] = useState6(false);
  const [error, setError] = useState6(null);
  const typed = input.trim() === "" ? null : parseJson2(input);
  async function send() {
    setBusy(true);
    setError(null);
    setSent("");
    try {
      await post2(where + "/signal", { operation, ...typed?.ok ? { input: typed.value } : {} });
      setSent(operation);
      onSent();
    } catch (err) {
      setError(err);
    }
    setBusy(false);
  }
  return /* @__PURE__ */ jsxs9("form", { class: "entity-signal", onSubmit: (e) => {
    e.preventDefault();
    void send();
  }, children: [
    /* @__PURE__ */ jsx10("h2", { children: "Signal" }),
    /* @__PURE__ */ jsx10("p", { class: "dim", children: "Sends an operation that nobody waits for. It is taken once, in its turn." }),
    /* @__PURE__ */ jsxs9("label", { class: "field", children: [
      "Operation",
      /* @__PURE__ */ jsx10("input", { type: "text", required: true, value: operation, onInput: (e) => setOperation(e.currentTarget.value) })
    ] }),
    /* @__PURE__ */ jsxs9("label", { class: "field", children: [
      "Input (JSON, may be empty)",
      /* @__PURE__ */ jsx10("textarea", { class: "code", rows: 4, spellcheck: false, value: input, "aria-invalid": !!typed && !typed.ok, onInput: (e) => setInput(e.currentTarget.value) }),
      typed && !typed.ok && /* @__PURE__ */ jsxs9("span", { class: "field-error", role: "alert", children: [
        "Line ",
        typed.line,
        ", column ",
        typed.column,
        ": ",
        typed.message
      ] })
    ] }),
    /* @__PURE__ */ jsxs9("div", { class: "decide-row", children: [
      /* @__PURE__ */ jsx10("button", { type: "submit", class: "primary", disabled: readOnly2 || busy || operation.trim() === "" || typed !== null && !typed.ok, children: busy ? "Sending…" : "Send" }),
      /* @__PURE__ */ jsx10("span", { role: "status", children: sent && /* @__PURE__ */ jsxs9(Fragment7, { children: [
        "✓ ",
        sent,
        " was accepted"
      ] }) })
    ] }),
    error && /* @__PURE__ */ jsx10(Problem7, { error })
  ] });
}

// src/pages/workers.tsx
import { jsx as jsx11 } from "./core.js";
function Workers({ params }) {
  return /* @__PURE__ */ jsx11("section", { class: "page", children: /* @__PURE__ */ jsx11("h1", { children: Object.values(params).join(" / ") || "Workers" }) });
}

// src/pages/missing.tsx
import { Empty as Empty6 } from "./core.js";
import { jsx as jsx12 } from "./core.js";
function Missing() {
  return /* @__PURE__ */ jsx12("section", { class: "page", children: /* @__PURE__ */ jsx12(Empty6, { title: "There is no such page", children: /* @__PURE__ */ jsx12("p", { children: /* @__PURE__ */ jsx12("a", { href: ".", children: "Overview" }) }) }) });
}

// src/app.tsx
import { lazily } from "./core.js";
import { jsx as jsx13, jsxs as jsxs10 } from "./core.js";
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
  const [help, setHelp] = useState7(false);
  useKeys5({
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
  useEffect4(() => {
    document.title = (name ? `${name} · ` : "") + `${title} · Perdure`;
  }, [at]);
  return /* @__PURE__ */ jsxs10("div", { class: "shell", children: [
    /* @__PURE__ */ jsx13("a", { class: "skip", href: "#main", onClick: (e) => (e.preventDefault(), document.getElementById("main")?.focus()), children: "Skip to content" }),
    /* @__PURE__ */ jsx13(Rail, { at, onHelp: () => setHelp(true) }),
    /* @__PURE__ */ jsxs10("main", { id: "main", tabIndex: -1, children: [
      /* @__PURE__ */ jsx13(OfflineBanner, {}),
      /* @__PURE__ */ jsx13(Page, { params }, at)
    ] }),
    help && /* @__PURE__ */ jsx13(Help, { onClose: () => setHelp(false) }),
    /* @__PURE__ */ jsx13(Login, {}),
    /* @__PURE__ */ jsx13(Announcer, {})
  ] });
}
function OfflineBanner() {
  const off = linkState.value === "offline";
  const [shown, setShown] = useState7(false);
  useEffect4(() => {
    const t = setTimeout(() => setShown(off), off ? 1500 : 0);
    return () => clearTimeout(t);
  }, [off]);
  return shown ? /* @__PURE__ */ jsx13("div", { class: "banner", role: "alert", children: "The server does not answer. What you see is what was last known; this page goes on by itself when the server is back." }) : null;
}
startRouter();
render(/* @__PURE__ */ jsx13(App, {}), document.getElementById("app"));
