// src/app.tsx
import { render } from "./core.js";
import { useEffect as useEffect6, useState as useState8 } from "./core.js";
import { Announcer } from "./core.js";
import { Rail } from "./core.js";
import { Help } from "./core.js";
import { Login } from "./core.js";
import { Palette } from "./core.js";
import { useKeys as useKeys5 } from "./core.js";
import { go as go5, match, route, startRouter } from "./core.js";
import { linkState } from "./core.js";

// src/pages/overview.tsx
import { useRef } from "./core.js";
import { query as query2, useQuery as useQuery2 } from "./core.js";
import { muchHappens, runsOf } from "./core.js";
import { waitsForPerson } from "./core.js";
import { useInfo } from "./core.js";
import { useTopic } from "./core.js";
import { now } from "./core.js";
import { useSlowly } from "./core.js";
import { links as links2 } from "./core.js";
import { look, nameOf } from "./core.js";
import { Backlog } from "./core.js";
import { Command, hubFlag } from "./core.js";
import { Problem } from "./core.js";
import { RunState } from "./core.js";
import { Status as Status2 } from "./core.js";
import { Time as Time2 } from "./core.js";

// src/pages/overview/needs.tsx
import { links } from "./core.js";
import { stateOf } from "./core.js";
import { Status } from "./core.js";
import { Time } from "./core.js";
import { Visible } from "./core.js";
import { jsx, jsxs } from "./core.js";
function aboutOf(d) {
  const args = d.kind === "budget" ? d.reason : JSON.stringify(d.args);
  return [d.agent, args].filter(Boolean).join(": ").slice(0, 200);
}
function Needs({ decisions, events, stuck, failures, lost }) {
  if (decisions.length + events.length + stuck.length + failures.length + lost.length === 0) {
    return /* @__PURE__ */ jsx("p", { class: "dim", children: "Nothing waits for you. Paused runs hold no compute." });
  }
  return /* @__PURE__ */ jsxs("ul", { class: "plain", children: [
    decisions.map((d) => /* @__PURE__ */ jsxs("li", { class: "two-lines", children: [
      /* @__PURE__ */ jsx(Status, { state: "waiting_approval", word: d.kind === "approval" ? "Approval" : d.kind.replaceAll("_", " ") }),
      " ",
      /* @__PURE__ */ jsx("a", { href: "inbox?id=" + encodeURIComponent(d.id), children: d.tool || d.agent }),
      " ",
      /* @__PURE__ */ jsx("span", { class: "dim", title: aboutOf(d), children: /* @__PURE__ */ jsx(Visible, { text: aboutOf(d), exact: true }) }),
      " ",
      /* @__PURE__ */ jsx(Time, { at: d.requested_at })
    ] }, d.id)),
    events.map((r) => /* @__PURE__ */ jsxs("li", { class: "two-lines", children: [
      /* @__PURE__ */ jsx(Status, { state: "waiting_event", word: r.wait_name }),
      " ",
      /* @__PURE__ */ jsx("a", { href: "inbox?id=" + encodeURIComponent("run:" + r.id), children: r.id }),
      " ",
      /* @__PURE__ */ jsx("span", { class: "dim", title: r.name, children: r.name }),
      " ",
      /* @__PURE__ */ jsx(Time, { at: r.phase_since })
    ] }, r.id)),
    stuck.map((r) => /* @__PURE__ */ jsxs("li", { class: "two-lines", children: [
      /* @__PURE__ */ jsx(Status, { state: stateOf(r) }),
      " ",
      /* @__PURE__ */ jsx("a", { href: links.run(r.id), children: r.id }),
      " ",
      /* @__PURE__ */ jsxs("span", { class: "dim", title: r.phase_cause, children: [
        r.name,
        ": ",
        r.phase_cause
      ] })
    ] }, r.id)),
    failures.map((f) => /* @__PURE__ */ jsxs("li", { class: "two-lines", children: [
      /* @__PURE__ */ jsx(Status, { state: "failed", word: `${f.count.toLocaleString("en")} failed` }),
      " ",
      /* @__PURE__ */ jsx("a", { href: links.runs(`status:failed completed>-1h fingerprint:${f.fingerprint}`), children: f.names.slice(0, 3).join(", ") }),
      " ",
      /* @__PURE__ */ jsx("span", { class: "dim", title: f.error_text, children: f.error_text }),
      /* @__PURE__ */ jsx(Time, { at: f.at })
    ] }, f.fingerprint)),
    lost.map((w) => /* @__PURE__ */ jsxs("li", { children: [
      /* @__PURE__ */ jsx(Status, { state: "stuck", word: "Worker lost" }),
      " ",
      /* @__PURE__ */ jsx("a", { href: "workers", children: w.id || "unnamed" }),
      " ",
      /* @__PURE__ */ jsx("span", { class: "dim", children: w.items === 0 ? "it had nothing" : `${w.items} item${w.items === 1 ? "" : "s"} went to others` }),
      /* @__PURE__ */ jsx(Time, { at: w.at })
    ] }, w.id + w.at))
  ] });
}

// src/pages/overview/trends.tsx
import { useEffect, useState } from "./core.js";
import { query, useQuery } from "./core.js";
import { cost, count, utc } from "./core.js";
import { plotHeight as height, plotPath as path, plotWidth as width, roof } from "./core.js";
import { jsx as jsx2, jsxs as jsxs2 } from "./core.js";
var every = 3e4;
function Trends() {
  const [midnight, setMidnight] = useState(startOfDay(utc.value));
  const hour = useQuery("series?from=-1h");
  const today = useQuery("series" + query({ from: new Date(midnight).toISOString(), step: "24h" }));
  useEffect(() => {
    const again = () => {
      if (document.visibilityState === "visible") {
        setMidnight(startOfDay(utc.value));
        hour.refetch();
        today.refetch();
      }
    };
    const timer = setInterval(again, every);
    return () => clearInterval(timer);
  }, [hour.refetch, today.refetch]);
  if (!hour.data || !today.data) {
    return null;
  }
  const { points, total } = hour.data;
  const spent = today.data.total;
  return /* @__PURE__ */ jsxs2("ul", { class: "tiles trends", "aria-label": "The last hour and today", children: [
    /* @__PURE__ */ jsx2(Trend, { words: "completed, last hour", tone: "good", points, of: (p) => p.completed, total: count(total.completed) }),
    /* @__PURE__ */ jsx2(Trend, { words: "failed, last hour", tone: "bad", points, of: (p) => p.failed, total: count(total.failed) }),
    /* @__PURE__ */ jsx2(Trend, { words: "tokens today", tone: "active", points, of: (p) => p.tokens_in + p.tokens_out, total: count(spent.tokens_in + spent.tokens_out) }),
    /* @__PURE__ */ jsx2(Trend, { words: "cost today", tone: "person", points, of: (p) => p.cost_micros, total: spent.cost_micros ? cost(spent.cost_micros) : "$0" })
  ] });
}
function Trend({ words, tone, points, of, total }) {
  const values = points.map(of);
  return /* @__PURE__ */ jsx2("li", { children: /* @__PURE__ */ jsxs2("a", { class: "tile", href: "charts", title: "Runs, and turns of agents", children: [
    /* @__PURE__ */ jsx2("span", { class: "tile-n num", children: total }),
    /* @__PURE__ */ jsx2("span", { class: "dim", children: words }),
    /* @__PURE__ */ jsx2("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true", children: /* @__PURE__ */ jsx2("path", { class: "line tone-" + tone, d: path(values, roof(Math.max(...values))) }) })
  ] }) });
}
function startOfDay(inUTC) {
  const d = /* @__PURE__ */ new Date();
  return inUTC ? d.setUTCHours(0, 0, 0, 0) : d.setHours(0, 0, 0, 0);
}

// src/pages/overview.tsx
import { Fragment, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
var tiles = [[["running"]], [["pending"]], [["suspended"]], [["failed"]], [["completed"]], [["terminated", "canceled"], "Stopped"]];
var inSession = "has:session status:running,pending,suspended";
var phases = ["stuck", "waiting_approval", "retrying", "active", "waiting_event", "waiting_timer"];
function Begin() {
  const info = useInfo().data;
  const samples2 = info?.orchestrations.includes("ContentApproval");
  return /* @__PURE__ */ jsxs3(Fragment, { children: [
    /* @__PURE__ */ jsxs3("p", { class: "prose", children: [
      "Nothing has run yet. ",
      /* @__PURE__ */ jsx3("a", { href: "runs", children: "Start a run" }),
      ", ",
      /* @__PURE__ */ jsx3("a", { href: "agents", children: "chat with an agent" }),
      ", or in a terminal:"
    ] }),
    samples2 && /* @__PURE__ */ jsx3(Command, { text: "perdure agent chat Joker" + hubFlag() }),
    /* @__PURE__ */ jsx3(Command, { text: `perdure run start ${samples2 ? "ContentApproval" : info?.orchestrations[0] ?? "NAME"}${samples2 ? " --id first" : ""} --input '"the moon"' --watch` + hubFlag() }),
    samples2 && /* @__PURE__ */ jsxs3(Fragment, { children: [
      /* @__PURE__ */ jsx3("p", { class: "dim", children: "then open it here:" }),
      /* @__PURE__ */ jsx3(Command, { text: "perdure open first" + hubFlag() })
    ] }),
    info && /* @__PURE__ */ jsxs3(Fragment, { children: [
      /* @__PURE__ */ jsx3("p", { class: "dim", children: "Workers of the Durable Task SDKs connect with" }),
      /* @__PURE__ */ jsx3(Command, { text: info.connection_string })
    ] })
  ] });
}
function Overview(_) {
  const counts = useQuery2("run-counts?group=status,phase");
  const decisions = useQuery2("decisions?state=pending&limit=5");
  const failures = useQuery2("run-failures" + query2({ filter: "status:failed completed>-1h" }));
  const backlog = useQuery2("backlog");
  const workers = useQuery2("workers");
  const stuck = useQuery2("runs" + query2({ filter: "phase:stuck", limit: 5 }));
  const waiting = useQuery2("runs" + query2({ filter: "phase:waiting_event", limit: 20 }));
  const sessions = useQuery2("run-counts" + query2({ filter: inSession }));
  const recent = useQuery2("runs?limit=12");
  const seen = useRef(void 0);
  const reread = useSlowly(() => {
    backlog.refetch();
    recent.refetch();
    sessions.refetch();
    if (runsOf(seen.current ?? [], "phase", "waiting_event") > 0) {
      waiting.refetch();
    }
  });
  useTopic("counts", void 0, (events) => {
    const e = events.at(-1);
    if (e?.kind === "counts") {
      const items = e.data.items;
      const before = seen.current;
      seen.current = items;
      counts.set((c) => ({ exact: true, ...c, items, total: runsOf(items) }));
      if (before) {
        const changed = (key, v) => runsOf(items, key, v) !== runsOf(before, key, v);
        if (changed("status", "failed")) {
          failures.refetch();
        }
        if (changed("phase", "stuck")) {
          stuck.refetch();
        }
        if (changed("phase", "waiting_event")) {
          waiting.refetch();
        }
        reread(muchHappens(before, items));
      }
    }
  });
  useTopic(decisions.data ? "inbox" : void 0, void 0, decisions.refetch);
  const of = (key, v) => runsOf(counts.data?.items ?? [], key, v);
  useTopic("workers", void 0, (events) => {
    const e = events.at(-1);
    if (e?.kind === "workers") {
      const { items, connected, lost: lost2 } = e.data;
      workers.set(() => ({ items, connected, lost: lost2 }));
      backlog.refetch();
    }
  });
  const lost = (workers.data?.lost ?? []).filter((w) => !w.back && Date.parse(w.at) > now.peek() - 36e5);
  return /* @__PURE__ */ jsxs3("section", { class: "page", children: [
    /* @__PURE__ */ jsx3("h1", { children: "Overview" }),
    counts.error && /* @__PURE__ */ jsx3(Problem, { error: counts.error, retry: counts.refetch }),
    /* @__PURE__ */ jsx3("ul", { class: "tiles", "aria-label": "Runs by status", children: tiles.map(([all, word]) => /* @__PURE__ */ jsx3("li", { children: /* @__PURE__ */ jsxs3("a", { class: "tile tone-" + look(all[0] ?? "").tone, href: links2.runs("status:" + all.join(",")), children: [
      /* @__PURE__ */ jsx3("span", { class: "tile-n num", children: all.reduce((n, s) => n + of("status", s), 0).toLocaleString("en") }),
      /* @__PURE__ */ jsx3(Status2, { state: all[0] ?? "", word })
    ] }) }, all[0])) }),
    /* @__PURE__ */ jsxs3("ul", { class: "phases", "aria-label": "Runs by phase", children: [
      phases.filter((p) => of("phase", p) > 0).map((p) => /* @__PURE__ */ jsx3("li", { children: /* @__PURE__ */ jsxs3("a", { href: links2.runs("phase:" + p), children: [
        /* @__PURE__ */ jsx3(Status2, { state: p }),
        " ",
        /* @__PURE__ */ jsx3("b", { class: "num", children: of("phase", p).toLocaleString("en") })
      ] }) }, p)),
      sessions.data && /* @__PURE__ */ jsx3("li", { children: /* @__PURE__ */ jsxs3("a", { href: links2.runs(inSession), children: [
        "Active sessions ",
        /* @__PURE__ */ jsx3("b", { class: "num", children: sessions.data.total.toLocaleString("en") })
      ] }) })
    ] }),
    /* @__PURE__ */ jsx3(Trends, {}),
    /* @__PURE__ */ jsxs3("div", { class: "columns", children: [
      /* @__PURE__ */ jsxs3("section", { class: "card", "aria-labelledby": "needs", children: [
        /* @__PURE__ */ jsx3("h2", { id: "needs", children: "Needs you" }),
        /* @__PURE__ */ jsx3(Needs, { decisions: decisions.data?.items ?? [], events: (waiting.data?.items ?? []).filter(waitsForPerson).slice(0, 5), stuck: stuck.data?.items ?? [], failures: (failures.data?.items ?? []).slice(0, 8), lost: lost.slice(0, 5) })
      ] }),
      /* @__PURE__ */ jsxs3("section", { class: "card", "aria-labelledby": "backlog", children: [
        /* @__PURE__ */ jsx3("h2", { id: "backlog", children: "Backlog" }),
        backlog.error ? /* @__PURE__ */ jsx3("p", { class: "dim", children: backlog.error.message }) : /* @__PURE__ */ jsx3(Backlog, { items: backlog.data?.items, most: 8 })
      ] }),
      /* @__PURE__ */ jsxs3("section", { class: "card", "aria-labelledby": "recent", children: [
        /* @__PURE__ */ jsx3("h2", { id: "recent", children: "Recent runs" }),
        recent.data?.items.length === 0 && /* @__PURE__ */ jsx3(Fragment, { children: /* @__PURE__ */ jsx3(Begin, {}) }),
        /* @__PURE__ */ jsx3("ul", { class: "plain", children: (recent.data?.items ?? []).map((r) => /* @__PURE__ */ jsxs3("li", { children: [
          /* @__PURE__ */ jsx3(RunState, { run: r }),
          " ",
          /* @__PURE__ */ jsx3("a", { href: links2.run(r.id), children: nameOf(r) }),
          " ",
          /* @__PURE__ */ jsx3(Time2, { at: r.updated ?? r.created })
        ] }, r.id)) })
      ] })
    ] })
  ] });
}

// src/pages/runs.tsx
import { useEffect as useEffect4, useMemo, useRef as useRef5, useState as useState5 } from "./core.js";
import { query as query7, readOnly } from "./core.js";
import { now as now3, utc as utc3 } from "./core.js";
import { hindered as hindered2 } from "./core.js";
import { useKeys as useKeys2 } from "./core.js";
import { isActive, useOverlays } from "./core.js";
import { go, links as links4, param, setParams as setParams3 } from "./core.js";
import { Command as Command2, hubFlag as hubFlag2 } from "./core.js";
import { Empty } from "./core.js";
import { lazily } from "./core.js";
import { Problem as Problem3 } from "./core.js";
import { Share } from "./core.js";
import { StartDialog } from "./core.js";
import { Table } from "./core.js";
import { Time as Time4 } from "./core.js";

// src/pages/runs/columns.tsx
import { cost as cost2, count as count2 } from "./core.js";
import { links as links3 } from "./core.js";
import { nameOf as nameOf2 } from "./core.js";
import { Copy } from "./core.js";
import { RunState as RunState2, RunWorker } from "./core.js";
import { Duration, Time as Time3 } from "./core.js";
import { Fragment as Fragment2, jsx as jsx4, jsxs as jsxs4 } from "./core.js";
var columns = (menu) => [
  { id: "status", title: "Status", class: "w-status", cell: (r) => /* @__PURE__ */ jsx4(RunState2, { run: r }) },
  { id: "name", title: "Name", sort: "name", class: "w-name", cell: (r) => /* @__PURE__ */ jsx4("span", { title: r.name, children: nameOf2(r) }) },
  {
    id: "id",
    title: "Id",
    class: "grow mono",
    cell: (r) => /* @__PURE__ */ jsxs4(Fragment2, { children: [
      /* @__PURE__ */ jsx4("a", { href: links3.run(r.id), title: r.id, tabIndex: -1, children: r.id }),
      /* @__PURE__ */ jsx4(Copy, { text: r.id, what: "id" })
    ] })
  },
  { id: "step", title: "Step", class: "w-step", cell: (r) => /* @__PURE__ */ jsx4(Step, { run: r }) },
  { id: "created", title: "Created", sort: "created", class: "w-time num", cell: (r) => /* @__PURE__ */ jsx4(Time3, { at: r.created }) },
  { id: "duration", title: "Duration", sort: "duration", class: "w-time w-took num", cell: (r) => /* @__PURE__ */ jsx4(Duration, { ms: r.duration_ms, from: r.started ?? r.created, to: r.completed }) },
  { id: "usage", title: "Tokens, cost", class: "w-usage num", cell: (r) => /* @__PURE__ */ jsx4(Usage, { run: r }) },
  { id: "worker", title: "Worker", class: "w-worker mono", cell: (r) => /* @__PURE__ */ jsx4(RunWorker, { run: r }) },
  {
    id: "tags",
    title: "Tags",
    class: "w-tags",
    cell: (r) => r.tags && /* @__PURE__ */ jsx4(Tags, { tags: r.tags })
  },
  {
    id: "more",
    title: "Actions",
    quiet: true,
    class: "w-more",
    cell: (r) => /* @__PURE__ */ jsx4("button", { type: "button", class: "quiet", tabIndex: -1, "aria-haspopup": "menu", "aria-label": `Actions of ${r.id}`, onClick: (e) => menu(r, e.currentTarget), children: "⋯" })
  }
];
function Tags({ tags }) {
  const all = Object.entries(tags).filter(([k]) => !k.startsWith("perdure.")).map(([k, v]) => `${k}=${v}`);
  return all.length === 0 ? null : /* @__PURE__ */ jsxs4("span", { class: "tags", title: all.join("\n"), children: [
    /* @__PURE__ */ jsx4("span", { class: "tag", children: all[0] }),
    all.length > 1 && /* @__PURE__ */ jsxs4("span", { class: "dim", children: [
      "+",
      all.length - 1
    ] })
  ] });
}
function Step({ run }) {
  const text = run.error_text ?? run.phase_cause ?? run.wait_name ?? run.current_step ?? "";
  return /* @__PURE__ */ jsxs4("span", { class: run.error_text ? "bad" : "dim", title: text, children: [
    text,
    run.attempt !== void 0 && run.attempt > 1 && ` (attempt ${run.attempt})`
  ] });
}
function Usage({ run }) {
  const tokens = (run.tokens_in ?? 0) + (run.tokens_out ?? 0);
  return tokens === 0 ? null : /* @__PURE__ */ jsxs4("span", { title: run.model, children: [
    count2(tokens),
    run.cost_micros !== void 0 && `, ${cost2(run.cost_micros)}`
  ] });
}

// src/pages/runs/filterbar.tsx
import { useEffect as useEffect2, useRef as useRef2, useState as useState2 } from "./core.js";
import { get, query as query3, useQuery as useQuery3 } from "./core.js";
import { count as count3 } from "./core.js";
import { useKeys } from "./core.js";
import { setParams } from "./core.js";

// src/pages/runs/complete.ts
function pieceAt(text, caret) {
  let start = 0;
  let quoted = false;
  for (let i = 0; i < caret; i++) {
    if (text[i] === "\\" && quoted) {
      i++;
    } else if (text[i] === '"') {
      quoted = !quoted;
    } else if (!quoted && /[\s()]/.test(text[i])) {
      start = i + 1;
    }
  }
  const tail = text.slice(caret).search(/[\s()]/);
  const end = quoted || tail < 0 ? text.length : caret + tail;
  const others = `${text.slice(0, start).trim()} ${text.slice(end).trim()}`.trim();
  const rest = /[()]|(^|\s)or(\s|$)/i.test(others) ? "" : others;
  const sign = text[start] === "-" ? 1 : 0;
  const term = text.slice(start + sign, caret);
  const op = /^([\w.]+)(:|=|~)(.*)$/s.exec(term);
  if (!op) {
    return { from: start + sign, to: end, field: "", text: term, rest };
  }
  const values = op[3];
  const comma = quoted ? values.lastIndexOf(',"') : values.lastIndexOf(",");
  const value = values.slice(comma + 1);
  return { from: caret - value.length, to: end, field: op[1].toLowerCase(), text: value.replace(/^"/, ""), rest };
}
function quotedValue(value) {
  return value === "" || /[\s,"()*\\]/.test(value) ? JSON.stringify(value) : value;
}
var samples = {
  text: [],
  choice: [],
  time: [[">-1h", "in the last hour"], [">-24h", "in the last day"], [":today", "today"], ["<-7d", "more than a week ago"]],
  duration: [[">1m", "longer than a minute"], [">1h", "longer than an hour"], ["<1s", "shorter than a second"]],
  money: [[">0.1", "more than 10 cents"], [">1", "more than a dollar"]],
  integer: [[">1", "more than 1"], [">1000", "more than 1,000"]]
};
function fieldSuggestions(fields, text) {
  const all = fields.flatMap((f) => {
    if (f.type === "text" || f.type === "choice") {
      const more = f.choices ? f.choices.slice(0, 3).join(", ") + " …" : f.name === "tag." ? "and a key, such as tag.team:" : "";
      return [{ insert: f.name === "tag." ? f.name : f.name + ":", label: f.name, hint: more }];
    }
    return samples[f.type].map(([condition, hint]) => ({ insert: f.name + condition + " ", label: f.name + condition, hint }));
  });
  const written = text.toLowerCase();
  return all.filter((s) => s.insert.startsWith(written) && s.insert.trim() !== written);
}

// src/pages/runs/wrong.ts
function marked(filter, marks) {
  const bytes2 = new TextEncoder().encode(filter);
  const parts = [];
  const add = (from, to, mark) => {
    if (from < to) parts.push({ from, text: new TextDecoder().decode(bytes2.slice(from, to)), mark });
  };
  let end = 0;
  for (const m of marks) {
    if (m.from < end || m.to > bytes2.length) continue;
    add(end, m.from, false);
    add(m.from, m.to, true);
    end = m.to;
  }
  add(end, bytes2.length, false);
  return parts;
}
function mended(filter, marks) {
  if (marks.length === 0 || marks.some((m) => !m.nearest)) return void 0;
  const nearest = new Map(marks.map((m) => [m.from, m.nearest]));
  return marked(filter, marks).map((p) => p.mark ? nearest.get(p.from) : p.text).join("");
}

// src/pages/runs/filterbar.tsx
import { jsx as jsx5, jsxs as jsxs5 } from "./core.js";
var pause = 60;
function FilterBar({ filter, error }) {
  const box = useRef2(null);
  const timer = useRef2(void 0);
  const [piece, setPiece] = useState2();
  const [at, setAt] = useState2(-1);
  const offered = useSuggestions(piece);
  const bad = error?.status === 400 ? error : void 0;
  const instead = bad && mended(filter, bad.problem.marks ?? []);
  const replace = (text) => {
    if (box.current) box.current.value = text;
    setParams({ filter: text, at: void 0 });
  };
  useKeys({ "/": () => box.current?.focus() });
  useEffect2(() => {
    if (box.current && document.activeElement !== box.current) {
      box.current.value = filter;
    }
  }, [filter]);
  const look2 = () => {
    const b = box.current;
    if (b) {
      setPiece(pieceAt(b.value, b.selectionStart ?? b.value.length));
      setAt(-1);
    }
  };
  const apply = () => {
    const text = box.current?.value ?? "";
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setParams({ filter: text.trim() || void 0, at: void 0 }), pause);
  };
  const choose = (s) => {
    const b = box.current;
    if (!b || !piece) {
      return;
    }
    const after = b.value.slice(piece.to);
    b.value = b.value.slice(0, piece.from) + s.insert + after.replace(/^\s+/, s.insert.endsWith(" ") ? "" : " ");
    b.setSelectionRange(piece.from + s.insert.length, piece.from + s.insert.length);
    b.focus();
    look2();
    if (!/[:.]$/.test(s.insert)) {
      apply();
    }
  };
  const key = (e) => {
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    const chosen = offered[at];
    if (step && offered.length > 0) {
      e.preventDefault();
      setAt(at + step < -1 ? offered.length - 1 : at + step >= offered.length ? -1 : at + step);
    } else if (step) {
      e.preventDefault();
      look2();
    } else if (e.key === "Enter" && chosen) {
      e.preventDefault();
      choose(chosen);
    } else if (e.key === "Escape" && piece && offered.length > 0) {
      e.preventDefault();
      e.stopPropagation();
      setPiece(void 0);
    } else if (e.key === "Escape" || e.key === "Enter") {
      setPiece(void 0);
      box.current?.blur();
    }
  };
  return /* @__PURE__ */ jsxs5("div", { class: "filter", children: [
    /* @__PURE__ */ jsx5(
      "input",
      {
        ref: box,
        type: "search",
        spellcheck: false,
        autocomplete: "off",
        "aria-label": "Filter",
        "aria-invalid": bad !== void 0,
        "aria-describedby": bad ? "filter-error" : void 0,
        "aria-autocomplete": "list",
        "aria-controls": "filter-offers",
        "aria-activedescendant": at >= 0 ? "filter-offer-" + at : void 0,
        placeholder: "status:failed name:Order* created>-24h   ( / )",
        defaultValue: filter,
        onFocus: look2,
        onClick: look2,
        onBlur: () => setPiece(void 0),
        onInput: (e) => {
          look2();
          if (!/[\w.](?:[:=~]|[<>]=?)$/.test(e.currentTarget.value)) {
            apply();
          }
        },
        onKeyDown: key
      }
    ),
    /* @__PURE__ */ jsx5("ul", { id: "filter-offers", class: "offers", role: "listbox", "aria-label": "Completions", hidden: offered.length === 0, children: offered.map((s, i) => /* @__PURE__ */ jsxs5(
      "li",
      {
        id: "filter-offer-" + i,
        role: "option",
        "aria-selected": i === at,
        onMouseDown: (e) => {
          e.preventDefault();
          choose(s);
        },
        children: [
          /* @__PURE__ */ jsx5("span", { class: "mono", children: s.label }),
          /* @__PURE__ */ jsx5("span", { class: "dim num", children: s.hint })
        ]
      },
      s.label
    )) }),
    bad && /* @__PURE__ */ jsxs5("p", { id: "filter-error", class: "bad", role: "alert", children: [
      marked(filter, bad.problem.marks ?? []).map((p) => p.mark ? /* @__PURE__ */ jsx5("mark", { children: p.text }, p.from) : /* @__PURE__ */ jsx5("span", { class: "mono", children: p.text }, p.from)),
      " ",
      bad.message,
      " ",
      bad.hint,
      instead !== void 0 && /* @__PURE__ */ jsxs5("button", { type: "button", class: "link", onClick: () => replace(instead), children: [
        "Search ",
        instead
      ] })
    ] })
  ] });
}
function useSuggestions(piece) {
  const known = useQuery3(piece ? "run-facets" : void 0).data?.fields ?? [];
  const [values, setValues] = useState2();
  const field = piece?.field === "tag." ? "" : piece?.field ?? "";
  const tags = piece?.field === "" && piece.text.toLowerCase().startsWith("tag.");
  const asked = tags ? "tag." : field;
  const prefix = tags ? piece.text.slice(4) : piece?.text ?? "";
  const isKnown = known.some((f) => f.name === asked || f.name === "tag." && asked.startsWith("tag."));
  useEffect2(() => {
    if (!asked || !isKnown) {
      setValues(void 0);
      return void 0;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const ask = (filter) => get("run-facets" + query3({ field: asked, prefix, filter }), stop.signal);
      ask(piece?.rest ?? "").then((f) => setValues({ field: asked, items: f.items }), () => !stop.signal.aborted && setValues(void 0));
    }, pause);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [asked, isKnown, prefix, piece?.rest]);
  if (!piece) {
    return [];
  }
  const items = values?.field === asked ? values.items : [];
  if (tags) {
    return items.slice(0, 12).map((i) => ({ insert: `tag.${i.value}:`, label: `tag.${i.value}`, hint: count3(i.count) }));
  }
  if (!field) {
    return fieldSuggestions(known, piece.text).slice(0, 40);
  }
  const choices = known.find((f) => f.name === field)?.choices ?? [];
  const counted = items.map((i) => ({ value: i.value, hint: count3(i.count) }));
  const others = choices.filter((c) => c.startsWith(piece.text.toLowerCase()) && !items.some((i) => i.value === c)).map((value) => ({ value, hint: "0" }));
  return [...counted, ...others].slice(0, 12).filter((v) => v.value !== piece.text).map((v) => ({ insert: quotedValue(v.value) + " ", label: v.value, hint: v.hint }));
}

// src/pages/runs/histogram.tsx
import { useRef as useRef3, useState as useState3 } from "./core.js";
import { query as query4, useQuery as useQuery4 } from "./core.js";
import { absolute, clock, now as now2, utc as utc2 } from "./core.js";
import { setParams as setParams2 } from "./core.js";
import { announce } from "./core.js";
import { Problem as Problem2 } from "./core.js";

// src/pages/runs/range.ts
function within(filter, from, to) {
  const rest = filter.replace(/(^|\s)created(?:>=|<=|>|<)[^\s()]+/g, "$1").replace(/\s+/g, " ").trim();
  const whole = /(^|[\s()])or([\s()]|$)/i.test(rest) ? `(${rest})` : rest;
  return `${whole} created>=${from.toISOString()} created<${to.toISOString()}`.trim();
}

// src/pages/runs/histogram.tsx
import { jsx as jsx6, jsxs as jsxs6 } from "./core.js";
var height2 = 44;
var tones = [
  ["bad", ["failed"]],
  ["good", ["completed"]],
  ["active", ["pending", "running", "suspended"]],
  ["neutral", ["terminated", "canceled"]]
];
function Histogram({ filter }) {
  const counts = useQuery4("run-histogram" + query4({ filter }));
  const [range, setRange] = useState3();
  const drawing = useRef3(false);
  const h = counts.data;
  if (!h || h.total === 0) {
    return counts.error && counts.error.status !== 400 ? /* @__PURE__ */ jsx6(Problem2, { error: counts.error, retry: counts.refetch }) : null;
  }
  const n = h.buckets.length;
  const sums = h.buckets.map((b) => Object.values(b).reduce((a, x) => a + x, 0));
  const top = Math.max(...sums);
  const from = Date.parse(h.from);
  const at = (bucket) => from + bucket * h.step_ms;
  const bucketAt = (e) => {
    const box = e.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(n - 1, Math.floor((e.clientX - box.left) / box.width * n)));
  };
  const [first, last] = range ? [Math.min(...range), Math.max(...range)] : [0, n - 1];
  const inRange = sums.slice(first, last + 1).reduce((a, x) => a + x, 0);
  const said = `${clock(at(first), now2.peek(), utc2.value)} to ${clock(at(last + 1), now2.peek(), utc2.value)}: ${inRange.toLocaleString("en")} runs`;
  const apply = () => {
    if (range) {
      setRange(void 0);
      setParams2({ filter: within(filter, new Date(at(first)), new Date(at(last + 1))), at: void 0 }, false);
      announce(`Filtered to ${said}`);
    }
  };
  const key = (e) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[e.key];
    if (step !== void 0) {
      e.preventDefault();
      const [a, b] = range ?? [step > 0 ? -1 : n, step > 0 ? -1 : n];
      const to = Math.max(0, Math.min(n - 1, b + step));
      setRange(e.shiftKey && range ? [a, to] : [to, to]);
    } else if (e.key === "Enter" && range) {
      e.preventDefault();
      e.stopPropagation();
      apply();
    } else if (e.key === "Escape" && range) {
      e.preventDefault();
      e.stopPropagation();
      setRange(void 0);
    }
  };
  return /* @__PURE__ */ jsxs6("figure", { class: "histogram", children: [
    /* @__PURE__ */ jsx6(
      "div",
      {
        role: "slider",
        tabIndex: 0,
        "aria-label": "Runs by when they were created. Arrows choose a time, with Shift a range, Enter filters.",
        "aria-valuemin": 0,
        "aria-valuemax": n - 1,
        "aria-valuenow": range ? range[1] : 0,
        "aria-valuetext": said,
        onKeyDown: key,
        onPointerDown: (e) => {
          drawing.current = true;
          e.currentTarget.setPointerCapture(e.pointerId);
          const b = bucketAt(e);
          setRange([b, b]);
        },
        onPointerMove: (e) => drawing.current && setRange((r) => [r?.[0] ?? 0, bucketAt(e)]),
        onPointerUp: () => {
          drawing.current = false;
          apply();
        },
        onPointerCancel: () => {
          drawing.current = false;
          setRange(void 0);
        },
        children: /* @__PURE__ */ jsxs6("svg", { viewBox: `0 0 ${n} ${height2}`, preserveAspectRatio: "none", "aria-hidden": "true", children: [
          range && /* @__PURE__ */ jsx6("rect", { class: "brush", x: first, y: 0, width: last - first + 1, height: height2 }),
          h.buckets.map((b, i) => {
            let y = height2;
            return tones.map(([tone, states]) => {
              const count6 = states.reduce((sum2, s) => sum2 + (b[s] ?? 0), 0);
              const tall = count6 / top * (height2 - 2);
              y -= tall;
              return count6 === 0 ? null : /* @__PURE__ */ jsx6("rect", { class: "bar-" + tone, x: i + 0.1, width: 0.8, y, height: tall }, tone + i);
            });
          })
        ] })
      }
    ),
    /* @__PURE__ */ jsxs6("figcaption", { class: "dim num", children: [
      /* @__PURE__ */ jsx6("span", { title: absolute(at(0), utc2.value), children: clock(at(0), now2.value, utc2.value) }),
      /* @__PURE__ */ jsxs6("span", { children: [
        range ? said : `${h.total.toLocaleString("en")} runs`,
        !h.exact && ", the newest only"
      ] }),
      /* @__PURE__ */ jsx6("span", { title: absolute(Date.parse(h.to), utc2.value), children: clock(Date.parse(h.to), now2.value, utc2.value) })
    ] })
  ] });
}

// src/pages/runs/list.ts
import { useEffect as useEffect3, useReducer, useRef as useRef4, useState as useState4 } from "./core.js";
import { get as get2, ProblemError, query as query5 } from "./core.js";
import { refresh, useTopic as useTopic2 } from "./core.js";
import { useSlowly as useSlowly2 } from "./core.js";
import { announce as announce2 } from "./core.js";

// src/pages/runs/merge.ts
import { newer } from "./core.js";
var pageSize = 100;
var most = 2e3;
var mostFresh = 500;
var none = { parts: [], fresh: [], unseen: 0, gone: [] };
var rowsOf = (r) => r.parts.flatMap((p) => p.items);
var created = (r) => r.created ?? "";
var newestFirst = (a, b) => created(b).localeCompare(created(a)) || b.id.localeCompare(a.id);
function merged(rows, upsert, gone, stand, unseen = 0) {
  const parts = rows.parts.map((p) => ({ ...p, items: [...p.items] }));
  const places = /* @__PURE__ */ new Map();
  parts.forEach((p, i) => p.items.forEach((r, j) => places.set(r.id, [i, j])));
  const fresh = new Map(rows.fresh.map((r) => [r.id, r]));
  const left = new Set(rows.gone);
  for (const g of gone) {
    fresh.delete(g.id);
    if (places.has(g.id)) {
      left.add(g.id);
    }
  }
  for (const r of upsert) {
    const place = places.get(r.id);
    if (place) {
      const [i, j] = place;
      if (newer(parts[i].items[j], r)) {
        parts[i].items[j] = r;
        left.delete(r.id);
      }
    } else if (belongs(parts, r, stand)) {
      fresh.set(r.id, r);
    }
  }
  const list = [...fresh.values()].sort(newestFirst).slice(0, mostFresh);
  return settled({ parts, fresh: list, unseen: rows.unseen + unseen, gone: [...left] }, stand);
}
function belongs(parts, r, stand) {
  const last = parts.at(-1);
  if (parts[0]?.prev !== void 0 && created(r) <= stand.since) {
    return false;
  }
  const oldest = last?.items.at(-1);
  return !oldest || last?.next === void 0 || !stand.newestFirst || created(r) >= created(oldest);
}
function settled(rows, stand) {
  if (stand.frozen) {
    return rows;
  }
  let { parts, fresh } = rows;
  if (rows.gone.length > 0) {
    const gone = new Set(rows.gone);
    parts = parts.map((p) => ({ ...p, items: p.items.filter((r) => !gone.has(r.id)) }));
  }
  const live = parts.length > 0 && parts[0]?.prev === void 0;
  if (fresh.length > 0 && rows.unseen === 0 && live && stand.newestFirst && stand.atTop) {
    const all = [...parts[0].items, ...fresh].sort(newestFirst);
    parts = kept([{ ...parts[0], items: all }, ...parts.slice(1)], "start");
    fresh = [];
  }
  return { parts, fresh, unseen: rows.unseen, gone: [] };
}
function added(rows, page, where) {
  const have = new Set(rowsOf(rows).map((r) => r.id));
  const part = { ...page, items: page.items.filter((r) => !have.has(r.id)) };
  const parts = where === "end" ? [...rows.parts, part] : [part, ...rows.parts];
  const shown = new Set(part.items.map((r) => r.id));
  return { ...rows, parts: kept(parts, where), fresh: rows.fresh.filter((r) => !shown.has(r.id)) };
}
function kept(parts, where) {
  let n = parts.reduce((sum2, p) => sum2 + p.items.length, 0);
  const rest = [...parts];
  while (n > most && rest.length > 1) {
    n -= (where === "start" ? rest.pop() : rest.shift()).items.length;
  }
  const [only] = rest;
  if (n > most && only) {
    const items = only.items.slice(0, most);
    return [{ ...only, items, next: "@" + created(items.at(-1)) }];
  }
  return rest;
}

// src/pages/runs/list.ts
var problem = (e) => e instanceof ProblemError ? e : new ProblemError(0, { detail: String(e) });
var calmAfter = 1500;
function useRuns({ filter, sort, at, frozen, atTop, onShift }) {
  const rows = useRef4(none);
  const [, draw] = useReducer((n) => n + 1, 0);
  const [page, setPage] = useState4();
  const [error, setError] = useState4();
  const [loading, setLoading] = useState4(true);
  const [round, setRound] = useState4(0);
  const stop = useRef4(new AbortController());
  const paging = useRef4(false);
  const since = useRef4("");
  const took = useRef4(0);
  const reload = () => setRound((n) => n + 1);
  const put = (r) => {
    rows.current = r;
    draw(0);
  };
  useEffect3(() => {
    stop.current.abort();
    const s = stop.current = new AbortController();
    paging.current = false;
    since.current = (/* @__PURE__ */ new Date()).toISOString();
    setLoading(true);
    const began = performance.now();
    get2("runs" + query5({ filter, sort, at, limit: pageSize }), s.signal).then(
      (p) => {
        took.current = performance.now() - began;
        put({ parts: [{ items: p.items, next: p.next, prev: p.prev }], fresh: [], unseen: 0, gone: [] });
        if (round > 0) {
          refresh(p.as_of);
        }
        setPage({ ...p, filter });
        setError(void 0);
        setLoading(false);
      },
      (e) => {
        if (!s.signal.aborted) {
          setError(problem(e));
          setLoading(false);
        }
      }
    );
    return () => s.abort();
  }, [filter, sort, at, round]);
  const stand = () => ({ newestFirst: sort === "" || sort === "-created", frozen, atTop: atTop(), since: since.current });
  useEffect3(() => {
    if (!frozen) {
      put(settled(rows.current, stand()));
    }
  }, [frozen]);
  useTopic2(error || page === void 0 || page.filter !== filter ? void 0 : "list:" + filter, page?.as_of, (events) => {
    if (events.some((e) => e.kind === "reset")) {
      reload();
      return;
    }
    const frames = events.map((e) => e.data);
    put(frames.reduce((r, f) => merged(r, f.upsert ?? [], f.gone ?? [], stand(), f.unseen), rows.current));
    announce2(`${rowsOf(rows.current).length} runs shown`, true);
    if (frames.some((f) => f.unseen > 0)) {
      calm();
    }
  }, () => rowsOf(rows.current).map((r) => r.id));
  const catchUp = () => !frozen && atTop() && rows.current.unseen > 0 && reload();
  const slowly = useSlowly2(catchUp, () => took.current);
  const quiet = useRef4(void 0);
  useEffect3(() => () => clearTimeout(quiet.current), [filter, sort, at]);
  const calm = () => {
    clearTimeout(quiet.current);
    quiet.current = setTimeout(() => newest.current(), calmAfter);
    if (filter !== "") {
      slowly(true);
    }
  };
  const newest = useRef4(catchUp);
  newest.current = catchUp;
  const extend = (where) => {
    const cursor = where === "end" ? rows.current.parts.at(-1)?.next : rows.current.parts[0]?.prev;
    if (!cursor || paging.current) {
      return;
    }
    paging.current = true;
    const from = cursor.startsWith("@") ? { at: cursor.slice(1) } : { cursor };
    get2("runs" + query5({ filter, sort, limit: pageSize, ...from }), stop.current.signal).then(
      (p) => {
        const before = rows.current.parts;
        const had = new Set(rowsOf(rows.current).map((r) => r.id));
        put(added(rows.current, { items: p.items, next: p.next, prev: p.prev }, where));
        const came = where === "start" ? p.items.filter((r) => !had.has(r.id)).length : 0;
        const left = where === "end" ? before.filter((b) => !rows.current.parts.includes(b)).reduce((n, b) => n + b.items.length, 0) : 0;
        onShift(came - left);
        refresh(p.as_of);
        setPage((now4) => now4 && { ...now4, ...where === "end" ? { partial: p.partial, searched_to: p.searched_to } : {}, scanned: now4.scanned + p.scanned });
        paging.current = false;
      },
      (e) => {
        if (!stop.current.signal.aborted) {
          paging.current = false;
          setError(problem(e));
        }
      }
    );
  };
  const showFresh = () => {
    const s = { ...stand(), atTop: true, frozen: false };
    if (s.newestFirst && rows.current.unseen === 0 && rows.current.parts[0]?.prev === void 0) {
      put(settled(rows.current, s));
      return true;
    }
    reload();
    return false;
  };
  const { parts, fresh, unseen } = rows.current;
  return { rows: rowsOf(rows.current), gone: rows.current.gone, fresh: fresh.length + (filter === "" ? unseen : 0), maybe: filter !== "" && unseen > 0, page, error, loading, next: parts.at(-1)?.next, prev: parts[0]?.prev, extend, showFresh, reload };
}

// src/pages/runs/selection.tsx
import { query as query6, useQuery as useQuery5 } from "./core.js";
import { hindered } from "./core.js";
import { jsx as jsx7, jsxs as jsxs7 } from "./core.js";
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
  const counts = useQuery5(more ? "run-counts" + query6({ filter }) : void 0);
  const total = counts.data && (counts.data.exact ? counts.data.total.toLocaleString("en") : `more than ${counts.data.total.toLocaleString("en")}`);
  const off = hindered();
  return /* @__PURE__ */ jsxs7("div", { class: "selection", role: "toolbar", "aria-label": "Selected runs", children: [
    /* @__PURE__ */ jsx7("strong", { role: "status", children: everything ? `All ${total ?? ""} that match` : `${chosen.length} selected` }),
    more && !everything && /* @__PURE__ */ jsxs7("button", { type: "button", class: "link", onClick: onEverything, children: [
      "Select all ",
      total,
      " that match"
    ] }),
    actions.map(([action, label]) => /* @__PURE__ */ jsx7(
      "button",
      {
        type: "button",
        class: action === "terminate" || action === "purge" ? "danger" : "",
        disabled: off !== "" || !(everything || chosen.some((r) => r.actions.includes(action))),
        title: off || void 0,
        onClick: () => onAct(action),
        children: label
      },
      action
    )),
    /* @__PURE__ */ jsx7("button", { type: "button", class: "quiet", onClick: onClear, children: "Clear" })
  ] });
}

// src/pages/runs.tsx
import { Fragment as Fragment3, jsx as jsx8, jsxs as jsxs8 } from "./core.js";
var Acts = lazily(() => import("./acts.js").then((m) => m.Acts));
var chips = [
  ["All", ""],
  ["In flight", "status:running,pending,suspended"],
  ["Waiting on me", "phase:waiting_approval,waiting_event (phase:waiting_approval or -has:child)"],
  ["Failed 24 h", "status:failed completed>-24h"],
  ["Retrying", "phase:retrying"],
  ["Stuck", "phase:stuck"]
];
var rowHeight = 28;
function Runs(_) {
  const filter = param("filter");
  const sort = param("sort");
  const [starting, setStarting] = useState5(false);
  const [selected, setSelected] = useState5(/* @__PURE__ */ new Set());
  const [everything, setEverything] = useState5(false);
  const [asked, setAsked] = useState5();
  const box = useRef5(null);
  const table = () => box.current?.querySelector(".table");
  const list = useRuns({
    filter,
    sort,
    at: param("at"),
    frozen: selected.size > 0 || asked !== void 0,
    atTop: () => (table()?.scrollTop ?? 0) < rowHeight,
    onShift: (n) => n !== 0 && requestAnimationFrame(() => table()?.scrollBy(0, n * rowHeight))
  });
  const off = hindered2();
  useKeys2({ n: () => hindered2() === "" && setStarting(true) });
  const { rows, page, error } = list;
  const [seen, setSeen] = useState5([0, 0]);
  useOverlays(rows.slice(...seen).filter(isActive).map((r) => r.id));
  const focusRow = () => table()?.querySelector(".tr.at")?.focus({ preventScroll: true });
  const shownColumns = useMemo(
    () => columns((r, from) => {
      const at = from.getBoundingClientRect();
      from.closest(".tr")?.focus({ preventScroll: true });
      setAsked({ id: r.id, at: { x: at.right - 220, y: at.bottom } });
    }),
    []
  );
  const chosen = rows.filter((r) => selected.has(r.id));
  const batch = (action) => setAsked({ action, ...everything ? { filter: page?.parsed ?? filter } : { ids: chosen.map((r) => r.id) } });
  const act = (action) => (r) => {
    const at = table()?.querySelector(`[data-id="${CSS.escape(r.id)}"]`)?.getBoundingClientRect();
    if (chosen.length > 0 && action !== "" && action !== "event") {
      batch(action);
    } else {
      setAsked({ id: r.id, at: { x: (at?.left ?? 0) + 40, y: at?.bottom ?? 0 }, ...action ? { action } : {} });
    }
  };
  const suspend = (r) => act((chosen.length > 0 ? chosen : [r]).some((c) => c.actions.includes("suspend")) ? "suspend" : "resume")(r);
  const clear = () => (setSelected(/* @__PURE__ */ new Set()), setEverything(false));
  useKeys2(selected.size > 0 ? { Escape: clear } : {});
  useEffect4(clear, [filter, sort, param("at")]);
  return /* @__PURE__ */ jsxs8("section", { class: "page fill runs", ref: box, children: [
    /* @__PURE__ */ jsxs8("header", { class: "page-head", children: [
      /* @__PURE__ */ jsxs8("div", { class: "page-title", children: [
        /* @__PURE__ */ jsx8("h1", { children: "Runs" }),
        " ",
        /* @__PURE__ */ jsx8(Share, { what: "list", command: ["run list", [], { filter, sort }], json: { path: "runs" + query7({ filter, sort, limit: 1e3 }), file: "runs.json" } })
      ] }),
      /* @__PURE__ */ jsx8("button", { type: "button", class: "primary", "aria-keyshortcuts": "n", disabled: off !== "", title: off || void 0, onClick: () => setStarting(true), children: "Start" })
    ] }),
    /* @__PURE__ */ jsx8(FilterBar, { filter, error }),
    /* @__PURE__ */ jsxs8("div", { class: "row", children: [
      /* @__PURE__ */ jsxs8("div", { class: "chips", role: "group", "aria-label": "Filters", children: [
        chips.map(([title, f]) => /* @__PURE__ */ jsx8("button", { type: "button", "aria-pressed": filter === f, onClick: () => setParams3({ filter: f || void 0, at: void 0 }), children: title }, title)),
        (list.fresh > 0 || list.maybe) && /* @__PURE__ */ jsx8("button", { type: "button", class: "fresh", onClick: () => showFresh(), children: list.fresh > 0 ? `${list.fresh.toLocaleString("en")} new` : "Look for new" })
      ] }),
      /* @__PURE__ */ jsx8(Jump, {}),
      /* @__PURE__ */ jsx8("button", { type: "button", "aria-pressed": param("chart") !== "", onClick: () => setParams3({ chart: param("chart") ? void 0 : "1" }), children: "Histogram" })
    ] }),
    param("chart") !== "" && /* @__PURE__ */ jsx8(Histogram, { filter }),
    error && error.status !== 400 && /* @__PURE__ */ jsx8(Problem3, { error, retry: list.reload }),
    list.prev && /* @__PURE__ */ jsxs8("p", { class: "row", children: [
      /* @__PURE__ */ jsx8("span", { class: "dim", children: "Newer runs are above." }),
      /* @__PURE__ */ jsx8("button", { type: "button", onClick: () => list.extend("start"), children: "Newer" }),
      /* @__PURE__ */ jsx8("button", { type: "button", onClick: () => (setParams3({ at: void 0 }), list.reload()), children: "Newest" })
    ] }),
    !error && !list.loading && rows.length === 0 && !list.prev && !list.next ? /* @__PURE__ */ jsx8(NoRuns, { terms: page?.terms ?? [] }) : /* @__PURE__ */ jsx8(
      Table,
      {
        label: "Runs",
        columns: shownColumns,
        rows,
        id: (r) => r.id,
        open: (r) => go(links4.run(r.id)),
        ...readOnly ? {} : { selected, select: (ids) => (setSelected(ids), setEverything(false)) },
        keys: { m: act(""), ContextMenu: act(""), e: act("event"), s: suspend, t: act("terminate") },
        rowClass: (r) => list.gone.includes(r.id) ? "gone" : "",
        sort: sort || "-created",
        onSort: (s) => setParams3({ sort: s === "-created" ? void 0 : s, at: void 0 }),
        onSeen: (from, to) => setSeen([from, to]),
        onEdge: (edge) => !(edge === "end" && page?.partial) && list.extend(edge)
      }
    ),
    chosen.length > 0 && /* @__PURE__ */ jsx8(Selection, { chosen, filter: page?.parsed ?? filter, more: list.next !== void 0 || list.prev !== void 0, everything, onEverything: () => setEverything(true), onClear: clear, onAct: batch }),
    list.next && /* @__PURE__ */ jsxs8("footer", { class: "row", children: [
      page?.partial && /* @__PURE__ */ jsxs8("span", { class: "dim", children: [
        page.searched_to ? /* @__PURE__ */ jsxs8(Fragment3, { children: [
          "Searched ",
          sort === "created" || sort === "completed" ? "up" : "back",
          " to ",
          /* @__PURE__ */ jsx8(Time4, { at: page.searched_to, exact: true })
        ] }) : `${page.scanned.toLocaleString("en")} runs were searched`,
        "; there are more. "
      ] }),
      /* @__PURE__ */ jsx8("button", { type: "button", onClick: () => list.extend("end"), children: page?.partial ? "Search on" : "Older" })
    ] }),
    asked && /* @__PURE__ */ jsx8(
      Acts,
      {
        asked,
        onBack: focusRow,
        onClose: () => {
          setAsked(void 0);
          setTimeout(focusRow);
        },
        onDone: () => {
          clear();
          list.reload();
        }
      }
    ),
    starting && /* @__PURE__ */ jsx8(StartDialog, { onClose: () => setStarting(false) })
  ] });
  function showFresh() {
    if (list.showFresh()) {
      table()?.scrollTo(0, 0);
    }
  }
}
function Jump() {
  const at = param("at");
  const local = (t) => {
    const d = new Date(t);
    return new Date(d.getTime() - (utc3.value ? 0 : d.getTimezoneOffset() * 6e4)).toISOString().slice(0, 16);
  };
  return /* @__PURE__ */ jsxs8("label", { class: "jump-time", children: [
    /* @__PURE__ */ jsx8("span", { class: "jump-word", children: "Jump to" }),
    /* @__PURE__ */ jsx8(
      "input",
      {
        type: "datetime-local",
        value: at ? local(at) : "",
        onChange: (e) => {
          const text = e.currentTarget.value;
          const time = /* @__PURE__ */ new Date(text + (utc3.value ? "Z" : ""));
          setParams3({ at: text && !Number.isNaN(time.getTime()) ? time.toISOString().replace(/\.\d+/, "") : void 0, sort: void 0 });
        }
      }
    )
  ] });
}
function NoRuns({ terms }) {
  if (terms.length === 0) {
    return /* @__PURE__ */ jsxs8(Empty, { title: "No runs yet", children: [
      /* @__PURE__ */ jsx8("p", { children: "Start one here, or in a terminal:" }),
      /* @__PURE__ */ jsx8(Command2, { text: `perdure run start NAME --input '"…"' --watch` + hubFlag2() })
    ] });
  }
  return /* @__PURE__ */ jsxs8(Empty, { title: "No run matches", children: [
    /* @__PURE__ */ jsx8("p", { children: "Leave a term out:" }),
    /* @__PURE__ */ jsx8("p", { class: "row", children: terms.map((t, at) => /* @__PURE__ */ jsxs8("button", { type: "button", onClick: () => setParams3({ filter: terms.filter((_, i) => i !== at).join(" ") || void 0 }), children: [
      t,
      " ✕"
    ] }, t)) }),
    /* @__PURE__ */ jsxs8("p", { class: "dim", children: [
      "As of ",
      /* @__PURE__ */ jsx8(Time4, { at: new Date(now3.peek()).toISOString(), exact: true })
    ] })
  ] });
}

// src/pages/agents.tsx
import { useEffect as useEffect5 } from "./core.js";
import { path as path2, query as query8, useQuery as useQuery6 } from "./core.js";
import { count as count4 } from "./core.js";
import { useTopic as useTopic3 } from "./core.js";
import { go as go2, links as links5 } from "./core.js";
import { useKeys as useKeys3 } from "./core.js";
import { runsOf as runsOf2 } from "./core.js";
import { useSlowly as useSlowly3 } from "./core.js";
import { Empty as Empty2 } from "./core.js";
import { Problem as Problem4 } from "./core.js";
import { Time as Time5 } from "./core.js";
import { Visible as Visible2 } from "./core.js";
import { randomKey } from "./core.js";
import { jsx as jsx9, jsxs as jsxs9 } from "./core.js";
var register = `reg := perdure.NewRegistry()
err := agent.Register(reg, &agent.Agent{
	Name:         "Joker",
	Instructions: "You are good at telling jokes.",
	Model:        m,
})`;
function Agents() {
  const agents = useQuery6("agents");
  useTopic3("workers", void 0, () => agents.refetch());
  const spent = useQuery6("series" + query8({ from: "-192h", step: "24h" }));
  useEffect5(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && spent.refetch(), 3e4);
    return () => clearInterval(timer);
  }, [spent.refetch]);
  const list = agents.data?.items ?? [];
  const move = (by) => {
    const all = [...document.querySelectorAll(".agent-card h2 a")];
    const at = all.indexOf(document.activeElement);
    all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
  };
  useKeys3({ j: () => move(1), k: () => move(-1) });
  return /* @__PURE__ */ jsxs9("section", { class: "page agents", children: [
    /* @__PURE__ */ jsx9("h1", { children: "Agents" }),
    agents.error && !agents.data && /* @__PURE__ */ jsx9(Problem4, { error: agents.error, retry: agents.refetch }),
    agents.data && list.length === 0 && /* @__PURE__ */ jsxs9(Empty2, { title: "No agent is registered", children: [
      /* @__PURE__ */ jsx9("p", { children: "An agent is a name, instructions, a model and tools. A worker makes it known:" }),
      /* @__PURE__ */ jsx9("pre", { class: "sample", tabIndex: 0, children: register })
    ] }),
    /* @__PURE__ */ jsx9("div", { class: "agent-cards", children: list.map((a) => /* @__PURE__ */ jsx9(Card, { agent: a, spent: spent.data }, a.name)) })
  ] });
}
function Card({ agent: a, spent }) {
  const turns = `agent:${JSON.stringify(a.name)}`;
  const sessions = useQuery6(path2`agents/${a.name}/sessions` + query8({ limit: 100 }));
  const counts = useQuery6("run-counts" + query8({ filter: turns, group: "status" }));
  const failed = useQuery6("runs" + query8({ filter: turns + " status:failed", sort: "-completed", limit: 1 }));
  const reread = useSlowly3(() => [counts, failed].forEach((q) => q.refetch()));
  useTopic3("sessions:" + a.name, void 0, () => sessions.refetch());
  useTopic3("counts", void 0, () => reread(true));
  const list = sessions.data?.items ?? [];
  const more = sessions.data?.next ? "+" : "";
  const talking = list.filter((s) => s.state === "running" || s.state === "waiting_approval").length;
  const of = counts.data?.items ?? [];
  const active = ["pending", "running", "suspended"].reduce((n, s) => n + runsOf2(of, "status", s), 0);
  const tokens = (spent?.models ?? []).filter((m) => m.agent?.toLowerCase() === a.name.toLowerCase()).reduce((n, m) => n + m.tokens_in + m.tokens_out, 0);
  const broken = list.filter((s) => s.state === "failed").sort((x, y) => x.updated < y.updated ? 1 : -1)[0];
  const last = failed.data?.items[0];
  return /* @__PURE__ */ jsxs9("article", { class: "agent-card", children: [
    /* @__PURE__ */ jsxs9("header", { children: [
      /* @__PURE__ */ jsx9("h2", { children: /* @__PURE__ */ jsx9("a", { href: links5.agent(a.name), children: /* @__PURE__ */ jsx9(Visible2, { text: a.name, exact: true }) }) }),
      /* @__PURE__ */ jsx9("button", { type: "button", onClick: () => go2(links5.session(a.name, randomKey())), "aria-label": "Chat with " + a.name, children: "Chat" })
    ] }),
    a.description && /* @__PURE__ */ jsx9("p", { class: "agent-about", children: /* @__PURE__ */ jsx9(Visible2, { text: a.description }) }),
    /* @__PURE__ */ jsxs9("dl", { class: "traits", children: [
      /* @__PURE__ */ jsxs9("div", { children: [
        /* @__PURE__ */ jsx9("dt", { children: "Model" }),
        /* @__PURE__ */ jsx9("dd", { children: a.model ? /* @__PURE__ */ jsx9(Visible2, { text: a.model, exact: true }) : /* @__PURE__ */ jsx9("span", { class: "dim", children: "not told" }) })
      ] }),
      /* @__PURE__ */ jsxs9("div", { children: [
        /* @__PURE__ */ jsx9("dt", { children: "Tools" }),
        /* @__PURE__ */ jsx9("dd", { children: a.tools.length === 0 ? /* @__PURE__ */ jsx9("span", { class: "dim", children: "none" }) : /* @__PURE__ */ jsx9(Visible2, { text: a.tools.map((t) => t.Name).join(", "), exact: true }) })
      ] }),
      /* @__PURE__ */ jsxs9("div", { children: [
        /* @__PURE__ */ jsx9("dt", { children: "Sessions" }),
        /* @__PURE__ */ jsx9("dd", { children: sessions.data ? `${talking} active, ${list.length}${more} in all` : "…" })
      ] }),
      /* @__PURE__ */ jsxs9("div", { children: [
        /* @__PURE__ */ jsx9("dt", { children: "Turns" }),
        /* @__PURE__ */ jsx9("dd", { children: counts.data ? /* @__PURE__ */ jsxs9("a", { href: links5.runs(turns), children: [
          active,
          " active, ",
          counts.data.total.toLocaleString("en"),
          counts.data.exact ? "" : "+",
          " in all"
        ] }) : "…" })
      ] }),
      /* @__PURE__ */ jsxs9("div", { children: [
        /* @__PURE__ */ jsx9("dt", { title: "as long as counts are kept", children: "Tokens, 8 days" }),
        /* @__PURE__ */ jsx9("dd", { children: spent ? count4(tokens) : "…" })
      ] }),
      /* @__PURE__ */ jsxs9("div", { children: [
        /* @__PURE__ */ jsx9("dt", { children: "Version" }),
        /* @__PURE__ */ jsx9("dd", { children: /* @__PURE__ */ jsx9("code", { title: "hash of instructions, tools and parameters", children: a.hash.slice(0, 8) }) })
      ] }),
      a.last_seen && /* @__PURE__ */ jsxs9("div", { children: [
        /* @__PURE__ */ jsx9("dt", { children: "Last seen" }),
        /* @__PURE__ */ jsx9("dd", { children: /* @__PURE__ */ jsx9(Time5, { at: a.last_seen }) })
      ] })
    ] }),
    last ? /* @__PURE__ */ jsxs9("p", { class: "agent-error", children: [
      /* @__PURE__ */ jsx9("span", { class: "tone-bad", children: "✕ Last error" }),
      " ",
      /* @__PURE__ */ jsx9("a", { href: links5.run(last.id), children: /* @__PURE__ */ jsx9(Visible2, { text: (last.error_text || "failed").slice(0, 160), exact: true }) }),
      " ",
      /* @__PURE__ */ jsx9(Time5, { at: last.completed ?? last.updated })
    ] }) : broken && /* @__PURE__ */ jsx9(LastError, { agent: a.name, session: broken.key })
  ] });
}
function LastError({ agent, session }) {
  const turns = useQuery6(path2`agents/${agent}/sessions/${session}/turns` + query8({ limit: 5 }));
  const failed = turns.data?.items.find((t) => t.error);
  return failed ? /* @__PURE__ */ jsxs9("p", { class: "agent-error", children: [
    /* @__PURE__ */ jsx9("span", { class: "tone-bad", children: "✕ Last error" }),
    " ",
    /* @__PURE__ */ jsx9("a", { href: links5.session(agent, session), children: /* @__PURE__ */ jsx9(Visible2, { text: (failed.error ?? "").slice(0, 160), exact: true }) }),
    " ",
    /* @__PURE__ */ jsx9(Time5, { at: failed.ended ?? failed.created })
  ] }) : null;
}

// src/pages/agent.tsx
import { path as path3, query as query9, useQuery as useQuery7 } from "./core.js";
import { cost as cost3, count as count5, shortened } from "./core.js";
import { useKeys as useKeys4 } from "./core.js";
import { useTopic as useTopic4 } from "./core.js";
import { randomKey as randomKey2 } from "./core.js";
import { go as go3, links as links6 } from "./core.js";
import { Copy as Copy2 } from "./core.js";
import { Empty as Empty3 } from "./core.js";
import { JsonView } from "./core.js";
import { Problem as Problem5 } from "./core.js";
import { Share as Share2 } from "./core.js";
import { Status as Status3 } from "./core.js";
import { Table as Table2 } from "./core.js";
import { Time as Time6 } from "./core.js";
import { Visible as Visible3 } from "./core.js";
import { Fragment as Fragment4, jsx as jsx10, jsxs as jsxs10 } from "./core.js";
function Agent({ params }) {
  const name = params["agent"] ?? "";
  const info = useQuery7(path3`agents/${name}`);
  const sessions = useSessions(name);
  const list = sessions.data?.items ?? [];
  const broken = list.find((s) => s.state === "failed");
  const fresh = () => go3(links6.session(name, randomKey2()));
  useKeys4({ n: fresh });
  return /* @__PURE__ */ jsxs10("section", { class: "page agent", children: [
    /* @__PURE__ */ jsxs10("header", { class: "page-head", children: [
      /* @__PURE__ */ jsxs10("div", { class: "page-title", children: [
        /* @__PURE__ */ jsx10("h1", { children: /* @__PURE__ */ jsx10(Visible3, { text: info.data?.name ?? name, exact: true }) }),
        " ",
        /* @__PURE__ */ jsx10(Share2, { what: "agent", id: info.data?.name ?? name, command: ["agent sessions", [name]], json: { path: path3`agents/${name}`, file: name + ".json" } })
      ] }),
      /* @__PURE__ */ jsx10("button", { type: "button", class: "primary", onClick: fresh, disabled: !info.data, "aria-keyshortcuts": "n", children: "New session" })
    ] }),
    info.error && /* @__PURE__ */ jsx10(Problem5, { error: info.error, retry: info.refetch }),
    info.data && /* @__PURE__ */ jsx10(About, { info: info.data }),
    broken && /* @__PURE__ */ jsx10(LastError, { agent: name, session: broken.key }),
    info.data && /* @__PURE__ */ jsxs10(Fragment4, { children: [
      /* @__PURE__ */ jsx10("h2", { children: "Sessions" }),
      sessions.data && list.length === 0 ? /* @__PURE__ */ jsxs10(Empty3, { title: "No session yet", children: [
        /* @__PURE__ */ jsx10("p", { children: "A session is a conversation that lasts: it is on disk after every step." }),
        /* @__PURE__ */ jsx10("button", { type: "button", onClick: fresh, children: "Begin one" })
      ] }) : /* @__PURE__ */ jsx10(Table2, { label: "Sessions", rows: list, id: (s) => s.id, open: (s) => go3(links6.session(name, s.key)), columns: columns2(name) }),
      sessions.data?.next && /* @__PURE__ */ jsxs10("p", { class: "dim", children: [
        "The first ",
        list.length,
        " by key are shown."
      ] })
    ] })
  ] });
}
function columns2(agent) {
  return [
    { id: "state", title: "State", class: "w-status", cell: (s) => /* @__PURE__ */ jsx10(Status3, { state: s.state }) },
    { id: "key", title: "Key", cell: (s) => /* @__PURE__ */ jsx10("a", { href: links6.session(agent, s.key), title: s.key, children: /* @__PURE__ */ jsx10(Visible3, { text: s.key.length > 20 ? s.key.slice(0, 12) + "…" : s.key, exact: true }) }) },
    { id: "preview", title: "Said last", class: "grow", cell: (s) => /* @__PURE__ */ jsx10("span", { class: "dim", children: s.preview && /* @__PURE__ */ jsx10(Visible3, { text: s.preview }) }) },
    { id: "turns", title: "Turns", class: "num", cell: (s) => /* @__PURE__ */ jsxs10(Fragment4, { children: [
      s.turns,
      s.failed > 0 && /* @__PURE__ */ jsxs10("span", { class: "tone-bad", title: s.failed + " failed", children: [
        " ✕",
        s.failed
      ] })
    ] }) },
    { id: "tokens", title: "Tokens", class: "num", cell: (s) => count5(s.tokens.total) },
    { id: "cost", title: "Cost", class: "num", cell: (s) => s.cost_usd ? cost3(s.cost_usd * 1e6) : "" },
    { id: "owner", title: "Asked by", cell: (s) => s.owner_run && /* @__PURE__ */ jsx10("a", { href: links6.run(s.owner_run), title: s.owner_run, children: /* @__PURE__ */ jsx10(Visible3, { text: shortened(s.owner_run), exact: true }) }) },
    { id: "updated", title: "Last turn", cell: (s) => /* @__PURE__ */ jsx10(Time6, { at: s.updated }) }
  ];
}
function About({ info: a }) {
  return /* @__PURE__ */ jsxs10("div", { class: "agent-info", children: [
    a.description && /* @__PURE__ */ jsx10("p", { children: /* @__PURE__ */ jsx10(Visible3, { text: a.description }) }),
    /* @__PURE__ */ jsxs10("dl", { class: "traits", children: [
      /* @__PURE__ */ jsxs10("div", { children: [
        /* @__PURE__ */ jsx10("dt", { children: "Model" }),
        /* @__PURE__ */ jsx10("dd", { children: /* @__PURE__ */ jsx10(Visible3, { text: [a.provider, a.model].filter(Boolean).join(" / ") || "not told", exact: true }) })
      ] }),
      a.price && /* @__PURE__ */ jsxs10("div", { children: [
        /* @__PURE__ */ jsx10("dt", { title: "US dollars for a million tokens", children: "Price in / out" }),
        /* @__PURE__ */ jsxs10("dd", { children: [
          "$",
          a.price.Input,
          " / $",
          a.price.Output
        ] })
      ] }),
      /* @__PURE__ */ jsxs10("div", { children: [
        /* @__PURE__ */ jsx10("dt", { children: "Version" }),
        /* @__PURE__ */ jsxs10("dd", { children: [
          /* @__PURE__ */ jsx10("code", { title: "hash of instructions, tools and parameters", children: a.hash }),
          " ",
          /* @__PURE__ */ jsx10(Copy2, { text: a.hash, what: "version" })
        ] })
      ] }),
      /* @__PURE__ */ jsxs10("div", { children: [
        /* @__PURE__ */ jsx10("dt", { children: "Steps at most" }),
        /* @__PURE__ */ jsx10("dd", { children: a.max_steps })
      ] }),
      a.last_seen && /* @__PURE__ */ jsxs10("div", { children: [
        /* @__PURE__ */ jsx10("dt", { children: "Last seen" }),
        /* @__PURE__ */ jsx10("dd", { children: /* @__PURE__ */ jsx10(Time6, { at: a.last_seen }) })
      ] })
    ] }),
    a.instructions && /* @__PURE__ */ jsxs10("details", { open: a.instructions.length < 400, children: [
      /* @__PURE__ */ jsx10("summary", { children: "Instructions" }),
      /* @__PURE__ */ jsx10("pre", { class: "sample wrap", tabIndex: 0, children: /* @__PURE__ */ jsx10(Visible3, { text: a.instructions, exact: true }) })
    ] }),
    a.tools.length > 0 && /* @__PURE__ */ jsxs10("details", { children: [
      /* @__PURE__ */ jsxs10("summary", { children: [
        a.tools.length,
        " ",
        a.tools.length === 1 ? "tool" : "tools",
        ": ",
        /* @__PURE__ */ jsx10(Visible3, { text: a.tools.map((t) => t.Name).join(", "), exact: true })
      ] }),
      a.tools.map((t) => /* @__PURE__ */ jsxs10("div", { class: "agent-tool", children: [
        /* @__PURE__ */ jsx10("h3", { children: /* @__PURE__ */ jsx10(Visible3, { text: t.Name, exact: true }) }),
        t.Description && /* @__PURE__ */ jsx10("p", { children: /* @__PURE__ */ jsx10(Visible3, { text: t.Description, exact: true }) }),
        t.Schema !== void 0 && /* @__PURE__ */ jsx10(JsonView, { value: t.Schema, label: "schema of " + t.Name })
      ] }, t.Name))
    ] })
  ] });
}
function useSessions(name) {
  const q = useQuery7(path3`agents/${name}/sessions` + query9({ limit: 500 }));
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
import { useState as useState6 } from "./core.js";
import { query as query10, useQuery as useQuery8 } from "./core.js";
import { useTopic as useTopic5 } from "./core.js";
import { go as go4, links as links7, param as param2, setParams as setParams4 } from "./core.js";
import { Empty as Empty4 } from "./core.js";
import { Problem as Problem6 } from "./core.js";
import { Share as Share3 } from "./core.js";
import { Table as Table3 } from "./core.js";
import { Time as Time7 } from "./core.js";
import { Visible as Visible4 } from "./core.js";
import { jsx as jsx11, jsxs as jsxs11 } from "./core.js";
var declare = `type Counter struct{ N int }

func (c *Counter) Add(n int) int { c.N += n; return c.N }

perdure.AddEntity[Counter](reg, "counter")`;
function Entities() {
  const name = param2("name");
  const cursor = param2("cursor");
  const [typed, setTyped] = useState6(name);
  const page = useQuery8("entities" + query10({ name, cursor, limit: 200 }));
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
  return /* @__PURE__ */ jsxs11("section", { class: "page entities", children: [
    /* @__PURE__ */ jsxs11("header", { class: "page-head", children: [
      /* @__PURE__ */ jsxs11("div", { class: "page-title", children: [
        /* @__PURE__ */ jsx11("h1", { children: "Entities" }),
        " ",
        /* @__PURE__ */ jsx11(Share3, { what: "list", command: ["entity list", name ? [name] : []], json: { path: "entities" + query10({ name, limit: 1e3 }), file: "entities.json" } })
      ] }),
      /* @__PURE__ */ jsx11("form", { class: "entities-find", onSubmit: (e) => {
        e.preventDefault();
        setParams4({ name: typed.trim(), cursor: void 0 });
      }, children: /* @__PURE__ */ jsx11("input", { type: "search", "aria-label": "Name of the entities", placeholder: "Name, then Enter", value: typed, onInput: (e) => setTyped(e.currentTarget.value) }) })
    ] }),
    page.error && /* @__PURE__ */ jsx11(Problem6, { error: page.error, retry: page.refetch }),
    page.data && rows.length === 0 ? name ? /* @__PURE__ */ jsx11(Empty4, { title: "No entity is called " + name, children: /* @__PURE__ */ jsx11("button", { type: "button", onClick: () => {
      setTyped("");
      setParams4({ name: void 0 });
    }, children: "Show all" }) }) : /* @__PURE__ */ jsxs11(Empty4, { title: "There is no entity yet", children: [
      /* @__PURE__ */ jsx11("p", { children: "An entity is named state with one operation at a time; it begins to exist with its first operation. Sessions of agents are entities too." }),
      /* @__PURE__ */ jsx11("pre", { class: "sample", tabIndex: 0, children: declare })
    ] }) : /* @__PURE__ */ jsx11(Table3, { label: "Entities", rows, id: (e) => e.id, columns: columns3, open: (e) => go4(links7.entity(e.name, e.key)) }),
    /* @__PURE__ */ jsxs11("p", { class: "pager", children: [
      cursor && /* @__PURE__ */ jsx11("button", { type: "button", onClick: () => setParams4({ cursor: void 0 }, false), children: "‹ First page" }),
      page.data?.next && /* @__PURE__ */ jsx11("button", { type: "button", onClick: () => setParams4({ cursor: page.data?.next }, false), children: "Next page ›" })
    ] })
  ] });
}
var columns3 = [
  { id: "name", title: "Name", class: "w-name", cell: (e) => /* @__PURE__ */ jsx11(Visible4, { text: e.name, exact: true }) },
  { id: "key", title: "Key", class: "grow", cell: (e) => /* @__PURE__ */ jsx11("a", { href: links7.entity(e.name, e.key), children: /* @__PURE__ */ jsx11(Visible4, { text: e.key, exact: true }) }) },
  { id: "chat", title: "Chat", class: "narrow", cell: (e) => {
    const s = sessionOf(e);
    return s ? /* @__PURE__ */ jsx11("a", { href: s, children: "open" }) : /* @__PURE__ */ jsx11("span", { class: "dim", children: "–" });
  } },
  { id: "depth", title: "Waiting", class: "num narrow", cell: (e) => e.queue_depth > 0 ? e.queue_depth : /* @__PURE__ */ jsx11("span", { class: "dim", children: "0" }) },
  { id: "lock", title: "Lock", class: "narrow", cell: (e) => e.lock_owner ? /* @__PURE__ */ jsx11("a", { href: links7.run(e.lock_owner), children: "held" }) : /* @__PURE__ */ jsx11("span", { class: "dim", children: "free" }) },
  { id: "op", title: "Last operation", class: "w-name", cell: (e) => e.last_op ? /* @__PURE__ */ jsxs11("span", { class: e.last_error ? "bad" : "", title: e.last_error, children: [
    /* @__PURE__ */ jsx11(Visible4, { text: e.last_op, exact: true }),
    e.last_error && " failed"
  ] }) : /* @__PURE__ */ jsx11("span", { class: "dim", children: "–" }) },
  { id: "updated", title: "Changed", class: "w-time", cell: (e) => /* @__PURE__ */ jsx11(Time7, { at: e.updated }) }
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
import { useState as useState7 } from "./core.js";
import { path as path4, post, useQuery as useQuery9 } from "./core.js";
import { bytes } from "./core.js";
import { hindered as hindered3 } from "./core.js";
import { parseJson } from "./core.js";
import { useTopic as useTopic6 } from "./core.js";
import { links as links8 } from "./core.js";
import { JsonView as JsonView2 } from "./core.js";
import { Problem as Problem7 } from "./core.js";
import { Share as Share4 } from "./core.js";
import { Time as Time8 } from "./core.js";
import { Visible as Visible5 } from "./core.js";
import { Fragment as Fragment5, jsx as jsx12, jsxs as jsxs12 } from "./core.js";
function Entity({ params }) {
  const name = params["name"] ?? "";
  const key = params["key"] ?? "";
  const where = path4`entities/${name}/${key}`;
  const entity = useQuery9(where);
  useTopic6("entities:" + name, void 0, (events) => {
    if (events.some((e2) => e2.kind === "reset" || e2.data.upsert.some((x) => x.key === key))) {
      entity.refetch();
    }
  });
  const e = entity.data;
  const chat = sessionOf({ name, key });
  return /* @__PURE__ */ jsxs12("section", { class: "page entity", children: [
    /* @__PURE__ */ jsxs12("header", { class: "page-head", children: [
      /* @__PURE__ */ jsxs12("div", { class: "page-title", children: [
        /* @__PURE__ */ jsxs12("h1", { children: [
          /* @__PURE__ */ jsx12(Visible5, { text: name, exact: true }),
          " ",
          /* @__PURE__ */ jsxs12("span", { class: "dim", children: [
            "/ ",
            /* @__PURE__ */ jsx12(Visible5, { text: key, exact: true })
          ] })
        ] }),
        " ",
        /* @__PURE__ */ jsx12(Share4, { what: "entity", id: `@${name}@${key}`, command: ["entity get", [name, key]], json: { path: where, file: `${name}-${key}.json` } })
      ] }),
      chat && /* @__PURE__ */ jsx12("a", { href: chat, children: "Open the conversation" })
    ] }),
    entity.error?.status === 404 ? /* @__PURE__ */ jsx12("p", { class: "dim", children: "This entity does not exist yet. Its first operation makes it." }) : entity.error && /* @__PURE__ */ jsx12(Problem7, { error: entity.error, retry: entity.refetch }),
    e && /* @__PURE__ */ jsxs12(Fragment5, { children: [
      /* @__PURE__ */ jsxs12("dl", { class: "traits", children: [
        /* @__PURE__ */ jsxs12("div", { children: [
          /* @__PURE__ */ jsx12("dt", { children: "Last operation" }),
          /* @__PURE__ */ jsxs12("dd", { children: [
            e.last_op && /* @__PURE__ */ jsxs12(Fragment5, { children: [
              /* @__PURE__ */ jsx12("code", { children: /* @__PURE__ */ jsx12(Visible5, { text: e.last_op, exact: true }) }),
              " "
            ] }),
            /* @__PURE__ */ jsx12(Time8, { at: e.updated }),
            e.last_error && /* @__PURE__ */ jsx12("span", { class: "bad", children: " failed" })
          ] })
        ] }),
        /* @__PURE__ */ jsxs12("div", { children: [
          /* @__PURE__ */ jsx12("dt", { children: "Waiting" }),
          /* @__PURE__ */ jsxs12("dd", { children: [
            e.queue_depth,
            " ",
            e.queue_depth === 1 ? "operation" : "operations"
          ] })
        ] }),
        /* @__PURE__ */ jsxs12("div", { children: [
          /* @__PURE__ */ jsx12("dt", { children: "Lock" }),
          /* @__PURE__ */ jsx12("dd", { children: e.lock_owner ? /* @__PURE__ */ jsxs12("a", { href: links8.run(e.lock_owner), children: [
            "held by ",
            /* @__PURE__ */ jsx12(Visible5, { text: e.lock_owner, exact: true })
          ] }) : /* @__PURE__ */ jsx12("span", { class: "dim", children: "free" }) })
        ] }),
        /* @__PURE__ */ jsxs12("div", { children: [
          /* @__PURE__ */ jsx12("dt", { children: "State" }),
          /* @__PURE__ */ jsx12("dd", { children: bytes(e.state_bytes ?? 0) })
        ] })
      ] }),
      /* @__PURE__ */ jsx12("h2", { children: "State" }),
      e.state === void 0 ? /* @__PURE__ */ jsx12("p", { class: "dim", children: "none" }) : /* @__PURE__ */ jsx12(JsonView2, { value: e.state, label: "state" }),
      /* @__PURE__ */ jsx12(Operations, { list: e.operations ?? [] })
    ] }),
    !name.startsWith("dafx-") && (e || entity.error?.status === 404) && /* @__PURE__ */ jsx12(Operate, { where, known: [...new Set((e?.operations ?? []).map((o) => o.name))], onSent: entity.refetch })
  ] });
}
function Operations({ list }) {
  return /* @__PURE__ */ jsxs12(Fragment5, { children: [
    /* @__PURE__ */ jsx12("h2", { children: "Recent operations" }),
    list.length === 0 ? /* @__PURE__ */ jsx12("p", { class: "dim", children: "None is known. Each operation that it carries out is told here; the newest 8 are kept." }) : /* @__PURE__ */ jsx12("ul", { class: "plain operations", "aria-label": "What it has done lately, the newest first", children: list.map((o, i) => /* @__PURE__ */ jsxs12("li", { class: o.error ? "is-failed" : "", children: [
      /* @__PURE__ */ jsx12("code", { children: /* @__PURE__ */ jsx12(Visible5, { text: o.name, exact: true }) }),
      /* @__PURE__ */ jsxs12("span", { class: "dim", children: [
        o.called ? "called by" : "signalled by",
        " ",
        /* @__PURE__ */ jsx12(From, { id: o.from })
      ] }),
      /* @__PURE__ */ jsx12(Time8, { at: o.at }),
      o.error && /* @__PURE__ */ jsx12("span", { class: "bad operation-error", children: /* @__PURE__ */ jsx12(Visible5, { text: o.error, exact: true }) })
    ] }, `${o.at} ${i}`)) })
  ] });
}
function From({ id }) {
  if (!id) return /* @__PURE__ */ jsx12(Fragment5, { children: "a client" });
  const entity = /^@([^@]+)@(.*)$/s.exec(id);
  return /* @__PURE__ */ jsx12("a", { href: entity ? links8.entity(entity[1] ?? "", entity[2] ?? "") : links8.run(id), children: /* @__PURE__ */ jsx12(Visible5, { text: id, exact: true }) });
}
function Operate({ where, known, onSent }) {
  const [operation, setOperation] = useState7("");
  const [input, setInput] = useState7("");
  const [done, setDone] = useState7(null);
  const [busy, setBusy] = useState7(false);
  const [error, setError] = useState7(null);
  const typed = input.trim() === "" ? null : parseJson(input);
  const off = hindered3();
  const unfit = off !== "" || busy || operation.trim() === "" || typed !== null && !typed.ok;
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
  return /* @__PURE__ */ jsxs12("form", { class: "entity-signal", onSubmit: (e) => {
    e.preventDefault();
    if (!unfit) void send(false);
  }, children: [
    /* @__PURE__ */ jsx12("h2", { children: "Send an operation" }),
    /* @__PURE__ */ jsx12("p", { class: "dim", children: "A signal is taken once, in its turn, and nobody waits for it. A call waits for the answer." }),
    /* @__PURE__ */ jsxs12("label", { class: "field", children: [
      "Operation",
      /* @__PURE__ */ jsx12("input", { type: "text", required: true, placeholder: known.join(", "), value: operation, onInput: (e) => setOperation(e.currentTarget.value) })
    ] }),
    /* @__PURE__ */ jsxs12("label", { class: "field", children: [
      "Input (JSON, may be empty)",
      /* @__PURE__ */ jsx12("textarea", { class: "code", rows: 4, spellcheck: false, value: input, "aria-invalid": !!typed && !typed.ok, onInput: (e) => setInput(e.currentTarget.value) }),
      typed && !typed.ok && /* @__PURE__ */ jsxs12("span", { class: "field-error", role: "alert", children: [
        "Line ",
        typed.line,
        ", column ",
        typed.column,
        ": ",
        typed.message
      ] })
    ] }),
    /* @__PURE__ */ jsxs12("div", { class: "decide-row", children: [
      /* @__PURE__ */ jsx12("button", { type: "submit", class: "primary", disabled: unfit, children: busy ? "Sending…" : "Send signal" }),
      /* @__PURE__ */ jsx12("button", { type: "button", disabled: unfit, onClick: () => void send(true), children: "Call" }),
      /* @__PURE__ */ jsx12("span", { role: "status", children: done && /* @__PURE__ */ jsxs12(Fragment5, { children: [
        "✓ ",
        done.operation,
        " ",
        done.answer ? "answered" : "was accepted"
      ] }) })
    ] }),
    off && /* @__PURE__ */ jsx12("p", { class: "dim", role: "status", children: off }),
    done?.answer && /* @__PURE__ */ jsx12(JsonView2, { value: done.answer.output ?? null, label: "answer" }),
    error && /* @__PURE__ */ jsx12(Problem7, { error })
  ] });
}

// src/pages/workers.tsx
import { useQuery as useQuery10 } from "./core.js";
import { useTopic as useTopic7 } from "./core.js";
import { Backlog as Backlog2 } from "./core.js";
import { Command as Command3 } from "./core.js";
import { Problem as Problem8 } from "./core.js";
import { Share as Share5 } from "./core.js";
import { Time as Time9 } from "./core.js";
import { Fragment as Fragment6, jsx as jsx13, jsxs as jsxs13 } from "./core.js";
function Workers(_) {
  const workers = useQuery10("workers");
  const backlog = useQuery10("backlog");
  const nodes = useQuery10("nodes");
  const takeovers = useQuery10("takeovers");
  useTopic7("workers", void 0, (events) => {
    const e = events.at(-1);
    if (e?.kind === "workers") {
      const f = e.data;
      workers.set(() => ({ items: f.items, connected: f.connected, lost: f.lost }));
    }
    backlog.refetch();
    nodes.refetch();
    takeovers.refetch();
  });
  const connected = workers.data?.connected ?? [];
  const called = workers.data?.items ?? [];
  return /* @__PURE__ */ jsxs13("section", { class: "page", children: [
    /* @__PURE__ */ jsxs13("div", { class: "page-title", children: [
      /* @__PURE__ */ jsx13("h1", { children: "Workers" }),
      " ",
      /* @__PURE__ */ jsx13(Share5, { what: "list", command: ["worker list"], json: { path: "workers", file: "workers.json" } })
    ] }),
    workers.error && /* @__PURE__ */ jsx13(Problem8, { error: workers.error, retry: workers.refetch }),
    /* @__PURE__ */ jsxs13("div", { class: "columns", children: [
      /* @__PURE__ */ jsxs13("section", { class: "card", "aria-labelledby": "w-connected", children: [
        /* @__PURE__ */ jsx13("h2", { id: "w-connected", children: "Connected" }),
        connected.length === 0 && called.length === 0 && workers.data && /* @__PURE__ */ jsxs13(Fragment6, { children: [
          /* @__PURE__ */ jsx13("p", { children: "No worker of another process is connected. Code that this server has of its own needs none." }),
          /* @__PURE__ */ jsx13("p", { class: "dim", children: "SDKs connect with" }),
          /* @__PURE__ */ jsx13(Command3, { text: `Endpoint=${new URL(document.baseURI).origin};TaskHub=default;Authentication=None` })
        ] }),
        /* @__PURE__ */ jsx13("div", { class: "scroll", tabIndex: connected.length ? 0 : -1, role: "region", "aria-label": "Connected workers", children: connected.length > 0 && /* @__PURE__ */ jsxs13("table", { class: "plain-table", children: [
          /* @__PURE__ */ jsx13("thead", { children: /* @__PURE__ */ jsxs13("tr", { children: [
            /* @__PURE__ */ jsx13("th", { children: "Worker" }),
            /* @__PURE__ */ jsx13("th", { children: "SDK" }),
            /* @__PURE__ */ jsx13("th", { children: "Takes" }),
            /* @__PURE__ */ jsx13("th", { children: "Connected" }),
            /* @__PURE__ */ jsx13("th", { class: "num", children: "In flight / capacity" })
          ] }) }),
          /* @__PURE__ */ jsx13("tbody", { children: connected.map((c, i) => /* @__PURE__ */ jsxs13("tr", { children: [
            /* @__PURE__ */ jsxs13("td", { children: [
              /* @__PURE__ */ jsx13("span", { class: "mono", children: c.id || "unnamed" }),
              " ",
              c.address && /* @__PURE__ */ jsxs13("span", { class: "dim", children: [
                "at ",
                c.address
              ] })
            ] }),
            /* @__PURE__ */ jsx13("td", { children: c.own ? "Perdure" : c.client ?? "" }),
            /* @__PURE__ */ jsx13("td", { children: /* @__PURE__ */ jsx13(Takes, { worker: c }) }),
            /* @__PURE__ */ jsx13("td", { children: /* @__PURE__ */ jsx13(Time9, { at: c.since }) }),
            /* @__PURE__ */ jsxs13("td", { class: "num", children: [
              sum(c.in_flight),
              " / ",
              sum(c.capacity)
            ] })
          ] }, c.id ?? i)) })
        ] }) }),
        called.map((c) => /* @__PURE__ */ jsxs13("p", { class: "row", children: [
          /* @__PURE__ */ jsx13("strong", { children: c.name }),
          " ",
          /* @__PURE__ */ jsx13("span", { class: "mono", children: c.url }),
          " ",
          /* @__PURE__ */ jsxs13("span", { class: "num", children: [
            c.running,
            " running"
          ] }),
          c.cause && /* @__PURE__ */ jsx13("span", { class: "bad", children: c.cause })
        ] }, c.name))
      ] }),
      /* @__PURE__ */ jsxs13("section", { class: "card", "aria-labelledby": "w-backlog", children: [
        /* @__PURE__ */ jsx13("h2", { id: "w-backlog", children: "Backlog" }),
        /* @__PURE__ */ jsx13(Backlog2, { items: backlog.data?.items })
      ] }),
      /* @__PURE__ */ jsxs13("section", { class: "card", "aria-labelledby": "w-nodes", children: [
        /* @__PURE__ */ jsx13("h2", { id: "w-nodes", children: "Nodes" }),
        /* @__PURE__ */ jsx13("ul", { class: "plain", children: (nodes.data?.items ?? []).map((n) => /* @__PURE__ */ jsxs13("li", { children: [
          /* @__PURE__ */ jsx13("span", { class: "mono", children: n.name }),
          n.here && /* @__PURE__ */ jsx13("span", { class: "tag", children: "this one" }),
          n.version && /* @__PURE__ */ jsx13("span", { class: "dim", children: n.version }),
          /* @__PURE__ */ jsxs13("span", { class: "num", children: [
            n.shards,
            " shards"
          ] }),
          n.unreached && /* @__PURE__ */ jsx13("span", { class: "bad", children: "not reached: works through the database" }),
          n.error && /* @__PURE__ */ jsx13("span", { class: "bad", children: n.error }),
          n.since && /* @__PURE__ */ jsx13(Time9, { at: n.since })
        ] }, n.name)) })
      ] }),
      /* @__PURE__ */ jsxs13("section", { class: "card", "aria-labelledby": "w-lost", children: [
        /* @__PURE__ */ jsx13("h2", { id: "w-lost", children: "Lost" }),
        workers.data?.lost.length === 0 && takeovers.data?.items.length === 0 && /* @__PURE__ */ jsx13("p", { class: "dim", children: "No worker and no node was lost since this one began." }),
        /* @__PURE__ */ jsx13("ul", { class: "plain", children: (workers.data?.lost ?? []).map((l) => /* @__PURE__ */ jsxs13("li", { children: [
          /* @__PURE__ */ jsx13("span", { class: l.back ? "dim" : "bad", children: l.back ? "✓ back" : "! worker lost" }),
          /* @__PURE__ */ jsx13("span", { class: "mono", children: l.id || "unnamed" }),
          /* @__PURE__ */ jsxs13("span", { class: "num", children: [
            l.items,
            " items went to others"
          ] }),
          /* @__PURE__ */ jsx13(Time9, { at: l.at })
        ] }, l.id + l.at)) }),
        (takeovers.data?.items.length ?? 0) > 0 && /* @__PURE__ */ jsxs13(Fragment6, { children: [
          /* @__PURE__ */ jsx13("h3", { children: "Takeovers" }),
          /* @__PURE__ */ jsx13("ul", { class: "plain", "aria-label": "Takeovers", children: (takeovers.data?.items ?? []).slice(0, 1e3).map((t) => /* @__PURE__ */ jsxs13("li", { children: [
            /* @__PURE__ */ jsxs13("span", { class: "num", children: [
              t.shards,
              " shards"
            ] }),
            /* @__PURE__ */ jsxs13("span", { children: [
              "of ",
              /* @__PURE__ */ jsx13("span", { class: "mono", children: t.from ?? "a node that did not stop in order" })
            ] }),
            /* @__PURE__ */ jsx13(Time9, { at: t.at })
          ] }, t.at + (t.from ?? ""))) })
        ] })
      ] })
    ] })
  ] });
}
function Takes({ worker: w }) {
  const kinds = [
    [w.orchestrations, "orchestrations"],
    [w.activities, "activities"],
    [w.entities, "entities"]
  ];
  const some = kinds.filter(([names]) => names.length > 0);
  if (w.everything || some.length === 0) {
    return w.everything ? "everything" : "nothing";
  }
  return /* @__PURE__ */ jsxs13("details", { children: [
    /* @__PURE__ */ jsx13("summary", { children: some.map(([names, what]) => `${names.length} ${what}`).join(", ") }),
    some.map(([names, what]) => /* @__PURE__ */ jsxs13("p", { children: [
      what,
      ": ",
      /* @__PURE__ */ jsx13("span", { class: "mono", children: names.join(", ") })
    ] }, what))
  ] });
}
var sum = (p) => p.orchestrations + p.activities + p.entities;

// src/pages/missing.tsx
import { Empty as Empty5 } from "./core.js";
import { jsx as jsx14, jsxs as jsxs14 } from "./core.js";
function Missing() {
  return /* @__PURE__ */ jsxs14("section", { class: "page", children: [
    /* @__PURE__ */ jsx14("h1", { children: "Not found" }),
    /* @__PURE__ */ jsx14(Empty5, { title: "There is no such page", children: /* @__PURE__ */ jsx14("p", { children: /* @__PURE__ */ jsx14("a", { href: ".", children: "Overview" }) }) })
  ] });
}

// src/app.tsx
import { lazily as lazily2 } from "./core.js";
import { jsx as jsx15, jsxs as jsxs15 } from "./core.js";
var Inbox = lazily2(() => import("./inbox.js").then((m) => m.Inbox));
var Run = lazily2(() => import("./run.js").then((m) => m.Run));
var Chat = lazily2(() => import("./chat.js").then((m) => m.Chat));
var Settings = lazily2(() => import("./settings.js").then((m) => m.Settings));
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
  ["charts", Charts, "Charts"],
  ["settings", Settings, "Settings"]
];
function App() {
  const at = route.value;
  const [help, setHelp] = useState8(false);
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
  useEffect6(() => {
    document.title = (name ? `${name} · ` : "") + `${title} · Perdure`;
  }, [at]);
  return /* @__PURE__ */ jsxs15("div", { class: "shell", children: [
    /* @__PURE__ */ jsx15("a", { class: "skip", href: "#main", onClick: (e) => (e.preventDefault(), document.getElementById("main")?.focus()), children: "Skip to content" }),
    /* @__PURE__ */ jsx15(Rail, { at, onHelp: () => setHelp(true) }),
    /* @__PURE__ */ jsxs15("main", { id: "main", tabIndex: -1, children: [
      /* @__PURE__ */ jsx15(OfflineBanner, {}),
      /* @__PURE__ */ jsx15(Page, { params }, at)
    ] }),
    help && /* @__PURE__ */ jsx15(Help, { onClose: () => setHelp(false) }),
    /* @__PURE__ */ jsx15(Palette, { onHelp: () => setHelp(true) }),
    /* @__PURE__ */ jsx15(Login, {}),
    /* @__PURE__ */ jsx15(Announcer, {})
  ] });
}
function OfflineBanner() {
  const off = linkState.value === "offline";
  const [shown, setShown] = useState8(false);
  useEffect6(() => {
    const t = setTimeout(() => setShown(off), off ? 1500 : 0);
    return () => clearTimeout(t);
  }, [off]);
  return shown ? /* @__PURE__ */ jsx15("div", { class: "banner", role: "alert", children: "The server does not answer. What you see is what was last known; this page goes on by itself when the server is back." }) : null;
}
startRouter();
render(/* @__PURE__ */ jsx15(App, {}), document.getElementById("app"));
