// src/pages/run.tsx
import { useMemo as useMemo5, useState as useState12 } from "./core.js";
import { ProblemError as ProblemError3, readOnly } from "./core.js";
import { now as clock } from "./core.js";
import { useKeys as useKeys2 } from "./core.js";
import { isActive as isActive2, overlays as overlays2, useOverlays } from "./core.js";
import { go as go3, links as links7, param as param7, setParams as setParams7 } from "./core.js";
import { ended } from "./core.js";
import { Empty as Empty4 } from "./core.js";
import { lazily } from "./core.js";
import { Problem as Problem5 } from "./core.js";
import { Tabs } from "./core.js";

// src/pages/run/audit.tsx
import { useEffect, useState } from "./core.js";
import { get, query, useQuery } from "./core.js";
import { Empty } from "./core.js";
import { Problem } from "./core.js";
import { Time } from "./core.js";
import { Visible } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
var pageSize = 100;
function AuditTab({ run, version }) {
  const { data, error, refetch } = useQuery("audit" + query({ target: run, limit: pageSize }));
  const [older, setOlder] = useState([]);
  const [failed, setFailed] = useState();
  useEffect(() => {
    const timer = setTimeout(() => {
      setOlder([]);
      refetch();
    }, 300);
    return () => clearTimeout(timer);
  }, [run, version]);
  if (error && !data) return /* @__PURE__ */ jsx(Problem, { error, retry: refetch });
  if (!data) return /* @__PURE__ */ jsx("p", { class: "dim pad", children: "Loading…" });
  const rows = [data, ...older].flatMap((p) => p.items);
  const next = (older.at(-1) ?? data).next;
  if (rows.length === 0) {
    return /* @__PURE__ */ jsx(Empty, { title: "Nobody has changed this run", children: /* @__PURE__ */ jsx("p", { children: "What people and programs do to it over the API, the dashboard and the command line stands here, with who did it and why. What its own code does is in the history." }) });
  }
  return /* @__PURE__ */ jsxs("div", { class: "audit", children: [
    /* @__PURE__ */ jsxs("table", { children: [
      /* @__PURE__ */ jsx("caption", { class: "hidden-text", children: "What was changed at this run, the newest first" }),
      /* @__PURE__ */ jsx("thead", { children: /* @__PURE__ */ jsxs("tr", { children: [
        /* @__PURE__ */ jsx("th", { scope: "col", children: "When" }),
        /* @__PURE__ */ jsx("th", { scope: "col", children: "Action" }),
        /* @__PURE__ */ jsx("th", { scope: "col", children: "By" }),
        /* @__PURE__ */ jsx("th", { scope: "col", children: "Reason" }),
        /* @__PURE__ */ jsx("th", { scope: "col", children: "From" })
      ] }) }),
      /* @__PURE__ */ jsx("tbody", { children: rows.map((r) => /* @__PURE__ */ jsx(Row, { row: r }, r.at + r.action + (r.request ?? ""))) })
    ] }),
    failed && /* @__PURE__ */ jsx(Problem, { error: failed }),
    next && /* @__PURE__ */ jsx("button", { type: "button", class: "quiet", onClick: () => get("audit" + query({ target: run, limit: pageSize, cursor: next })).then((p) => setOlder([...older, p]), setFailed), children: "Older" })
  ] });
}
function Row({ row }) {
  return /* @__PURE__ */ jsxs("tr", { children: [
    /* @__PURE__ */ jsx("td", { children: /* @__PURE__ */ jsx(Time, { at: row.at }) }),
    /* @__PURE__ */ jsxs("td", { children: [
      /* @__PURE__ */ jsx("b", { children: row.action }),
      row.name && /* @__PURE__ */ jsxs(Fragment, { children: [
        " ",
        row.name
      ] })
    ] }),
    /* @__PURE__ */ jsxs("td", { children: [
      row.by,
      row.for && /* @__PURE__ */ jsxs("span", { class: "dim", children: [
        " for ",
        row.for
      ] })
    ] }),
    /* @__PURE__ */ jsxs("td", { children: [
      row.reason ?? /* @__PURE__ */ jsx("span", { class: "dim", children: "none given" }),
      row.given_up?.map((c) => /* @__PURE__ */ jsxs("p", { class: "dim", children: [
        "given up: ",
        /* @__PURE__ */ jsx(Visible, { text: c, exact: true })
      ] }, c))
    ] }),
    /* @__PURE__ */ jsx("td", { class: "dim", title: row.client, children: [row.from, row.client].filter(Boolean).join(" · ") })
  ] });
}

// src/pages/run/conversation.tsx
import { useEffect as useEffect2, useMemo, useState as useState2 } from "./core.js";
import { path, useQuery as useQuery2 } from "./core.js";
import { cost, count, duration } from "./core.js";
import { useTopic } from "./core.js";
import { Markdown } from "./markdown.js";
import { links } from "./core.js";
import { Empty as Empty2 } from "./core.js";
import { JsonView } from "./core.js";
import { Problem as Problem2 } from "./core.js";
import { Time as Time2 } from "./core.js";

// src/pages/run/people.ts
import { bytes } from "./core.js";
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
function raisedText(e) {
  if (e.data === void 0) return e.bytes ? bytes(e.bytes) : "raised";
  const text = JSON.stringify(e.data);
  return text.length > 200 ? text.slice(0, 199) + "…" : text;
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
import { Fragment as Fragment2, jsx as jsx2, jsxs as jsxs2 } from "./core.js";
var atOnce = 200;
var followed = 6;
function ConversationTab({ run, version, stepLink }) {
  const { data, error, refetch } = useQuery2(path`runs/${run}/conversation`);
  const [raw, setRaw] = useState2(false);
  const [most3, setMost] = useState2(atOnce);
  useEffect2(() => {
    const timer = setTimeout(refetch, 200);
    return () => clearTimeout(timer);
  }, [version]);
  const items = data?.items ?? [];
  const entries = useMemo(() => entriesOf(items), [items]);
  const voices2 = useMemo(() => voicesOf(items.flatMap((s) => [s.agent, s.to ?? ""])), [items]);
  const below2 = useMemo(() => [...new Set(items.flatMap((s) => [s.run, s.to_run ?? ""]))].filter((id) => id && id !== run).slice(-followed), [items, run]);
  if (error && !data) return /* @__PURE__ */ jsx2(Problem2, { error, retry: refetch });
  if (!data) return /* @__PURE__ */ jsx2("p", { class: "dim pad", children: "Loading…" });
  if (entries.length === 0) return /* @__PURE__ */ jsx2(Empty2, { title: "No agent has said anything", children: /* @__PURE__ */ jsx2("p", { children: "Runs that call agents show here what agents, tools and people said, in the order of time." }) });
  const first = Math.max(0, entries.length - most3);
  return /* @__PURE__ */ jsxs2("div", { class: "talk", children: [
    below2.map((id) => /* @__PURE__ */ jsx2(Follow, { run: id, onChange: refetch }, id)),
    /* @__PURE__ */ jsxs2("div", { class: "tl-bar", children: [
      /* @__PURE__ */ jsx2("ul", { class: "talk-voices", "aria-label": "Agents", children: [...voices2].map(([name, n]) => /* @__PURE__ */ jsxs2("li", { children: [
        /* @__PURE__ */ jsx2(Avatar, { name, voice: n }),
        " ",
        name
      ] }, name)) }),
      /* @__PURE__ */ jsxs2("label", { class: "talk-raw", children: [
        /* @__PURE__ */ jsx2("input", { type: "checkbox", checked: raw, onChange: (e) => setRaw(e.currentTarget.checked) }),
        " Raw"
      ] })
    ] }),
    data.partial && /* @__PURE__ */ jsx2("p", { class: "dim", children: "The run has more below it than is looked at here." }),
    first > 0 && /* @__PURE__ */ jsxs2("button", { type: "button", onClick: () => setMost(most3 + atOnce), children: [
      "Show ",
      Math.min(atOnce, first),
      " earlier of ",
      first.toLocaleString("en")
    ] }),
    /* @__PURE__ */ jsx2("ol", { class: "talk-list", children: entries.slice(first).map((e, i) => /* @__PURE__ */ jsx2(EntryView, { entry: e, run, voices: voices2, raw, stepLink }, first + i)) })
  ] });
}
function Follow({ run, onChange }) {
  useTopic("run:" + run, void 0, onChange);
  return null;
}
function EntryView(p) {
  const { said } = p.entry;
  const voice = p.voices.get(said.agent) ?? 0;
  if (said.kind === "agent") {
    return /* @__PURE__ */ jsxs2("li", { class: `talk-turn voice-${voice}`, children: [
      /* @__PURE__ */ jsx2("span", { class: "talk-arrow", "aria-hidden": "true", children: said.handoff ? "⇢" : "→" }),
      /* @__PURE__ */ jsxs2("span", { children: [
        said.agent ? /* @__PURE__ */ jsx2("b", { children: said.agent }) : "The run",
        " ",
        said.handoff ? "hands the conversation over to" : "asks",
        " ",
        /* @__PURE__ */ jsx2("b", { children: said.to })
      ] }),
      said.to_run && /* @__PURE__ */ jsx2("a", { href: links.run(said.to_run), children: "open its run" }),
      /* @__PURE__ */ jsx2(Meta, { said, run: p.run, stepLink: p.stepLink })
    ] });
  }
  if (said.kind === "decision" && said.decision) {
    return /* @__PURE__ */ jsx2("li", { class: "talk-turn", children: /* @__PURE__ */ jsx2(DecisionView, { decision: said.decision }) });
  }
  if (said.kind === "event" && said.event) {
    return /* @__PURE__ */ jsx2("li", { class: "talk-turn", children: /* @__PURE__ */ jsx2(RaisedView, { said, stepLink: said.run === p.run ? links.run(said.run) + `?step=${said.event.n}` : links.run(said.run) }) });
  }
  const role = said.message?.Role ?? "";
  const human = role === "user" || role === "system";
  const { asker } = p.entry;
  const name = asker !== void 0 ? asker || "The run" : human ? said.message?.AuthorName || (role === "system" ? "System" : "User") : said.agent || "Agent";
  return /* @__PURE__ */ jsxs2("li", { class: `talk-entry ${human ? "is-user" : `voice-${voice}`}`, children: [
    asker ? /* @__PURE__ */ jsx2(Avatar, { name: asker, voice: p.voices.get(asker) ?? 0 }) : human ? /* @__PURE__ */ jsx2("span", { class: "avatar avatar-user", "aria-hidden": "true", children: asker === "" ? "▸" : role === "system" ? "§" : "U" }) : /* @__PURE__ */ jsx2(Avatar, { name, voice }),
    /* @__PURE__ */ jsxs2("article", { "aria-label": `${name}${human && said.agent ? ` to ${said.agent}` : ""}`, children: [
      /* @__PURE__ */ jsxs2("header", { children: [
        /* @__PURE__ */ jsx2("b", { children: name }),
        human && said.agent && /* @__PURE__ */ jsxs2("span", { class: "dim", children: [
          " to ",
          said.agent
        ] }),
        /* @__PURE__ */ jsx2(Meta, { said, run: p.run, stepLink: p.stepLink })
      ] }),
      p.raw ? /* @__PURE__ */ jsx2(JsonView, { value: said.message }) : /* @__PURE__ */ jsx2(Body, { entry: p.entry, run: p.run, stepLink: p.stepLink })
    ] })
  ] });
}
function Body({ entry, run, stepLink }) {
  return /* @__PURE__ */ jsxs2(Fragment2, { children: [
    entry.reasoning.map((text, i) => /* @__PURE__ */ jsxs2("details", { class: "reasoning", children: [
      /* @__PURE__ */ jsx2("summary", { children: "Reasoning" }),
      /* @__PURE__ */ jsx2(Markdown, { text })
    ] }, i)),
    entry.text && /* @__PURE__ */ jsx2(Markdown, { text: entry.text }),
    entry.error && /* @__PURE__ */ jsx2("p", { class: "error", children: entry.error }),
    entry.others.length > 0 && /* @__PURE__ */ jsx2("p", { class: "dim", children: entry.others.join(", ") }),
    entry.calls.map((c) => /* @__PURE__ */ jsx2(ToolCard, { call: c, run, stepLink }, c.call.CallID)),
    entry.results.map((r) => /* @__PURE__ */ jsx2("div", { class: "tool", children: /* @__PURE__ */ jsx2(JsonView, { value: r.Error ?? jsonOf(r.Result) }) }, r.CallID))
  ] });
}
function ToolCard({ call, run, stepLink }) {
  const { call: c, result, step } = call;
  const open = call.decisions.find((d) => d.state === "pending");
  const failed = !!result?.Error || step?.status === "failed";
  const status = open ? "waits for a decision" : !result ? "running" : failed ? "failed" : "done";
  return /* @__PURE__ */ jsxs2("details", { class: "tool" + (failed ? " is-failed" : "") + (open ? " is-waiting" : ""), open: !!open, children: [
    /* @__PURE__ */ jsxs2("summary", { children: [
      /* @__PURE__ */ jsx2("span", { class: "tool-name", children: c.Name }),
      /* @__PURE__ */ jsx2("span", { class: "dim tool-args", children: brief(c.Arguments) }),
      /* @__PURE__ */ jsxs2("span", { class: "tool-status" + (failed ? " bad" : ""), children: [
        status,
        step?.duration_ms ? `, ${duration(step.duration_ms)}` : "",
        step?.attempt && step.attempt > 1 ? `, attempt ${step.attempt}` : ""
      ] })
    ] }),
    /* @__PURE__ */ jsx2("p", { class: "tool-part", children: "Arguments" }),
    /* @__PURE__ */ jsx2(JsonView, { value: jsonOf(c.Arguments), label: "arguments" }),
    call.decisions.map((d) => /* @__PURE__ */ jsx2(DecisionView, { decision: d }, d.id)),
    result && /* @__PURE__ */ jsxs2(Fragment2, { children: [
      /* @__PURE__ */ jsx2("p", { class: "tool-part", children: "Result" }),
      result.Error ? /* @__PURE__ */ jsx2("p", { class: "error", children: result.Error }) : /* @__PURE__ */ jsx2(JsonView, { value: jsonOf(result.Result), label: "result" })
    ] }),
    step?.event_id !== void 0 && /* @__PURE__ */ jsx2("p", { children: /* @__PURE__ */ jsx2(StepLink, { said: step, run, stepLink }) })
  ] });
}
function brief(text) {
  return text.length > 90 ? text.slice(0, 89) + "…" : text;
}
function DecisionView({ decision: d }) {
  const by = d.answered_by ? ` by ${d.answered_by}` : "";
  return /* @__PURE__ */ jsxs2("p", { class: "talk-decision" + (d.state === "pending" ? " is-waiting" : ""), children: [
    /* @__PURE__ */ jsx2("span", { "aria-hidden": "true", children: "◆" }),
    " ",
    d.kind.replace(/_/g, " "),
    d.tool && /* @__PURE__ */ jsxs2(Fragment2, { children: [
      " of ",
      /* @__PURE__ */ jsx2("b", { children: d.tool })
    ] }),
    ":",
    " ",
    d.state === "pending" ? /* @__PURE__ */ jsx2("a", { href: "inbox", children: "waits for an answer" }) : /* @__PURE__ */ jsxs2("b", { children: [
      d.answer ?? d.state,
      by
    ] }),
    d.comment && /* @__PURE__ */ jsx2("q", { children: d.comment }),
    " ",
    d.answered_at ? /* @__PURE__ */ jsx2(Time2, { at: d.answered_at }) : d.deadline && /* @__PURE__ */ jsxs2("span", { class: "dim", children: [
      "until ",
      /* @__PURE__ */ jsx2(Time2, { at: d.deadline, exact: true })
    ] })
  ] });
}
function RaisedView({ said, stepLink }) {
  const e = said.event;
  return /* @__PURE__ */ jsxs2("p", { class: "talk-decision", children: [
    /* @__PURE__ */ jsx2("span", { "aria-hidden": "true", children: "◇" }),
    " event ",
    /* @__PURE__ */ jsx2("b", { children: e.name }),
    ": ",
    /* @__PURE__ */ jsx2("b", { children: raisedText(e) }),
    e.by ? ` by ${e.by}` : "",
    " ",
    /* @__PURE__ */ jsx2(Time2, { at: said.at }),
    " ",
    /* @__PURE__ */ jsx2("a", { href: stepLink, children: "step" })
  ] });
}
function Avatar({ name, voice }) {
  return /* @__PURE__ */ jsx2("span", { class: `avatar voice-${voice}`, "aria-hidden": "true", children: initials(name) });
}
function Meta({ said, run, stepLink }) {
  return /* @__PURE__ */ jsxs2("span", { class: "talk-meta dim", children: [
    said.tokens && /* @__PURE__ */ jsxs2("span", { title: `${said.tokens.in} in, ${said.tokens.out} out`, children: [
      count(said.tokens.total),
      " tok"
    ] }),
    !!said.cost_usd && /* @__PURE__ */ jsx2("span", { children: cost(said.cost_usd * 1e6) }),
    !!said.duration_ms && /* @__PURE__ */ jsx2("span", { children: duration(said.duration_ms) }),
    /* @__PURE__ */ jsx2(Time2, { at: said.at, exact: true }),
    said.event_id !== void 0 && /* @__PURE__ */ jsx2(StepLink, { said, run, stepLink })
  ] });
}
function StepLink({ said, run, stepLink }) {
  if (said.event_id === void 0) return null;
  const to = said.run === run ? stepLink(said.event_id) : links.run(said.run) + `?step=e${said.event_id}`;
  return /* @__PURE__ */ jsx2("a", { href: to, children: "step" });
}

// src/pages/run/fork.tsx
import { useEffect as useEffect5, useState as useState5 } from "./core.js";
import { get as get3, path as path3, post, query as query3 } from "./core.js";
import { jsonError } from "./core.js";
import { go, links as links2 } from "./core.js";
import { ActionForm } from "./actions.js";
import { choices, Plan } from "./rewind.js";

// src/pages/run/timeline.tsx
import { useEffect as useEffect4, useLayoutEffect, useMemo as useMemo2, useRef as useRef2, useState as useState4 } from "./core.js";
import { cost as cost2, count as count2, duration as duration2 } from "./core.js";
import { param, setParams } from "./core.js";

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
  const most3 = Math.max(1, Math.floor(width / 3 / foldedWidth));
  return inside.filter((g) => g.to - g.from >= foldEach * span).sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, most3).sort((a, b) => a.from - b.from);
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
function barOf(step, now, end) {
  const until = end ?? now;
  if (waits(step)) return waitingBar(step, now, until);
  const bar = { parts: [], ticks: [] };
  for (const attempt of step.attempts ?? []) {
    addAttempt(bar, attempt, "failed", until, now);
    const ended2 = ms(attempt.completed_at);
    if (ended2 !== void 0) bar.ticks.push(ended2);
  }
  const kind = step.status === "failed" || step.status === "retrying" ? "failed" : step.status === "canceled" ? "canceled" : "running";
  addAttempt(bar, step, kind, until, now);
  if (step.status === "retrying") {
    const ended2 = ms(step.completed_at);
    if (ended2 !== void 0) bar.ticks.push(ended2);
  }
  return bar;
}
function addAttempt(bar, a, kind, until, now) {
  const scheduled = ms(a.scheduled_at);
  if (scheduled === void 0) return;
  const ended2 = ms(a.completed_at);
  const started = ms(a.started_at) ?? (ended2 === void 0 ? void 0 : scheduled);
  if (started !== void 0 && started > scheduled) bar.parts.push({ kind: "queued", from: scheduled, to: started, open: false });
  if (ended2 === void 0) {
    const queued = "state" in a && a.state === "queued";
    bar.parts.push({ kind: kind === "canceled" ? kind : queued ? "queued" : "open", from: started ?? scheduled, to: Math.max(until, scheduled), open: kind !== "canceled" });
    return;
  }
  bar.parts.push({ kind, from: started ?? scheduled, to: ended2, open: false });
  const backoff = ms(a.backoff_until);
  if (backoff !== void 0 && backoff > ended2) bar.parts.push({ kind: "backoff", from: ended2, to: backoff, open: backoff > now });
}
function waitingBar(step, now, until) {
  const from = ms(step.scheduled_at) ?? now;
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
function timesOf(step, now, end) {
  const times = { queued: 0, ran: 0, paused: 0, whole: 0 };
  const parts = barOf(step, now, end).parts;
  for (const p of parts) {
    const took2 = p.to - p.from;
    if (p.kind === "queued") times.queued += took2;
    else if (p.kind === "backoff") times.paused += took2;
    else times.ran += took2;
  }
  if (parts.length > 0) times.whole = parts[parts.length - 1].to - parts[0].from;
  return times;
}

// src/pages/run/critical.ts
function criticalPath(steps, until) {
  const spans = steps.map((step, place) => ({ step, place, from: ms(step.attempts?.[0]?.scheduled_at) ?? ms(step.scheduled_at), to: isOpen(step) ? until : ms(step.completed_at) })).filter((s) => s.from !== void 0 && s.to !== void 0 && s.step.status !== "canceled").sort((a, b) => a.to - b.to || a.place - b.place);
  const path11 = { steps: /* @__PURE__ */ new Set(), took: 0 };
  for (let at = spans.length - 1; at >= 0; ) {
    const { step, place, from, to } = spans[at];
    path11.steps.add(step);
    path11.took += to - from;
    at = lastBefore(spans, from, at);
    while (at >= 0 && spans[at].place >= place) at--;
  }
  return path11;
}
function lastBefore(spans, time, n) {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = low + high >> 1;
    if (spans[middle].to <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// src/pages/run/icons.tsx
import { jsx as jsx3, jsxs as jsxs3 } from "./core.js";
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
function StepIcon({ kind, status, bare = false }) {
  return /* @__PURE__ */ jsxs3("svg", { class: `step-icon is-${status}`, viewBox: "0 0 16 16", width: "16", height: "16", "aria-hidden": "true", children: [
    !bare && /* @__PURE__ */ jsx3("title", { children: `${kind}, ${status}` }),
    /* @__PURE__ */ jsx3("path", { d: forms[kind] ?? forms["activity"] })
  ] });
}

// src/pages/run/model.ts
import { useEffect as useEffect3, useRef, useState as useState3 } from "./core.js";
import { get as get2, path as path2, query as query2 } from "./core.js";
import { useTopic as useTopic2 } from "./core.js";
function useRun(id) {
  const [state, setState] = useState3({ id, gone: false });
  const [asked, setAsked] = useState3(0);
  useEffect3(() => {
    const abort = new AbortController();
    get2(path2`runs/${id}`, abort.signal).then(
      (run) => setState((old) => ({ id, run: old.id === id ? newer(old.run, run) : run, gone: false })),
      (error) => abort.signal.aborted || setState((old) => ({ id, run: old.id === id ? old.run : void 0, error, gone: false }))
    );
    return () => abort.abort();
  }, [id, asked]);
  useTopic2("run:" + id, void 0, (events) => {
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
function newer(old, read2) {
  return old && old.incarnation === read2.incarnation && old.row_version > read2.row_version ? { ...read2, ...old } : read2;
}
function payloads(old, row) {
  return old.execution === row.execution ? { input: old.input, output: old.output, failure: old.failure } : {};
}
function withWork(items, work) {
  const of = new Map((work ?? []).filter((w) => w.event_id !== void 0).map((w) => [w.event_id, w]));
  if (of.size === 0) return items;
  return items.map((s) => {
    const w = isOpen(s) ? of.get(s.event_id) : void 0;
    return w ? { ...s, state: w.state, ...w.since ? { started_at: w.since } : {}, ...w.worker ? { worker: w.worker } : {} } : s;
  });
}
var firstPage = 1e3;
var nextPage = 1e4;
var pause = 300;
var nothing = { items: [], ahead: 0, complete: false };
function useSteps(id, execution, version) {
  const [steps, setSteps] = useState3(nothing);
  const reader = useRef(void 0);
  useEffect3(() => {
    const r = new Reader(id, execution, setSteps);
    reader.current = r;
    r.want(0);
    return () => r.stop.abort();
  }, [id, execution]);
  useEffect3(() => reader.current?.want(version), [id, execution, version]);
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
      const page = await get2(path2`runs/${this.id}/steps` + query2({ after: items.length, limit, execution: this.execution }), this.stop.signal);
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
var stride = 4;
function stepped(scrollTop, row) {
  return Math.floor(scrollTop / (row * stride)) * row * stride;
}
function visible(scrollTop, height, row, total2, over = 8) {
  const first = Math.max(0, Math.min(total2, Math.floor(scrollTop / row)) - over);
  return { first, last: Math.min(total2, Math.max(first, Math.ceil((scrollTop + height) / row) + over)) };
}
function slot(index, height, row, over = 8) {
  return index % (Math.ceil(height / row) + 2 * over + 2);
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
import { jsx as jsx4, jsxs as jsxs4 } from "./core.js";
var rowHeight = 28;
var axisHeight = 30;
function Timeline(p) {
  const box = useRef2(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState4(0);
  const filter = param("steps");
  const labels = size.width < 700 ? Math.round(size.width * 0.42) : 300;
  const lane = Math.max(120, size.width - labels - 16);
  const page = p.steps.page;
  const began = ms(page?.began) ?? p.now;
  const end = p.moving ? Math.max(p.now, began + 1) : Math.max(ms(page?.newest) ?? began, began + 1);
  const range2 = p.range && { begin: began + p.range.from, end: Math.min(began + p.range.to, end) };
  const rows = useMemo2(() => select(p.steps.items, filter, range2, p.now), [p.steps.items, filter, p.range?.from, p.range?.to, began]);
  const axis = useMemo2(
    () => new Axis(range2?.begin ?? began, range2?.end ?? end, lane, idle(p.steps, end, p.moving)),
    [began, end, lane, p.steps.page, p.range?.from, p.range?.to]
  );
  const inside = Math.max(0, size.height - axisHeight);
  const window = visible(scroll, inside, rowHeight, rows.length);
  const critical = useMemo2(() => param("critical") ? criticalPath(p.steps.items, end) : void 0, [param("critical"), p.steps.items, p.moving ? 0 : end]);
  const at = useMemo2(() => p.selected ? rows.findIndex((r) => keyOf(r) === p.selected) : -1, [rows, p.selected]);
  useEffect4(() => {
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
  return /* @__PURE__ */ jsxs4("div", { class: "tl-frame", children: [
    /* @__PURE__ */ jsxs4("div", { class: "tl-bar", children: [
      /* @__PURE__ */ jsx4("input", { type: "search", class: "input", placeholder: "Filter steps", "aria-label": "Filter steps by name, kind or status", value: filter, onInput: (e) => setParams({ steps: e.currentTarget.value }) }),
      /* @__PURE__ */ jsx4("span", { class: "dim tl-count", children: stepCount(rows.length, page?.total ?? 0, p.steps.complete) }),
      /* @__PURE__ */ jsx4(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-pressed": critical !== void 0,
          title: "The steps that decided how long the run took: each could begin when the one before had ended",
          onClick: () => setParams({ critical: critical ? void 0 : "1" }),
          children: "Critical path"
        }
      ),
      critical && /* @__PURE__ */ jsxs4("span", { class: "dim tl-count", children: [
        critical.steps.size.toLocaleString("en"),
        " of them, ",
        duration2(critical.took)
      ] }),
      p.range && /* @__PURE__ */ jsx4("button", { type: "button", class: "quiet", onClick: () => p.onRange(void 0), children: "Whole run" }),
      /* @__PURE__ */ jsx4(Legend, {})
    ] }),
    /* @__PURE__ */ jsxs4("div", { class: "tl", ref: box, role: "grid", "aria-label": "Steps of the run over time", "aria-rowcount": rows.length + 1, onScroll: (e) => setScroll(stepped(e.currentTarget.scrollTop, rowHeight)), onKeyDown: onKey, children: [
      /* @__PURE__ */ jsx4(Head, { axis, began, labels, lane, onRange: p.onRange }),
      /* @__PURE__ */ jsx4("div", { class: "tl-rows", role: "rowgroup", style: { height: `${rows.length * rowHeight}px` }, children: rows.slice(window.first, window.last).map((step, i) => {
        const key2 = keyOf(step);
        return /* @__PURE__ */ jsx4(
          Row2,
          {
            id: key2,
            step,
            index: window.first + i,
            axis,
            labels,
            now: p.now,
            end: p.moving ? void 0 : end,
            selected: key2 === p.selected,
            aside: critical !== void 0 && !critical.steps.has(step),
            tabbable: at < 0 ? window.first + i === 0 : key2 === p.selected,
            onSelect: p.onSelect,
            onOpenRun: p.onOpenRun
          },
          slot(window.first + i, inside, rowHeight)
        );
      }) }),
      rows.length === 0 && /* @__PURE__ */ jsx4("p", { class: "tl-none muted", children: p.steps.page ? filter || p.range ? "No step matches." : "No step has been scheduled yet." : "Loading…" }),
      /* @__PURE__ */ jsxs4("div", { class: "tl-over", "aria-hidden": "true", style: { left: `${labels}px`, width: `${lane}px`, height: `${rows.length * rowHeight}px` }, children: [
        axis.segments.filter((s) => s.folded).map((s) => /* @__PURE__ */ jsx4("div", { class: "tl-fold", style: { left: `${s.x0}px`, width: `${s.x1 - s.x0}px` } }, s.from)),
        p.moving && p.now <= axis.end && /* @__PURE__ */ jsx4("div", { class: "tl-now", style: { left: `${axis.x(p.now)}px` } })
      ] })
    ] })
  ] });
}
function select(items, filter, range2, now) {
  const words2 = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words2.length === 0 && !range2) return items;
  return items.filter((s) => {
    const text = `${s.name ?? ""} ${s.kind} ${s.status} ${s.agent ?? ""} ${s.target ?? ""} ${s.run ?? ""}`.toLowerCase();
    if (!words2.every((w) => text.includes(w))) return false;
    if (!range2) return true;
    const from = ms(s.attempts?.[0]?.scheduled_at) ?? ms(s.scheduled_at) ?? 0;
    return from <= range2.end && (ms(s.completed_at) ?? now) >= range2.begin;
  });
}
var shortest = 500;
function idle(steps, end, moving) {
  const gaps = (steps.page?.gaps ?? []).map((g) => ({ from: Date.parse(g.from), to: Date.parse(g.to) })).filter((g) => g.to - g.from >= shortest);
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
  return /* @__PURE__ */ jsxs4("ul", { class: "tl-legend", "aria-label": "What the patterns mean", children: [
    entries.map(([kind, text]) => /* @__PURE__ */ jsxs4("li", { children: [
      /* @__PURE__ */ jsx4("span", { class: `part part-${kind}` }),
      text
    ] }, kind)),
    /* @__PURE__ */ jsxs4("li", { children: [
      /* @__PURE__ */ jsx4("span", { class: "tl-diamond-key" }),
      "decision"
    ] })
  ] });
}
function Head({ axis, began, labels, lane, onRange }) {
  const [drag, setDrag] = useState4();
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
  return /* @__PURE__ */ jsxs4("div", { class: "tl-head", role: "row", "aria-rowindex": 1, children: [
    /* @__PURE__ */ jsx4("div", { class: "tl-label", role: "columnheader", style: { width: `${labels}px` }, children: "Step" }),
    /* @__PURE__ */ jsxs4(
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
          axis.ticks(began, 84).map((t) => /* @__PURE__ */ jsx4("span", { class: "tl-tick", style: { left: `${t.x}px` }, title: new Date(t.time).toLocaleString(), children: offset(t.time - began) }, t.time)),
          axis.segments.filter((s) => s.folded).map((s) => /* @__PURE__ */ jsx4("span", { class: "tl-folded", style: { left: `${s.x0}px`, width: `${s.x1 - s.x0}px` }, title: `${duration2(s.to - s.from)} in which nothing ran`, children: coarse(s.to - s.from) }, s.from)),
          drag && /* @__PURE__ */ jsx4("span", { class: "tl-brush", style: { left: `${Math.min(drag.from, drag.to)}px`, width: `${Math.abs(drag.to - drag.from)}px` } })
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
function Row2(p) {
  const s = p.step;
  const bar = barOf(s, p.now, p.end);
  const took2 = bar.parts.length > 0 ? bar.parts[bar.parts.length - 1].to - bar.parts[0].from : 0;
  const firstX = p.axis.x(bar.parts[0]?.from ?? bar.diamond ?? 0) - (bar.diamond === void 0 ? 0 : 6);
  const lastX = p.axis.x(bar.parts.at(-1)?.to ?? bar.diamond ?? 0);
  return /* @__PURE__ */ jsxs4(
    "div",
    {
      class: "tl-row" + (p.selected ? " selected" : "") + (p.aside ? " aside" : ""),
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
        /* @__PURE__ */ jsxs4("div", { class: "tl-label", role: "rowheader", style: { width: `${p.labels}px` }, children: [
          /* @__PURE__ */ jsx4(StepIcon, { kind: s.kind, status: s.status }),
          /* @__PURE__ */ jsx4("span", { class: "tl-name", children: title(s) }),
          s.attempt > 1 && /* @__PURE__ */ jsxs4("span", { class: "tl-attempt", title: `attempt ${s.attempt}${s.max_attempts ? ` of ${s.max_attempts}` : ""}`, children: [
            "×",
            s.attempt
          ] }),
          !!s.tokens?.total && /* @__PURE__ */ jsxs4("span", { class: "tl-tokens", title: `${s.tokens.in} in, ${s.tokens.out} out${s.cost_usd ? `, ${cost2(s.cost_usd * 1e6)}` : ""}`, children: [
            count2(s.tokens.total),
            " tok"
          ] }),
          s.run && /* @__PURE__ */ jsx4("button", { type: "button", class: "tl-child", tabIndex: -1, "aria-label": `Open run ${s.run}`, title: `Open ${s.run}`, onClick: (e) => {
            e.stopPropagation();
            p.onOpenRun(s.run);
          }, children: "↗" })
        ] }),
        /* @__PURE__ */ jsxs4("div", { class: "tl-lane", role: "gridcell", style: { width: `${p.axis.width}px` }, children: [
          bar.parts.map((part, i) => /* @__PURE__ */ jsx4(PartBar, { part, axis: p.axis, waits: waits(s) }, i)),
          bar.ticks.map((t, i) => /* @__PURE__ */ jsx4("span", { class: "tl-try", style: { left: `${p.axis.x(t)}px` } }, i)),
          bar.diamond !== void 0 && /* @__PURE__ */ jsx4("span", { class: `tl-diamond ${s.status}`, style: { left: `${p.axis.x(bar.diamond)}px` } }),
          /* @__PURE__ */ jsx4(After, { from: firstX, to: lastX, width: p.axis.width, children: after(s, took2) })
        ] })
      ]
    }
  );
}
function PartBar({ part, axis, waits: waits2 }) {
  const from = axis.x(part.from);
  const width = Math.max(axis.x(part.to) - from, part.kind === "queued" || part.kind === "backoff" ? 0 : 2);
  if (part.to < axis.begin || part.from > axis.end || width === 0) return null;
  return /* @__PURE__ */ jsx4("span", { class: `part part-${part.kind}${part.open ? " open" : ""}${waits2 ? " thin" : ""}`, style: { left: `${Math.min(from, axis.width - 2)}px`, width: `${width}px` } });
}
function After({ from, to, width, children }) {
  const room = 96;
  if (width - to > room) return /* @__PURE__ */ jsx4("span", { class: "tl-after", style: { left: `${to + 8}px` }, children });
  if (from > room) return /* @__PURE__ */ jsx4("span", { class: "tl-after", style: { right: `${Math.max(0, width - from) + 8}px` }, children });
  return /* @__PURE__ */ jsx4("span", { class: "tl-after inside", style: { right: `${Math.max(0, width - to) + 8}px` }, children });
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
  const [size, setSize] = useState4({ width: 1e3, height: 600 });
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

// src/pages/run/fork.tsx
import { Fragment as Fragment3, jsx as jsx5, jsxs as jsxs5 } from "./core.js";
function ForkDialog({ run, execution, to: first = 0, onClose }) {
  const [to, setTo] = useState5(first);
  const [steps, setSteps] = useState5([]);
  const [id, setID] = useState5("");
  const [input, setInput] = useState5();
  const [step, setStep] = useState5(0);
  const [change, setChange] = useState5("result");
  const [outcome, setOutcome] = useState5("");
  const [reason, setReason] = useState5("");
  const [dry, setDry] = useState5();
  useEffect5(() => {
    const abort = new AbortController();
    get3(path3`runs/${run.id}/steps` + query3({ execution, limit: 1e4 }), abort.signal).then((page) => setSteps(page.items), () => void 0);
    return () => abort.abort();
  }, [run.id, execution]);
  const bad = input !== void 0 && jsonError(input) || step > 0 && change === "result" && jsonError(outcome) || void 0;
  const where = { to, execution, ...step > 0 ? { step: { n: step } } : {} };
  const asked = JSON.stringify(where);
  useEffect5(() => {
    let current = true;
    post(path3`runs/${run.id}/fork` + "?dry_run=1", where).then(
      (plan) => current && setDry({ of: asked, plan }),
      (error) => current && setDry({ of: asked, error })
    );
    return () => {
      current = false;
    };
  }, [run.id, asked]);
  const shown = dry?.of === asked ? dry : void 0;
  const body = () => ({
    ...where,
    ...id ? { id } : {},
    ...reason ? { reason } : {},
    ...input !== void 0 ? { input: value(input) } : {},
    ...step > 0 ? { step: change === "failure" ? { n: step, failure: outcome || "it was made to fail" } : { n: step, result: value(outcome) } } : {}
  });
  const changeable = steps.filter((s) => s.n > 0 && (s.kind === "activity" || s.kind === "tool" || s.kind === "model" || s.kind === "child" || s.kind === "agent" || s.kind === "entity"));
  return /* @__PURE__ */ jsxs5(
    ActionForm,
    {
      title: "Fork the run",
      button: "Fork",
      invalid: !shown?.plan || bad !== void 0,
      onClose,
      send: (key2) => post(path3`runs/${run.id}/fork`, body(), key2).then((r) => {
        onClose();
        go(links2.run(r.id));
      }),
      children: [
        /* @__PURE__ */ jsxs5("label", { class: "field", children: [
          "The copy ends",
          /* @__PURE__ */ jsxs5("select", { value: to, onChange: (e) => setTo(Number(e.currentTarget.value)), children: [
            /* @__PURE__ */ jsx5("option", { value: 0, children: step > 0 ? "before the outcome of the step that is changed" : "before what has failed first, else at the end" }),
            choices(steps, to).map((c) => /* @__PURE__ */ jsx5("option", { value: c.n, children: c.label }, c.n))
          ] })
        ] }),
        /* @__PURE__ */ jsx5("p", { class: "dim", children: "A new run begins with what is before that, and does what comes after it by itself. This run stays as it is." }),
        /* @__PURE__ */ jsxs5("label", { class: "field", children: [
          "Another outcome",
          /* @__PURE__ */ jsxs5("select", { value: step, onChange: (e) => setStep(Number(e.currentTarget.value)), children: [
            /* @__PURE__ */ jsx5("option", { value: 0, children: "all steps have their own" }),
            changeable.map((s) => /* @__PURE__ */ jsxs5("option", { value: s.n, children: [
              title(s),
              " (event ",
              s.n,
              ")"
            ] }, s.n))
          ] })
        ] }),
        step > 0 && /* @__PURE__ */ jsxs5("fieldset", { class: "fork-outcome", children: [
          /* @__PURE__ */ jsx5("legend", { class: "hidden-text", children: "Outcome of the step" }),
          /* @__PURE__ */ jsxs5("label", { class: "row", children: [
            /* @__PURE__ */ jsx5("input", { type: "radio", name: "change", checked: change === "result", onChange: () => setChange("result") }),
            " Result"
          ] }),
          /* @__PURE__ */ jsxs5("label", { class: "row", children: [
            /* @__PURE__ */ jsx5("input", { type: "radio", name: "change", checked: change === "failure", onChange: () => setChange("failure") }),
            " Failure"
          ] }),
          /* @__PURE__ */ jsxs5("label", { class: "field", children: [
            change === "result" ? /* @__PURE__ */ jsxs5(Fragment3, { children: [
              "Result ",
              /* @__PURE__ */ jsx5("span", { class: "dim", children: "JSON; left empty it is null" })
            ] }) : "What has gone wrong",
            /* @__PURE__ */ jsx5("textarea", { rows: 3, class: change === "result" ? "mono" : "", spellcheck: false, value: outcome, onInput: (e) => setOutcome(e.currentTarget.value) })
          ] })
        ] }),
        /* @__PURE__ */ jsxs5("label", { class: "field row", children: [
          /* @__PURE__ */ jsx5("input", { type: "checkbox", checked: input !== void 0, onChange: (e) => setInput(e.currentTarget.checked ? run.input === void 0 ? "" : JSON.stringify(run.input, null, 2) : void 0) }),
          " Another input"
        ] }),
        input !== void 0 && /* @__PURE__ */ jsxs5("label", { class: "field", children: [
          "Input ",
          /* @__PURE__ */ jsx5("span", { class: "dim", children: "JSON" }),
          /* @__PURE__ */ jsx5("textarea", { rows: 5, class: "mono", spellcheck: false, value: input, onInput: (e) => setInput(e.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ jsx5("p", { class: "problem", children: bad }),
        /* @__PURE__ */ jsx5("div", { class: "rewind-plan", role: "status", children: !shown ? /* @__PURE__ */ jsx5("span", { class: "dim", children: "Looking…" }) : shown.error ? /* @__PURE__ */ jsxs5("p", { class: "bad", children: [
          shown.error.message,
          " ",
          shown.error.hint
        ] }) : /* @__PURE__ */ jsx5(Plan, { plan: shown.plan, asked: to || shown.plan.to, moved: `It is copied up to event ${shown.plan.to}, as something is open later that only this run can end.` }) }),
        /* @__PURE__ */ jsxs5("label", { class: "field", children: [
          "Id of the new run ",
          /* @__PURE__ */ jsx5("span", { class: "dim", children: "left empty it is a random one" }),
          /* @__PURE__ */ jsx5("input", { value: id, maxLength: 100, onInput: (e) => setID(e.currentTarget.value) })
        ] }),
        /* @__PURE__ */ jsxs5("label", { class: "field", children: [
          "Reason ",
          /* @__PURE__ */ jsx5("span", { class: "dim", children: "for the record" }),
          /* @__PURE__ */ jsx5("input", { value: reason, maxLength: 4e3, onInput: (e) => setReason(e.currentTarget.value) })
        ] })
      ]
    }
  );
}
function value(text) {
  return text.trim() === "" ? null : JSON.parse(text);
}

// src/pages/run/header.tsx
import { useState as useState10 } from "./core.js";
import { path as path8 } from "./core.js";
import { bytes as bytes5, cost as cost4, count as count4 } from "./core.js";
import { useInfo } from "./core.js";
import { isActive, overlays } from "./core.js";
import { links as pages2, param as param4, setParams as setParams5 } from "./core.js";
import { isStuck as isStuck2, nameOf as nameOf2 } from "./core.js";
import { Command } from "./core.js";
import { Copy as Copy2 } from "./core.js";
import { JsonView as JsonView5 } from "./core.js";
import { RunState } from "./core.js";
import { Share } from "./core.js";
import { Time as Time6 } from "./core.js";
import { Actions } from "./actions.js";

// src/pages/run/executions.tsx
import { useEffect as useEffect6 } from "./core.js";
import { path as path4, query as query4, useQuery as useQuery3 } from "./core.js";
import { links as links3 } from "./core.js";
import { Time as Time3 } from "./core.js";
import { jsx as jsx6, jsxs as jsxs6 } from "./core.js";
function Executions({ run, current, shown }) {
  const { data, refetch } = useQuery3(path4`runs/${run}/executions` + query4({ limit: 100 }));
  useEffect6(() => {
    const timer = setTimeout(refetch, 300);
    return () => clearTimeout(timer);
  }, [current]);
  if (!data || data.items.length === 0) return null;
  const n = data.items.length;
  return /* @__PURE__ */ jsxs6("details", { class: "executions", children: [
    /* @__PURE__ */ jsxs6("summary", { children: [
      n,
      data.next ? "+" : "",
      " older execution",
      n === 1 ? "" : "s"
    ] }),
    /* @__PURE__ */ jsx6("ul", { class: "plain", children: data.items.map((e) => /* @__PURE__ */ jsxs6("li", { children: [
      /* @__PURE__ */ jsx6("a", { href: links3.run(run) + `?execution=${e.execution}`, "aria-current": e.execution === shown ? "page" : void 0, children: e.execution.slice(0, 8) }),
      /* @__PURE__ */ jsx6("span", { children: e.left_by === "rewind" ? "until it was rewound" : "until it continued as new" }),
      /* @__PURE__ */ jsx6(Time3, { at: e.left }),
      /* @__PURE__ */ jsxs6("span", { class: "dim num", children: [
        e.events.toLocaleString("en"),
        " events"
      ] })
    ] }, e.execution)) })
  ] });
}

// src/pages/run/inspector.tsx
import { bytes as bytes4, cost as cost3, count as count3, duration as duration4 } from "./core.js";
import { links as links4, setParams as setParams4 } from "./core.js";
import { Copy } from "./core.js";
import { Time as Time5 } from "./core.js";

// src/pages/run/logs.tsx
import { useEffect as useEffect10, useLayoutEffect as useLayoutEffect2, useMemo as useMemo4, useRef as useRef4, useState as useState9 } from "./core.js";
import { absolute, utc } from "./core.js";
import { param as param3, setParams as setParams3 } from "./core.js";
import { Empty as Empty3 } from "./core.js";
import { JsonView as JsonView4 } from "./core.js";

// src/pages/run/history.tsx
import { useEffect as useEffect8, useMemo as useMemo3, useRef as useRef3, useState as useState7 } from "./core.js";
import { get as get4, path as path6, query as query6 } from "./core.js";
import { bytes as bytes3, duration as duration3 } from "./core.js";
import { param as param2, setParams as setParams2 } from "./core.js";
import { JsonView as JsonView3 } from "./core.js";
import { Time as Time4 } from "./core.js";

// src/pages/run/payload.tsx
import { useEffect as useEffect7, useState as useState6 } from "./core.js";
import { path as path5, query as query5 } from "./core.js";
import { bytes as bytes2 } from "./core.js";
import { JsonView as JsonView2 } from "./core.js";
import { Fragment as Fragment4, jsx as jsx7, jsxs as jsxs7 } from "./core.js";
var cap = 256 * 1024;
async function read(where, signal) {
  const answer = await fetch("api/v1/" + where, { headers: { "X-Perdure": "1", Range: `bytes=0-${cap - 1}` }, credentials: "same-origin", signal });
  if (!answer.ok) throw new Error(answer.status === 404 ? "There is no payload." : `The server answered ${answer.status}.`);
  const text = await answer.text();
  const size = Number(/\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "")?.[1] ?? new TextEncoder().encode(text).length);
  return { text, size, cut: size > cap };
}
function Payload(p) {
  const [open, setOpen] = useState6(p.open ?? false);
  return /* @__PURE__ */ jsxs7("details", { class: "payload", open, onToggle: (e) => setOpen(e.currentTarget.open), children: [
    /* @__PURE__ */ jsxs7("summary", { children: [
      p.title,
      " ",
      /* @__PURE__ */ jsx7("span", { class: "dim", children: bytes2(p.size) })
    ] }),
    open && /* @__PURE__ */ jsx7(Content, { ...p })
  ] });
}
function Content(p) {
  const [state, setState] = useState6({});
  const where = path5`runs/${p.run}/events/${String(p.n)}/payload` + query5({ execution: p.execution });
  useEffect7(() => {
    const abort = new AbortController();
    setState({});
    read(where, abort.signal).then(
      (read2) => setState({ read: read2 }),
      (e) => abort.signal.aborted || setState({ error: e.message })
    );
    return () => abort.abort();
  }, [where, p.size]);
  if (state.error) return /* @__PURE__ */ jsx7("p", { class: "error", children: state.error });
  if (!state.read) return /* @__PURE__ */ jsx7("p", { class: "dim", children: "Loading…" });
  const { text, size, cut } = state.read;
  if (cut) {
    return /* @__PURE__ */ jsxs7(Fragment4, { children: [
      /* @__PURE__ */ jsx7("pre", { class: "code", children: text }),
      /* @__PURE__ */ jsxs7("p", { class: "dim", children: [
        "The first ",
        bytes2(cap),
        " of ",
        bytes2(size),
        ". ",
        /* @__PURE__ */ jsx7("a", { href: "api/v1/" + where, download: `${p.run}-${p.n}.json`, children: "Download all" })
      ] })
    ] });
  }
  return /* @__PURE__ */ jsx7(JsonView2, { value: parse(text) });
}
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// src/pages/run/history.tsx
import { Fragment as Fragment5, jsx as jsx8, jsxs as jsxs8 } from "./core.js";
var rowHeight2 = 28;
var headHeight = 28;
var pageSize2 = 500;
function History(p) {
  const filter = param2("events");
  const [applied, setApplied] = useState7(filter.trim());
  const box = useRef3(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState7(0);
  const inside = Math.max(0, size.height - headHeight);
  const window = visible(scroll, inside, rowHeight2, Number.MAX_SAFE_INTEGER);
  const events = useEvents(p, applied, window);
  const last = Math.min(window.last, events.matched);
  const at = useMemo3(() => applied ? events.find(p.selected) : p.selected - 1, [p.selected, applied, events]);
  useEffect8(() => {
    if (filter.trim() === applied) return void 0;
    const timer = setTimeout(() => {
      setApplied(filter.trim());
      box.current?.scrollTo({ top: 0 });
    }, 120);
    return () => clearTimeout(timer);
  }, [filter]);
  useEffect8(() => {
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
  return /* @__PURE__ */ jsxs8("div", { class: "split", children: [
    /* @__PURE__ */ jsxs8("div", { class: "hist-frame", children: [
      /* @__PURE__ */ jsxs8("div", { class: "tl-bar", children: [
        /* @__PURE__ */ jsx8("input", { type: "search", class: "input", placeholder: "Filter: type, name, id", "aria-label": "Filter events by type, name or instance", value: filter, onInput: (e) => setParams2({ events: e.currentTarget.value }) }),
        /* @__PURE__ */ jsx8(Jump, { total: events.total, onJump: p.onSelect }),
        /* @__PURE__ */ jsxs8("span", { class: "dim", children: [
          applied ? `${events.matched.toLocaleString("en")} of ` : "",
          events.total.toLocaleString("en"),
          " events"
        ] }),
        /* @__PURE__ */ jsx8(Download, { run: p.run, execution: p.execution })
      ] }),
      events.error && /* @__PURE__ */ jsx8("p", { class: "error", children: events.error }),
      /* @__PURE__ */ jsxs8("div", { class: "hist", ref: box, role: "grid", "aria-label": "Events of the history", "aria-rowcount": events.matched + 1, "aria-colcount": 6, onScroll: (e) => setScroll(stepped(e.currentTarget.scrollTop, rowHeight2)), onKeyDown: onKey, children: [
        /* @__PURE__ */ jsx8("div", { class: "hist-row hist-head", role: "row", "aria-rowindex": 1, children: ["#", "Type", "Step", "Time", "Delta", "Size"].map((h) => /* @__PURE__ */ jsx8("span", { role: "columnheader", children: h }, h)) }),
        /* @__PURE__ */ jsx8("div", { class: "tl-rows", role: "rowgroup", style: { height: `${events.matched * rowHeight2}px` }, children: Array.from({ length: Math.max(0, last - window.first) }, (_, i) => {
          const index = window.first + i;
          const event = events.at(index);
          return /* @__PURE__ */ jsx8(EventRow, { index, event, before: events.at(index - 1), selected: !!event && event.n === p.selected, tabbable: at < 0 ? index === 0 : index === at, onSelect: p.onSelect }, slot(index, inside, rowHeight2));
        }) })
      ] })
    ] }),
    shown && p.selected > 0 && /* @__PURE__ */ jsx8(EventDetail, { event: shown, run: p.run, execution: p.execution, began: p.began, ...p.onRewind ? { onRewind: p.onRewind } : {}, ...p.onFork ? { onFork: p.onFork } : {}, onClose: () => p.onSelect(0) })
  ] });
}
function useEvents(p, filter, window) {
  const [, redraw] = useState7(0);
  const key2 = `${p.run}
${p.execution}
${filter}`;
  const held = useRef3({ key: "", version: 0, pages: /* @__PURE__ */ new Map(), total: 0, matched: 0, error: "" });
  if (held.current.key !== key2) held.current = { key: key2, version: p.version, pages: /* @__PURE__ */ new Map(), total: 0, matched: 0, error: "" };
  const known = held.current;
  if (known.version !== p.version) {
    known.version = p.version;
    for (const [n, list] of known.pages) if (list.length < pageSize2) known.pages.delete(n);
  }
  const wanted = known.matched === 0 ? [0] : pages({ first: window.first, last: Math.min(window.last, known.matched) }, pageSize2);
  if (known.pages.size > 0 && known.matched > 0) {
    const lastPage = Math.floor((known.matched - 1) / pageSize2);
    if (!wanted.includes(lastPage) && !known.pages.has(lastPage)) wanted.push(lastPage);
  }
  const missing = wanted.find((n) => !known.pages.has(n));
  const order = `${key2}
${p.version}
${missing}`;
  useEffect8(() => {
    if (missing === void 0) return;
    const abort = new AbortController();
    get4(path6`runs/${p.run}/history` + query6({ execution: p.execution, filter, after: missing * pageSize2, limit: pageSize2 }), abort.signal).then(
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
    at: (index) => known.pages.get(Math.floor(index / pageSize2))?.[index % pageSize2],
    find: (n) => {
      for (const [page, list] of known.pages) {
        const i = list.findIndex((e) => e.n === n);
        if (i >= 0) return page * pageSize2 + i;
      }
      return -1;
    }
  };
}
function EventRow(p) {
  const e = p.event;
  const time = e && Date.parse(e.time);
  const delta = e && p.before ? time - Date.parse(p.before.time) : void 0;
  return /* @__PURE__ */ jsxs8(
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
        /* @__PURE__ */ jsx8("span", { role: "gridcell", class: "num", children: e?.n ?? p.index + 1 }),
        /* @__PURE__ */ jsx8("span", { role: "gridcell", class: "hist-type", children: e?.type ?? "" }),
        /* @__PURE__ */ jsx8("span", { role: "gridcell", class: "hist-step", children: e && stepText(e) }),
        /* @__PURE__ */ jsx8("span", { role: "gridcell", children: time !== void 0 && /* @__PURE__ */ jsx8(Time4, { at: e.time, exact: true }) }),
        /* @__PURE__ */ jsx8("span", { role: "gridcell", class: "num", children: delta !== void 0 && delta > 0 ? "+" + duration3(delta) : "" }),
        /* @__PURE__ */ jsx8("span", { role: "gridcell", class: "num", children: e?.data_bytes ? bytes3(e.data_bytes) : "" })
      ]
    }
  );
}
function stepText(e) {
  const parts = [e.name ?? "", e.step !== void 0 ? `step ${e.step}` : "", e.instance ?? "", e.failure ? e.failure.message.split("\n")[0] : "", e.reason ?? "", e.status ?? ""];
  return parts.filter(Boolean).join(" · ");
}
function EventDetail({ event, run, execution, began, onClose, onRewind, onFork }) {
  const { data, data_bytes, ...rest } = event;
  return /* @__PURE__ */ jsxs8("aside", { class: "inspector", "aria-label": `Event ${event.n}`, children: [
    /* @__PURE__ */ jsxs8("header", { class: "inspector-head", children: [
      /* @__PURE__ */ jsxs8("h2", { children: [
        event.n,
        " · ",
        event.type
      ] }),
      /* @__PURE__ */ jsx8("button", { type: "button", class: "quiet", "aria-label": "Close the event", onClick: onClose, children: "✕" })
    ] }),
    /* @__PURE__ */ jsxs8("p", { class: "dim", children: [
      /* @__PURE__ */ jsx8(Time4, { at: event.time, exact: true }),
      " · ",
      duration3(Math.max(0, Date.parse(event.time) - began)),
      " after the beginning"
    ] }),
    onRewind && /* @__PURE__ */ jsx8("button", { type: "button", class: "rewind-here", onClick: () => onRewind(event.n), children: "Rewind to before this event…" }),
    onFork && /* @__PURE__ */ jsx8("button", { type: "button", class: "rewind-here", onClick: () => onFork(event.n), children: "Fork from before this event…" }),
    /* @__PURE__ */ jsx8(JsonView3, { value: rest }),
    data !== void 0 ? /* @__PURE__ */ jsxs8(Fragment5, { children: [
      /* @__PURE__ */ jsxs8("h3", { children: [
        "Payload ",
        /* @__PURE__ */ jsx8("span", { class: "dim", children: bytes3(data_bytes ?? 0) })
      ] }),
      /* @__PURE__ */ jsx8(JsonView3, { value: data })
    ] }) : data_bytes ? /* @__PURE__ */ jsx8(Payload, { title: "Payload", run, execution, n: event.n, size: data_bytes }, event.n) : null
  ] });
}
function Jump({ total: total2, onJump }) {
  const [text, setText] = useState7("");
  const submit = (e) => {
    e.preventDefault();
    const n = Number(text);
    if (Number.isInteger(n) && n >= 1) onJump(Math.min(n, total2));
  };
  return /* @__PURE__ */ jsx8("form", { class: "jump", onSubmit: submit, children: /* @__PURE__ */ jsx8("input", { class: "input", inputMode: "numeric", size: 7, placeholder: "Jump to #", "aria-label": "Jump to event number", value: text, onInput: (e) => setText(e.currentTarget.value) }) });
}
function Download({ run, execution }) {
  const [busy, setBusy] = useState7("");
  const download = async () => {
    try {
      const all = [];
      let after2 = 0;
      while (after2 !== void 0) {
        const page = await get4(path6`runs/${run}/history` + query6({ execution, after: after2, limit: 1e4 }));
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
  return /* @__PURE__ */ jsx8("button", { type: "button", class: "quiet", onClick: () => void download(), children: busy || "Download JSON" });
}
function save(name, text, type = "application/json") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1e3);
}

// src/pages/run/lines.ts
import { useCallback, useEffect as useEffect9, useState as useState8 } from "./core.js";
import { get as get5, path as path7, query as query7 } from "./core.js";
import { useTopic as useTopic3 } from "./core.js";
var most = 2e4;
var pageSize3 = 1e3;
var levels = ["debug", "info", "warn", "error"];
function rank(level) {
  return levels.indexOf(level.toLowerCase().replace(/[+-].*/, ""));
}
function lineKey(l) {
  return `${l.execution} ${l.step} ${l.attempt ?? 0} ${l.number} ${l.time}`;
}
function merge(old, more) {
  const known = new Set(old.map(lineKey));
  const fresh = more.filter((l) => !known.has(lineKey(l)));
  if (fresh.length === 0) return old;
  const at = (l) => l.time.replace("Z", "");
  const all = old.concat(fresh).sort((a, b) => at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : a.number - b.number);
  return all.slice(Math.max(0, all.length - most));
}
function idsOf(step) {
  return [step.event_id, ...(step.attempts ?? []).map((a) => a.event_id)];
}
function useLines(run, steps, level, live) {
  const ids = steps?.join(",") ?? "";
  const [state, setState] = useState8({ key: "", lines: [], loading: true });
  const [asked, setAsked] = useState8(0);
  const key2 = `${run}
${ids}
${level}`;
  const where = useCallback(
    (cursor) => {
      const text = path7`runs/${run}/logs` + query7({ level, limit: pageSize3, cursor });
      return text + (steps ?? []).map((n) => `&step=${n}`).join("");
    },
    [key2]
  );
  useEffect9(() => {
    const abort = new AbortController();
    setState((s) => ({ ...s.key === key2 ? s : { key: key2, lines: [] }, loading: true }));
    get5(where(), abort.signal).then(
      (page) => setState((s) => ({ key: key2, lines: merge(s.key === key2 ? s.lines : [], page.items), next: page.next, loading: false })),
      (e) => abort.signal.aborted || setState((s) => ({ ...s, loading: false, error: e.message }))
    );
    return () => abort.abort();
  }, [key2, asked]);
  useTopic3(live ? "logs:" + run : void 0, void 0, (events) => {
    let fresh = [];
    const known = new Set(state.lines.map(lineKey));
    for (const e of events) {
      if (e.kind === "reset") {
        setAsked((n) => n + 1);
      } else {
        const frame = e.data;
        const oldest = frame.lines[0];
        if (frame.whole && oldest && !state.loading && !known.has(lineKey(oldest))) setAsked((n) => n + 1);
        fresh = fresh.concat(frame.lines.filter((l) => rank(l.level) >= rank(level) && (!steps || steps.includes(l.step))));
      }
    }
    if (fresh.length > 0) setState((s) => s.key === key2 ? { ...s, lines: merge(s.lines, fresh) } : s);
  });
  const older = () => {
    if (!state.next || state.loading) return;
    setState((s) => ({ ...s, loading: true }));
    get5(where(state.next)).then(
      (page) => setState((s) => s.key === key2 ? { ...s, lines: merge(s.lines, page.items), next: page.next, loading: false } : s),
      (e) => setState((s) => ({ ...s, loading: false, error: e.message }))
    );
  };
  const shown = state.key === key2;
  return { lines: shown ? state.lines : [], loading: state.loading || !shown, more: shown && !!state.next && state.lines.length < most, older, ...state.error ? { error: state.error } : {} };
}

// src/pages/run/logs.tsx
import { jsx as jsx9, jsxs as jsxs9 } from "./core.js";
var rowHeight3 = 26;
function LogsTab({ run, moving, steps, step, onStep }) {
  const level = levels.includes(param3("level")) ? param3("level") : "debug";
  const text = param3("lines");
  const [chosen, setChosen] = useState9("");
  const log = useLines(run, step && idsOf(step), level, true);
  const names = useMemo4(() => new Map(steps.flatMap((s) => s.n > 0 ? idsOf(s).map((id) => [id, s]) : [])), [steps]);
  const words2 = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = useMemo4(() => words2.length === 0 ? log.lines : log.lines.filter((l) => matches(l, words2, nameOf(l, names))), [log.lines, text, names]);
  const at = rows.findIndex((l) => lineKey(l) === chosen);
  const line = rows[at];
  const where = line && names.get(line.step);
  return /* @__PURE__ */ jsxs9("div", { class: "split", children: [
    /* @__PURE__ */ jsxs9("div", { class: "hist-frame", children: [
      /* @__PURE__ */ jsxs9("div", { class: "tl-bar", children: [
        /* @__PURE__ */ jsx9("input", { type: "search", class: "input", placeholder: "Filter lines", "aria-label": "Filter lines by text", value: text, onInput: (e) => setParams3({ lines: e.currentTarget.value }) }),
        /* @__PURE__ */ jsxs9("label", { class: "log-level", children: [
          "At least ",
          /* @__PURE__ */ jsx9("select", { "aria-label": "Least level", value: level, onChange: (e) => setParams3({ level: e.currentTarget.value === "debug" ? void 0 : e.currentTarget.value }), children: levels.map((l) => /* @__PURE__ */ jsx9("option", { children: l }, l)) })
        ] }),
        step && /* @__PURE__ */ jsxs9("button", { type: "button", class: "chip", title: "Show the lines of all steps", onClick: () => onStep(""), children: [
          "only ",
          title(step),
          " ✕"
        ] }),
        /* @__PURE__ */ jsx9("span", { class: "dim", role: "status", children: log.loading && rows.length === 0 ? "Loading…" : `${rows.length.toLocaleString("en")} line${rows.length === 1 ? "" : "s"}` }),
        log.more && /* @__PURE__ */ jsx9("button", { type: "button", class: "quiet", onClick: log.older, children: "Older lines" }),
        rows.length > 0 && /* @__PURE__ */ jsx9("button", { type: "button", class: "quiet", onClick: () => save(`${run}-log.json`, JSON.stringify(rows, null, 1)), children: "Download JSON" })
      ] }),
      log.error && /* @__PURE__ */ jsx9("p", { class: "error", children: log.error }),
      rows.length === 0 && !log.loading ? log.lines.length > 0 ? /* @__PURE__ */ jsx9("p", { class: "dim", children: "No line matches." }) : /* @__PURE__ */ jsxs9(Empty3, { title: step || level !== "debug" ? "No line matches" : "Nothing was logged", children: [
        /* @__PURE__ */ jsxs9("p", { children: [
          "What ",
          /* @__PURE__ */ jsx9("code", { children: "perdure.Logger(ctx)" }),
          " writes in activities and tools, and ",
          /* @__PURE__ */ jsx9("code", { children: "ctx.Logger()" }),
          " in orchestrations, stands here: the newest 256 lines of each step."
        ] }),
        moving && /* @__PURE__ */ jsx9("p", { children: "Lines appear as they come." })
      ] }) : /* @__PURE__ */ jsx9(Rows, { rows, at, names, onChoose: (l) => setChosen(l ? lineKey(l) : "") })
    ] }),
    line && /* @__PURE__ */ jsxs9("aside", { class: "inspector", "aria-label": "Line of the log", children: [
      /* @__PURE__ */ jsxs9("header", { class: "inspector-head", children: [
        /* @__PURE__ */ jsx9("h2", { children: nameOf(line, names) }),
        /* @__PURE__ */ jsx9("button", { type: "button", class: "quiet", "aria-label": "Close the line", onClick: () => setChosen(""), children: "✕" })
      ] }),
      /* @__PURE__ */ jsxs9("p", { class: "dim", children: [
        /* @__PURE__ */ jsx9(LevelName, { level: line.level }),
        " · ",
        absolute(Date.parse(line.time), utc.value),
        line.attempt ? ` · attempt ${line.attempt}` : "",
        line.worker ? ` · on ${line.worker}` : ""
      ] }),
      /* @__PURE__ */ jsx9("pre", { class: "code log-message", children: line.message }),
      line.attrs !== void 0 && /* @__PURE__ */ jsx9(JsonView4, { value: line.attrs, label: "attributes" }),
      where && /* @__PURE__ */ jsx9("p", { children: /* @__PURE__ */ jsx9("button", { type: "button", class: "quiet", onClick: () => setParams3({ tab: void 0, step: keyOf(where) }, false), children: "Show the step in the timeline" }) })
    ] })
  ] });
}
function Rows({ rows, at, names, onChoose }) {
  const box = useRef4(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState9(0);
  const follows = useRef4(true);
  const window = visible(scroll, size.height, rowHeight3, rows.length, 12);
  useLayoutEffect2(() => {
    if (box.current && follows.current) box.current.scrollTop = box.current.scrollHeight;
  }, [rows.length, size.height]);
  useEffect10(() => {
    if (box.current && at >= 0) box.current.scrollTop = reveal(box.current.scrollTop, size.height, rowHeight3, at);
  }, [at]);
  const onScroll = (e) => {
    const el = e.currentTarget;
    follows.current = el.scrollTop + el.clientHeight >= el.scrollHeight - rowHeight3;
    setScroll(stepped(el.scrollTop, rowHeight3));
  };
  const onKey = (e) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -rows.length, End: rows.length }[e.key];
    if (by === void 0 || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    onChoose(rows[Math.max(0, Math.min(rows.length - 1, (at < 0 ? window.last - 1 : at) + by))]);
    requestAnimationFrame(() => box.current?.querySelector("[aria-selected=true]")?.focus({ preventScroll: true }));
  };
  const tabbable = at >= 0 ? at : Math.min(rows.length - 1, Math.max(window.first, Math.ceil(scroll / rowHeight3)));
  return /* @__PURE__ */ jsx9("div", { class: "hist log", ref: box, role: "grid", "aria-label": "Log of the run", "aria-rowcount": rows.length, onScroll, onKeyDown: onKey, children: /* @__PURE__ */ jsx9("div", { class: "tl-rows", role: "rowgroup", style: { height: `${rows.length * rowHeight3}px` }, children: rows.slice(window.first, window.last).map((l, i) => {
    const index = window.first + i;
    return /* @__PURE__ */ jsxs9(
      "div",
      {
        class: `log-row is-${levels[rank(l.level)] ?? "info"}` + (index === at ? " selected" : ""),
        role: "row",
        "aria-rowindex": index + 1,
        "aria-selected": index === at,
        tabIndex: index === tabbable ? 0 : -1,
        style: { top: `${index * rowHeight3}px` },
        onClick: () => onChoose(index === at ? void 0 : l),
        onKeyDown: (e) => {
          if (e.key === "Enter") onChoose(l);
        },
        children: [
          /* @__PURE__ */ jsx9("span", { role: "gridcell", class: "log-time", title: absolute(Date.parse(l.time), utc.value), children: absolute(Date.parse(l.time), utc.value).slice(11, 23) }),
          /* @__PURE__ */ jsx9("span", { role: "gridcell", children: /* @__PURE__ */ jsx9(LevelName, { level: l.level }) }),
          /* @__PURE__ */ jsxs9("span", { role: "gridcell", class: "log-from", children: [
            nameOf(l, names),
            (l.attempt ?? 0) > 1 && /* @__PURE__ */ jsxs9("span", { class: "dim", children: [
              " ×",
              l.attempt
            ] })
          ] }),
          /* @__PURE__ */ jsxs9("span", { role: "gridcell", class: "log-text", children: [
            l.message,
            l.attrs !== void 0 && /* @__PURE__ */ jsxs9("span", { class: "dim log-attrs", children: [
              " ",
              brief2(l.attrs)
            ] })
          ] })
        ]
      },
      lineKey(l)
    );
  }) }) });
}
function LevelName({ level }) {
  return /* @__PURE__ */ jsx9("span", { class: `log-name is-${levels[rank(level)] ?? "info"}`, children: level });
}
function nameOf(l, names) {
  if (l.step === 0) return l.name;
  const step = names.get(l.step);
  return step ? title(step) : l.name;
}
function matches(l, words2, name) {
  const text = `${l.level} ${name} ${l.message} ${l.attrs === void 0 ? "" : JSON.stringify(l.attrs)}`.toLowerCase();
  return words2.every((w) => text.includes(w));
}
function brief2(attrs, under = "") {
  if (attrs === null || typeof attrs !== "object" || Array.isArray(attrs)) return under ? `${under}=${JSON.stringify(attrs)}` : JSON.stringify(attrs);
  return Object.entries(attrs).map(([k, v]) => brief2(v, under ? `${under}.${k}` : k)).join(" ");
}
function StepLog({ run, step, onAll }) {
  const few = 8;
  const log = useLines(run, idsOf(step), "debug", step.status === "open" || step.status === "retrying");
  if (log.lines.length === 0) return null;
  return /* @__PURE__ */ jsxs9("section", { class: "step-log", "aria-label": "Log of the step", children: [
    /* @__PURE__ */ jsxs9("h3", { children: [
      "Log ",
      /* @__PURE__ */ jsx9("button", { type: "button", class: "quiet", onClick: onAll, children: log.lines.length > few ? `All ${log.lines.length} lines` : "Open in the log" })
    ] }),
    /* @__PURE__ */ jsx9("ul", { class: "plain", children: log.lines.slice(-few).map((l) => /* @__PURE__ */ jsxs9("li", { class: `is-${levels[rank(l.level)] ?? "info"}`, children: [
      /* @__PURE__ */ jsx9("span", { class: "dim log-time", children: absolute(Date.parse(l.time), utc.value).slice(11, 23) }),
      " ",
      /* @__PURE__ */ jsx9(LevelName, { level: l.level }),
      " ",
      l.message,
      l.attrs !== void 0 && /* @__PURE__ */ jsxs9("span", { class: "dim", children: [
        " ",
        brief2(l.attrs)
      ] })
    ] }, lineKey(l))) })
  ] });
}

// src/pages/run/inspector.tsx
import { Fragment as Fragment6, jsx as jsx10, jsxs as jsxs10 } from "./core.js";
var logs = /* @__PURE__ */ new Set(["activity", "tool", "model", "context", "internal"]);
function Inspector({ run, execution, step, now, end, onClose, onRewind, onFork }) {
  const payload = (title2, n, size, open = false) => n && size ? /* @__PURE__ */ jsx10(Payload, { title: title2, run, execution, n, size, open }, `${title2} ${n}`) : null;
  return /* @__PURE__ */ jsxs10("aside", { class: "inspector", "aria-label": `Step ${title(step)}`, children: [
    /* @__PURE__ */ jsxs10("header", { class: "inspector-head", children: [
      /* @__PURE__ */ jsx10(StepIcon, { kind: step.kind, status: step.status }),
      /* @__PURE__ */ jsx10("h2", { children: title(step) }),
      /* @__PURE__ */ jsx10("button", { type: "button", class: "quiet", "aria-label": "Close the inspector", onClick: onClose, children: "✕" })
    ] }),
    step.failure && /* @__PURE__ */ jsx10(Failed, { failure: step.failure }),
    /* @__PURE__ */ jsxs10("dl", { class: "facts", children: [
      /* @__PURE__ */ jsx10(Fact, { name: "Status", children: statusText(step) }),
      /* @__PURE__ */ jsxs10(Fact, { name: "Kind", children: [
        step.kind,
        step.n > 0 && /* @__PURE__ */ jsxs10("span", { class: "dim", children: [
          " · event ",
          step.n,
          step.end_n && step.end_n !== step.n ? ` to ${step.end_n}` : ""
        ] })
      ] }),
      step.attempt > 1 && /* @__PURE__ */ jsxs10(Fact, { name: "Attempt", children: [
        step.attempt,
        step.max_attempts ? ` of ${step.max_attempts}` : ""
      ] }),
      step.model && /* @__PURE__ */ jsxs10(Fact, { name: "Model", children: [
        step.provider ? `${step.provider}/` : "",
        step.model
      ] }),
      step.tokens && /* @__PURE__ */ jsxs10(Fact, { name: "Tokens", children: [
        count3(step.tokens.total),
        " ",
        /* @__PURE__ */ jsxs10("span", { class: "dim", children: [
          "(",
          count3(step.tokens.in),
          " in",
          step.tokens.cached ? `, ${count3(step.tokens.cached)} cached` : "",
          ", ",
          count3(step.tokens.out),
          " out)"
        ] })
      ] }),
      !!step.cost_usd && /* @__PURE__ */ jsx10(Fact, { name: "Cost", children: cost3(step.cost_usd * 1e6) }),
      step.run && /* @__PURE__ */ jsx10(Fact, { name: "Run", children: /* @__PURE__ */ jsx10("a", { href: links4.run(step.run), children: step.run }) }),
      step.target && /* @__PURE__ */ jsx10(Fact, { name: "Target", children: targetLink(step.target) }),
      step.effect && /* @__PURE__ */ jsx10(Fact, { name: "Effect", children: step.effect }),
      step.effect_id && /* @__PURE__ */ jsxs10(Fact, { name: "Effect id", children: [
        /* @__PURE__ */ jsx10("code", { children: step.effect_id }),
        " ",
        /* @__PURE__ */ jsx10(Copy, { text: step.effect_id, what: "effect id" })
      ] }),
      step.sent_at && /* @__PURE__ */ jsxs10(Fact, { name: "Sent", children: [
        /* @__PURE__ */ jsx10(Time5, { at: step.sent_at, exact: true }),
        (step.sends ?? 1) > 1 && /* @__PURE__ */ jsxs10("span", { class: "dim", children: [
          " · ",
          step.sends,
          " times"
        ] }),
        step.outcome_open && /* @__PURE__ */ jsx10("span", { class: "bad", children: " · its outcome is not known" })
      ] }),
      step.decision && /* @__PURE__ */ jsx10(Fact, { name: "Decision", children: /* @__PURE__ */ jsx10("a", { href: "inbox", children: step.answer ? `${step.answer}${step.decided_by ? ` by ${step.decided_by}` : ""}` : "open, see the inbox" }) }),
      /* @__PURE__ */ jsx10(Times, { step, now, end }),
      step.worker && /* @__PURE__ */ jsx10(Fact, { name: "Worker", children: step.worker })
    ] }),
    onRewind && step.n > 0 && /* @__PURE__ */ jsx10("button", { type: "button", class: "rewind-here", onClick: () => onRewind(step.attempts?.[0]?.n ?? step.n), children: "Rewind to before this step…" }),
    onFork && step.n > 0 && /* @__PURE__ */ jsx10("button", { type: "button", class: "rewind-here", onClick: () => onFork(step.attempts?.[0]?.n ?? step.n), children: "Fork from before this step…" }),
    payload("Input", step.kind === "event" ? 0 : step.n, step.input_bytes),
    payload("Output", step.end_n, step.output_bytes, (step.output_bytes ?? 0) < 4096),
    (step.attempts?.length ?? 0) > 0 && /* @__PURE__ */ jsx10(Attempts, { step }),
    logs.has(step.kind) && /* @__PURE__ */ jsx10(StepLog, { run, step, onAll: () => setParams4({ tab: "logs", lines: void 0 }, false) })
  ] });
}
function Fact({ name, children }) {
  return /* @__PURE__ */ jsxs10("div", { class: "fact", children: [
    /* @__PURE__ */ jsx10("dt", { children: name }),
    /* @__PURE__ */ jsx10("dd", { children })
  ] });
}
function statusText(step) {
  if (step.state) return step.state === "queued" ? "queued: it waits for a worker" : "executing";
  if (step.status === "asked") return "waits for a decision";
  if (step.status === "canceled") return "canceled: the run does not wait for it any more";
  return step.status;
}
function targetLink(target) {
  const entity = /^@([^@]+)@(.*)$/s.exec(target);
  return /* @__PURE__ */ jsx10("a", { href: entity ? links4.entity(entity[1], entity[2]) : links4.run(target), children: target });
}
function Times({ step, now, end }) {
  const t = timesOf(step, now, end);
  const scheduled = step.attempts?.[0]?.scheduled_at ?? step.scheduled_at;
  return /* @__PURE__ */ jsxs10(Fragment6, { children: [
    scheduled && /* @__PURE__ */ jsx10(Fact, { name: "Scheduled", children: /* @__PURE__ */ jsx10(Time5, { at: scheduled, exact: true }) }),
    step.dequeued_at && /* @__PURE__ */ jsxs10(Fact, { name: "Taken", children: [
      /* @__PURE__ */ jsx10(Time5, { at: step.dequeued_at, exact: true }),
      " ",
      /* @__PURE__ */ jsx10("span", { class: "dim", children: "by a worker" })
    ] }),
    step.started_at && /* @__PURE__ */ jsx10(Fact, { name: "Began", children: /* @__PURE__ */ jsx10(Time5, { at: step.started_at, exact: true }) }),
    step.fire_at && /* @__PURE__ */ jsx10(Fact, { name: step.kind === "decision" ? "Deadline" : "Fires", children: /* @__PURE__ */ jsx10(Time5, { at: step.fire_at, exact: true }) }),
    step.completed_at && /* @__PURE__ */ jsx10(Fact, { name: "Ended", children: /* @__PURE__ */ jsx10(Time5, { at: step.completed_at, exact: true }) }),
    /* @__PURE__ */ jsxs10(Fact, { name: "Took", children: [
      duration4(t.whole),
      (t.queued > 0 || t.paused > 0) && /* @__PURE__ */ jsxs10("span", { class: "dim", children: [
        " · queued ",
        duration4(t.queued),
        ", ran ",
        duration4(t.ran),
        t.paused > 0 ? `, paused ${duration4(t.paused)}` : ""
      ] })
    ] })
  ] });
}
function Failed({ failure }) {
  return /* @__PURE__ */ jsxs10("section", { class: "failure", "aria-label": "Failure", children: [
    /* @__PURE__ */ jsxs10("p", { class: "failure-text", children: [
      /* @__PURE__ */ jsx10("strong", { children: failure.type }),
      " ",
      failure.message,
      failure.non_retriable && /* @__PURE__ */ jsx10("span", { class: "dim", children: " · is not tried again" })
    ] }),
    failure.stack && /* @__PURE__ */ jsxs10("details", { children: [
      /* @__PURE__ */ jsxs10("summary", { children: [
        "Stack ",
        /* @__PURE__ */ jsx10("span", { class: "dim", children: bytes4(failure.stack.length) })
      ] }),
      /* @__PURE__ */ jsx10("pre", { class: "code", children: failure.stack })
    ] }),
    failure.cause && !failure.message.includes(failure.cause.message) && /* @__PURE__ */ jsxs10("div", { class: "cause", children: [
      /* @__PURE__ */ jsx10("p", { class: "dim", children: "caused by" }),
      /* @__PURE__ */ jsx10(Failed, { failure: failure.cause })
    ] })
  ] });
}
function Attempts({ step }) {
  const all = [...step.attempts ?? [], step];
  return /* @__PURE__ */ jsxs10("details", { class: "attempts", open: all.length <= 5, children: [
    /* @__PURE__ */ jsxs10("summary", { children: [
      all.length,
      " attempts"
    ] }),
    /* @__PURE__ */ jsx10("ol", { children: all.map((a, i) => {
      const from = ms(a.started_at) ?? ms(a.scheduled_at);
      const to = ms(a.completed_at);
      const ended2 = to === void 0 || from === void 0 ? "" : duration4(to - from);
      return /* @__PURE__ */ jsxs10("li", { children: [
        /* @__PURE__ */ jsx10("span", { class: a.failure ? "bad" : "", children: a.failure ? "failed" : i === all.length - 1 ? step.status : "ended" }),
        ended2 && ` after ${ended2}`,
        a.worker && /* @__PURE__ */ jsxs10("span", { class: "dim", children: [
          " on ",
          a.worker
        ] }),
        a.backoff_until && to !== void 0 && /* @__PURE__ */ jsxs10("span", { class: "dim", children: [
          ", then paused ",
          duration4(ms(a.backoff_until) - to)
        ] }),
        a.failure && /* @__PURE__ */ jsx10("div", { class: "dim attempt-error", children: a.failure.message })
      ] }, a.n);
    }) })
  ] });
}

// src/pages/run/outside.ts
function valueOf(run, field) {
  if (field.startsWith("tag.")) return run.tags?.[field.slice(4)] ?? "";
  const values = {
    id: run.id,
    name: run.name,
    version: run.version,
    agent: run.agent,
    session: run.session,
    parent: run.parent_id,
    root: run.root_id,
    worker: run.worker_id,
    model: run.model,
    trace: run.trace_id,
    fingerprint: run.error_fingerprint
  };
  return values[field] ?? "";
}
function outside(run, patterns) {
  const found = [];
  for (const [field, pattern] of Object.entries(patterns ?? {}).sort(([a], [b]) => a < b ? -1 : 1)) {
    const value2 = valueOf(run, field);
    let whole = value2 !== "";
    const href = pattern.replace(/\{([^{}]*)\}/g, (_, name) => {
      const v = name === "value" ? value2 : valueOf(run, name);
      whole &&= v !== "";
      return encodeURIComponent(v);
    });
    if (whole && isWeb(href)) found.push({ field, value: value2, href });
  }
  return found;
}
function isWeb(href) {
  try {
    return ["http:", "https:"].includes(new URL(href).protocol);
  } catch {
    return false;
  }
}

// src/pages/run/sentence.ts
import { duration as duration5 } from "./core.js";
import { isStuck } from "./core.js";
function sentence(run, now, told, steps = []) {
  switch (run.status) {
    case "completed":
      return `completed${took(run)}`;
    case "failed":
      return `failed${took(run)}${run.error_text ? `: ${firstLine(run.error_text)}` : ""}`;
    case "terminated":
    case "canceled":
      return `was ${run.status}${took(run, "after")}`;
    case "suspended":
      return `suspended${since(run, now)}; steps that run finish, nothing else begins`;
    case "pending":
      if (isStuck(run)) break;
      return run.start_at && Date.parse(run.start_at) > now ? `starts in ${duration5(Date.parse(run.start_at) - now)}` : `queued${since(run, now)}`;
  }
  return phase(run, now, told, steps);
}
function phase(run, now, told, steps) {
  const fires = run.next_fire_at ? Date.parse(run.next_fire_at) : void 0;
  const left = fires === void 0 ? "" : fires > now ? duration5(fires - now) : "";
  switch (run.phase) {
    case "stuck":
      return `stuck${since(run, now)}: ${run.phase_cause || "nothing can move"}`;
    case "waiting_approval":
      return `waiting${since(run, now)} for a decision${run.phase_cause ? ` (${words(run.phase_cause)})` : ""}${left ? `; times out in ${left}${afterwards(steps)}` : ""}`;
    case "retrying":
      return `retrying ${run.current_step || "a step"}${run.attempt ? `, attempt ${run.attempt}${attempts(steps, run.current_step)}` : ""}${left ? ` in ${left}` : " now"}`;
    case "waiting_event":
      return `waiting${since(run, now)} for ${run.wait_name || waitsFor(run)}${left ? `; times out in ${left}` : ""}`;
    case "waiting_timer":
      return left ? `sleeping; wakes in ${left}` : "waking from its timer";
    case "active":
      return active(run, now, told);
  }
  return "running";
}
function afterwards(steps) {
  const open = steps.filter((s) => s.kind === "decision" && s.status === "open" && s.fire_at).sort((a, b) => Date.parse(a.fire_at) - Date.parse(b.fire_at))[0];
  return open?.on_timeout === "deny" ? ", then denied" : open?.on_timeout === "escalate" ? ", then others are asked" : "";
}
function attempts(steps, name) {
  const most3 = steps.find((s) => s.status === "retrying" && s.name === name)?.max_attempts;
  return most3 ? ` of ${most3}` : "";
}
function active(run, now, told) {
  const step = run.current_step ? ` ${run.current_step}` : "";
  if (told?.state === "queued") return `queued${since(run, now)}:${step || " its next step"} waits for a worker`;
  return `running${step}${since(run, now)}${told?.worker ? ` on ${told.worker}` : ""}`;
}
function waitsFor(run) {
  const p = run.pending_counts ?? {};
  if (p.children) return p.children === 1 ? "a child run" : `${p.children} child runs`;
  if (p.entities) return "an entity";
  return "an event";
}
function since(run, now) {
  const at = run.phase_since ?? run.created;
  return at ? ` ${duration5(now - Date.parse(at))}` : "";
}
function took(run, word = "in") {
  return run.duration_ms === void 0 ? "" : ` ${run.status === "failed" ? "after" : word} ${duration5(run.duration_ms)}`;
}
function words(cause) {
  return cause.replace(/_/g, " ");
}
function firstLine(text) {
  const line = text.split("\n")[0] ?? "";
  return line.length > 200 ? line.slice(0, 199) + "…" : line;
}

// src/pages/run/header.tsx
import { Fragment as Fragment7, jsx as jsx11, jsxs as jsxs11 } from "./core.js";
function Header({ run, steps, now, onApplied, onRewind, onFork }) {
  const spent = spentBy(steps);
  const children = [...new Set(steps.flatMap((s) => s.run ? [s.run] : []))];
  const links8 = outside(run, useInfo().data?.links);
  return /* @__PURE__ */ jsxs11("header", { class: "run-head", children: [
    /* @__PURE__ */ jsxs11("div", { class: "run-title", children: [
      /* @__PURE__ */ jsx11(RunState, { run }),
      /* @__PURE__ */ jsx11("h1", { children: nameOf2(run) }),
      /* @__PURE__ */ jsx11("code", { class: "run-id", children: run.id }),
      /* @__PURE__ */ jsx11(Share, { what: "run", id: run.id, command: ["run get", [run.id]], json: { path: path8`runs/${run.id}`, file: run.id + ".json" } }),
      /* @__PURE__ */ jsx11(Actions, { run, onApplied, onRewind, onFork })
    ] }),
    /* @__PURE__ */ jsxs11("p", { class: "run-sentence", "aria-live": "off", children: [
      upper(sentence(run.failure ? { ...run, error_text: "" } : run, now, isActive(run) ? overlays.value.get(run.id) : void 0, steps)),
      "."
    ] }),
    isStuck2(run) && run.phase_cause?.startsWith("no worker serves") && /* @__PURE__ */ jsx11(Connect, {}),
    /* @__PURE__ */ jsxs11("dl", { class: "run-facts", children: [
      /* @__PURE__ */ jsx11(Fact2, { name: "Started", children: /* @__PURE__ */ jsx11(Time6, { at: run.started ?? run.created }) }),
      run.completed && /* @__PURE__ */ jsx11(Fact2, { name: "Ended", children: /* @__PURE__ */ jsx11(Time6, { at: run.completed }) }),
      run.version && /* @__PURE__ */ jsx11(Fact2, { name: "Version", children: run.version }),
      run.parent_id && /* @__PURE__ */ jsx11(Fact2, { name: "Parent", children: /* @__PURE__ */ jsx11("a", { href: pages2.run(run.parent_id), children: run.parent_id }) }),
      run.root_id && run.root_id !== run.parent_id && /* @__PURE__ */ jsx11(Fact2, { name: "Root", children: /* @__PURE__ */ jsx11("a", { href: pages2.run(run.root_id), children: run.root_id }) }),
      children.length > 0 && /* @__PURE__ */ jsx11(Fact2, { name: children.length === 1 ? "Child" : "Children", children: /* @__PURE__ */ jsx11(Children, { ids: children }) }),
      run.forked_from && /* @__PURE__ */ jsxs11(Fact2, { name: "Forked from", children: [
        /* @__PURE__ */ jsx11("a", { href: pages2.run(run.forked_from.run) + `?tab=history&event=${run.forked_from.event}&execution=${run.forked_from.execution}`, children: run.forked_from.run }),
        " ",
        /* @__PURE__ */ jsxs11("span", { class: "dim", children: [
          "before event ",
          run.forked_from.event
        ] })
      ] }),
      run.session && /* @__PURE__ */ jsx11(Fact2, { name: "Session", children: sessionLink(run.session) }),
      spent.tokens > 0 && /* @__PURE__ */ jsx11(Fact2, { name: "Tokens", children: count4(spent.tokens) }),
      spent.usd > 0 && /* @__PURE__ */ jsx11(Fact2, { name: "Cost", children: cost4(spent.usd * 1e6) }),
      run.trace_id && !links8.some((l) => l.field === "trace") && /* @__PURE__ */ jsxs11(Fact2, { name: "Trace", children: [
        /* @__PURE__ */ jsx11("code", { children: run.trace_id }),
        " ",
        /* @__PURE__ */ jsx11(Copy2, { text: run.trace_id, what: "trace id" })
      ] }),
      links8.map((l) => /* @__PURE__ */ jsx11(Fact2, { name: upper(l.field.replace(/^tag\./, "")), children: /* @__PURE__ */ jsxs11("a", { href: l.href, target: "_blank", rel: "noopener noreferrer", title: l.href, children: [
        l.value,
        " ↗"
      ] }) }, l.field)),
      !!run.history_len && /* @__PURE__ */ jsxs11(Fact2, { name: "History", children: [
        run.history_len.toLocaleString("en"),
        " events, ",
        bytes5(run.history_bytes ?? 0)
      ] }),
      Object.entries(run.tags ?? {}).filter(([k]) => !k.startsWith("perdure.")).map(([k, v]) => /* @__PURE__ */ jsx11(Fact2, { name: "", children: /* @__PURE__ */ jsxs11("a", { class: "tag", href: pages2.runs(`tag.${k}=${JSON.stringify(v)}`), children: [
        k,
        "=",
        v
      ] }) }, k))
    ] }),
    /* @__PURE__ */ jsx11(Executions, { run: run.id, current: run.execution ?? "", shown: param4("execution") }),
    run.hint && /* @__PURE__ */ jsx11("p", { class: "problem", children: run.hint }),
    /* @__PURE__ */ jsx11(Payloads, { run })
  ] });
}
function Connect() {
  const info = useInfo().data;
  return info ? /* @__PURE__ */ jsxs11("div", { class: "connect", children: [
    /* @__PURE__ */ jsx11("p", { class: "dim", children: "Start a worker that has this code; workers and SDKs connect with" }),
    /* @__PURE__ */ jsx11(Command, { text: info.connection_string })
  ] }) : null;
}
var named = 2;
function Children({ ids }) {
  const rest = ids.length - named;
  return /* @__PURE__ */ jsxs11(Fragment7, { children: [
    ids.slice(0, rest === 1 ? named + 1 : named).map((id, i) => /* @__PURE__ */ jsxs11("span", { children: [
      i > 0 && ", ",
      /* @__PURE__ */ jsx11("a", { href: pages2.run(id), children: id })
    ] }, id)),
    rest > 1 && /* @__PURE__ */ jsxs11(Fragment7, { children: [
      ", ",
      /* @__PURE__ */ jsxs11("button", { type: "button", class: "link", onClick: () => setParams5({ tab: "related" }, false), children: [
        rest.toLocaleString("en"),
        " more"
      ] })
    ] })
  ] });
}
function Fact2({ name, children }) {
  return /* @__PURE__ */ jsxs11("div", { children: [
    name && /* @__PURE__ */ jsx11("dt", { children: name }),
    !name && /* @__PURE__ */ jsx11("dt", { class: "hidden-text", children: "Tag" }),
    /* @__PURE__ */ jsx11("dd", { children })
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
  return parts ? /* @__PURE__ */ jsxs11("a", { href: pages2.session(parts[1], parts[2]), children: [
    parts[1],
    " / ",
    parts[2]
  ] }) : id;
}
function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
function Payloads({ run }) {
  return /* @__PURE__ */ jsxs11("div", { class: "run-payloads", children: [
    run.failure && /* @__PURE__ */ jsx11(Failed, { failure: run.failure }),
    run.input !== void 0 && /* @__PURE__ */ jsx11(Fold, { title: "Input", value: run.input }),
    run.output !== void 0 && /* @__PURE__ */ jsx11(Fold, { title: "Output", value: run.output }),
    run.custom_status !== void 0 && run.custom_status !== null && /* @__PURE__ */ jsx11(Fold, { title: "Custom status", value: run.custom_status })
  ] });
}
function Fold({ title: title2, value: value2 }) {
  const [open, setOpen] = useState10(false);
  const text = JSON.stringify(value2) ?? "";
  return /* @__PURE__ */ jsxs11("details", { class: "fold", open, onToggle: (e) => setOpen(e.currentTarget.open), children: [
    /* @__PURE__ */ jsxs11("summary", { children: [
      /* @__PURE__ */ jsx11("b", { children: title2 }),
      " ",
      !open && /* @__PURE__ */ jsx11("code", { class: "dim", children: text.length > 160 ? text.slice(0, 159) + "…" : text })
    ] }),
    open && /* @__PURE__ */ jsx11("div", { class: "fold-body", children: /* @__PURE__ */ jsx11(JsonView5, { value: value2, label: title2 }) })
  ] });
}

// src/pages/run/neighbour.ts
import { get as get6, query as query8 } from "./core.js";
import { below, cameFrom, go as go2, links as links5, param as param5 } from "./core.js";
var most2 = 1e3;
async function toNeighbour(run, by) {
  const next = await neighbour(run, by, listOf(cameFrom()));
  if (next) go2(links5.run(next) + (param5("tab") && `?tab=${param5("tab")}`), true);
}
function listOf(from) {
  const asked = from && below(from) === "runs" ? from.searchParams : new URLSearchParams();
  return { filter: asked.get("filter") ?? "", sort: asked.get("sort") || "-created" };
}
async function neighbour(run, by, { filter, sort }) {
  const down = sort.startsWith("-");
  const field = down ? sort.slice(1) : sort;
  const time = field === "created" ? run.created : field === "completed" ? run.completed : void 0;
  if (!time) {
    const { items: items2 } = await get6("runs" + query8({ filter, sort, limit: most2, fields: "id" }));
    const at = items2.findIndex((r) => r.id === run.id);
    return at < 0 ? void 0 : items2[at + by]?.id;
  }
  const later = down === by < 0;
  const bound = `${field}${later ? ">=" : "<="}${time}`;
  const { items } = await get6("runs" + query8({ filter: filter ? `(${filter}) ${bound}` : bound, sort: (later ? "" : "-") + field, limit: 50, fields: "id" }));
  return items[items.findIndex((r) => r.id === run.id) + 1]?.id;
}

// src/pages/run/related.tsx
import { useEffect as useEffect11 } from "./core.js";
import { path as path9, useQuery as useQuery4 } from "./core.js";
import { links as links6 } from "./core.js";
import { nameOf as nameOf3, stateOf } from "./core.js";
import { Problem as Problem3 } from "./core.js";
import { Status } from "./core.js";
import { Duration, Time as Time7 } from "./core.js";
import { jsx as jsx12, jsxs as jsxs12 } from "./core.js";
function Related({ run, version }) {
  const { data, error, refetch } = useQuery4(path9`runs/${run}/tree`);
  useEffect11(() => {
    const timer = setTimeout(refetch, 300);
    return () => clearTimeout(timer);
  }, [version]);
  if (error && !data) return /* @__PURE__ */ jsx12(Problem3, { error, retry: refetch });
  if (!data) return /* @__PURE__ */ jsx12("p", { class: "dim pad", children: "Loading…" });
  return /* @__PURE__ */ jsxs12("div", { class: "family", children: [
    data.items.length === 1 && /* @__PURE__ */ jsx12("p", { class: "dim", children: "This run has no parent and has started no other." }),
    /* @__PURE__ */ jsx12("ul", { class: "plain", children: inOrder(data.items).map(({ run: r, depth }) => /* @__PURE__ */ jsxs12("li", { style: { paddingInlineStart: `${depth * 22}px` }, class: r.id === run ? "is-this" : "", children: [
      /* @__PURE__ */ jsx12(Status, { state: stateOf(r) }),
      r.id === run ? /* @__PURE__ */ jsx12("b", { "aria-current": "page", children: nameOf3(r) }) : /* @__PURE__ */ jsx12("span", { children: nameOf3(r) }),
      /* @__PURE__ */ jsx12("a", { href: links6.run(r.id), children: r.id }),
      /* @__PURE__ */ jsx12("span", { class: "end dim num", children: /* @__PURE__ */ jsx12(Duration, { ms: r.duration_ms, from: r.started ?? r.created, to: r.completed }) }),
      /* @__PURE__ */ jsx12(Time7, { at: r.created })
    ] }, r.id)) }),
    data.partial && /* @__PURE__ */ jsxs12("p", { class: "dim", children: [
      "There are more than are shown. ",
      /* @__PURE__ */ jsx12("a", { href: links6.runs(`root:${data.items[0]?.id ?? run}`), children: "List all" })
    ] })
  ] });
}
function inOrder(runs) {
  const known = new Set(runs.map((r) => r.id));
  const below2 = /* @__PURE__ */ new Map();
  for (const r of runs) {
    const parent = r.parent_id && known.has(r.parent_id) && r.parent_id !== r.id ? r.parent_id : "";
    below2.set(parent, [...below2.get(parent) ?? [], r]);
  }
  const all = [];
  const rest = (below2.get("") ?? []).map((run) => ({ run, depth: 0 })).reverse();
  for (let next = rest.pop(); next; next = rest.pop()) {
    all.push(next);
    const { run, depth } = next;
    rest.push(...(below2.get(run.id) ?? []).map((run2) => ({ run: run2, depth: depth + 1 })).reverse());
  }
  return all;
}

// src/pages/run.tsx
import { RewindDialog } from "./rewind.js";

// src/pages/run/state.tsx
import { useEffect as useEffect12, useRef as useRef5, useState as useState11 } from "./core.js";
import { path as path10, query as query9, useQuery as useQuery5 } from "./core.js";
import { duration as duration6 } from "./core.js";
import { useKeys } from "./core.js";
import { param as param6, setParams as setParams6 } from "./core.js";
import { stateOf as stateOf2 } from "./core.js";
import { JsonView as JsonView6 } from "./core.js";
import { Problem as Problem4 } from "./core.js";
import { Status as Status2 } from "./core.js";
import { Time as Time8 } from "./core.js";
import { jsx as jsx13, jsxs as jsxs13 } from "./core.js";
function StateTab({ run, execution, total: total2, began }) {
  const chosen = Math.min(Number(param6("at")) || total2, total2);
  const at = useSettled(chosen);
  const { data, error, refetch } = useQuery5(total2 > 0 ? path10`runs/${run}/state` + query9({ at, execution }) : void 0);
  const choose = (n) => setParams6({ at: n >= total2 ? void 0 : String(Math.max(1, n)) });
  useKeys({ ",": () => choose(chosen - 1), ".": () => choose(chosen + 1) });
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
    error && /* @__PURE__ */ jsx13(Problem4, { error, retry: refetch }),
    state && /* @__PURE__ */ jsxs13("div", { class: "state-grid", children: [
      /* @__PURE__ */ jsxs13("section", { class: "card", children: [
        /* @__PURE__ */ jsxs13("h2", { children: [
          "After event ",
          state.at.toLocaleString("en")
        ] }),
        /* @__PURE__ */ jsxs13("p", { children: [
          /* @__PURE__ */ jsx13(Status2, { state: stateOf2({ status: state.status }) }),
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
        state.event.data !== void 0 ? /* @__PURE__ */ jsx13(JsonView6, { value: state.event.data }) : state.event.data_bytes ? /* @__PURE__ */ jsx13(Payload, { title: "Payload", run, execution, n: state.at, size: state.event.data_bytes }) : null
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
function StepList({ steps, now, none }) {
  if (steps.length === 0) return /* @__PURE__ */ jsx13("p", { class: "dim", children: none });
  return /* @__PURE__ */ jsx13("ul", { class: "plain", children: steps.slice(0, 100).map((s) => {
    const from = ms(s.scheduled_at);
    const to = ms(s.completed_at);
    return /* @__PURE__ */ jsxs13("li", { children: [
      /* @__PURE__ */ jsx13(StepIcon, { kind: s.kind, status: s.status }),
      " ",
      /* @__PURE__ */ jsx13("span", { children: title(s) }),
      /* @__PURE__ */ jsx13("span", { class: s.status === "failed" ? "bad" : "dim", children: s.status === "failed" ? s.failure?.message : to === void 0 ? waits(s) ? "waits" : s.status : "" }),
      /* @__PURE__ */ jsx13("span", { class: "dim num end", children: from !== void 0 && duration6(Math.max(0, (to ?? now) - from)) })
    ] }, keyOf(s));
  }) });
}
function useSettled(value2) {
  const [settled, setSettled] = useState11(value2);
  const first = useRef5(true);
  useEffect12(() => {
    if (first.current) {
      first.current = false;
      return void 0;
    }
    const timer = setTimeout(() => setSettled(value2), 60);
    return () => clearTimeout(timer);
  }, [value2]);
  return settled;
}

// src/pages/run.tsx
import { jsx as jsx14, jsxs as jsxs14 } from "./core.js";
var Graph = lazily(() => import("./graph.js").then((m) => m.GraphTab));
var Sequence = lazily(() => import("./sequence.js").then((m) => m.SequenceTab));
function Run({ params }) {
  const id = params["id"] ?? "";
  const execution = param7("execution");
  const { run, error, gone, refetch } = useRun(id);
  const read2 = useSteps(id, execution, run?.row_version ?? 0);
  const [rewinding, setRewinding] = useState12();
  const [forking, setForking] = useState12();
  const current = execution === "" || execution === run?.execution;
  const moving = !!run && current && !ended(run.status);
  const works = useMemo5(() => moving && (isActive2(run) || read2.items.some((s) => isOpen(s) && !waits(s))), [moving, run, read2.items]);
  useOverlays(works ? [id] : [], true);
  const work = works ? overlays2.value.get(id)?.work : void 0;
  const steps = useMemo5(() => ({ ...read2, items: withWork(read2.items, work) }), [read2, work]);
  const now = clock.value + steps.ahead;
  const began = Date.parse(steps.page?.began ?? run?.started ?? run?.created ?? "") || now;
  const step = find(steps.items, param7("step"));
  const key2 = step ? keyOf(step) : "";
  const select2 = (k) => setParams7({ step: k || void 0 });
  const move = (by) => {
    const at = steps.items.findIndex((s) => keyOf(s) === key2);
    const to = steps.items[at < 0 ? 0 : Math.max(0, Math.min(steps.items.length - 1, at + by))];
    if (to) select2(keyOf(to));
  };
  const forkable = !!run && run.actions.includes("fork") && !readOnly;
  const fork = () => setForking(step && step.n > 0 ? step.attempts?.[0]?.n ?? step.n : Number(param7("event")) || 0);
  useKeys2({
    f: () => forkable && fork(),
    h: () => move(-1),
    l: () => move(1),
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
    "[": () => run && void toNeighbour(run, -1),
    "]": () => run && void toNeighbour(run, 1),
    Escape: () => key2 ? select2("") : param7("event") ? setParams7({ event: void 0 }) : history.length > 1 ? history.back() : go3("runs")
  });
  if (!run) {
    return /* @__PURE__ */ jsxs14("section", { class: "page", children: [
      /* @__PURE__ */ jsxs14("h1", { class: "hidden-text", children: [
        "Run ",
        id
      ] }),
      error instanceof ProblemError3 && error.status === 404 ? /* @__PURE__ */ jsxs14(Empty4, { title: "No such run", children: [
        /* @__PURE__ */ jsxs14("p", { children: [
          "There is no run ",
          /* @__PURE__ */ jsx14("code", { children: id }),
          "; it may have been purged."
        ] }),
        /* @__PURE__ */ jsx14("p", { children: /* @__PURE__ */ jsx14("a", { href: "runs", children: "All runs" }) })
      ] }) : error ? /* @__PURE__ */ jsx14(Problem5, { error: error instanceof ProblemError3 ? error : new ProblemError3(0, { detail: error.message }), retry: refetch }) : /* @__PURE__ */ jsx14("p", { class: "dim", children: "Loading…" })
    ] });
  }
  const stepLink = (eventID) => links7.run(id) + `?step=e${eventID}`;
  const onFork = forkable ? { onFork: setForking } : {};
  const onRewind = current && run.actions.includes("rewind") ? { onRewind: setRewinding } : {};
  const inspector = step && /* @__PURE__ */ jsx14(Inspector, { run: id, execution, step, now, ...onRewind, ...onFork, ...moving ? {} : { end: Date.parse(steps.page?.newest ?? "") || now }, onClose: () => select2("") });
  return /* @__PURE__ */ jsxs14("section", { class: "page fill run-page", children: [
    gone && /* @__PURE__ */ jsx14("p", { class: "problem", role: "alert", children: "This run was purged. What you see is what was last known." }),
    !current && /* @__PURE__ */ jsxs14("p", { class: "problem", children: [
      "This is an older execution. ",
      /* @__PURE__ */ jsx14("a", { href: links7.run(id), children: "Show the current one" })
    ] }),
    /* @__PURE__ */ jsx14(Header, { run, steps: steps.items, now, onApplied: refetch, onRewind: () => setRewinding(step && step.n > 0 ? step.attempts?.[0]?.n ?? step.n : 0), onFork: fork }),
    run && steps.error && !steps.page && /* @__PURE__ */ jsx14(Problem5, { error: new ProblemError3(0, { detail: steps.error.message }) }),
    /* @__PURE__ */ jsx14(Tabs, { label: "Views of the run", tabs: [
      { id: "timeline", title: "Timeline", panel: () => /* @__PURE__ */ jsxs14("div", { class: "split", children: [
        /* @__PURE__ */ jsx14(Timeline, { steps, now, moving, selected: key2, ...range(), onSelect: select2, onRange: (r) => setParams7({ from: r && String(r.from), to: r && String(r.to) }), onOpenRun: (child) => go3(links7.run(child)) }),
        inspector
      ] }) },
      { id: "history", title: "History", panel: () => /* @__PURE__ */ jsx14(History, { run: id, execution, version: run.row_version, began, ...onRewind, ...onFork, selected: Number(param7("event")) || 0, onSelect: (n) => setParams7({ event: n ? String(n) : void 0 }) }) },
      { id: "conversation", title: "Conversation", panel: () => /* @__PURE__ */ jsx14(ConversationTab, { run: id, version: run.row_version, stepLink }) },
      { id: "graph", title: "Graph", panel: () => /* @__PURE__ */ jsx14(Graph, { run: id, execution, version: run.row_version, onStep: (e) => setParams7({ tab: void 0, step: `e${e}` }, false) }) },
      { id: "sequence", title: "Sequence", panel: () => /* @__PURE__ */ jsxs14("div", { class: "split", children: [
        /* @__PURE__ */ jsx14(Sequence, { id, name: run.name, steps: steps.items, began, selected: key2, onSelect: select2 }),
        inspector
      ] }) },
      { id: "state", title: "State", panel: () => /* @__PURE__ */ jsx14(StateTab, { run: id, execution, total: total(steps, run.history_len ?? 0, current), began }) },
      { id: "logs", title: "Logs", panel: () => /* @__PURE__ */ jsx14(LogsTab, { run: id, moving, steps: steps.items, step, onStep: select2 }) },
      { id: "related", title: "Related", panel: () => /* @__PURE__ */ jsx14(Related, { run: id, version: run.row_version }) },
      { id: "audit", title: "Audit", panel: () => /* @__PURE__ */ jsx14(AuditTab, { run: id, version: run.row_version }) }
    ] }),
    forking !== void 0 && /* @__PURE__ */ jsx14(ForkDialog, { run, execution: execution || run.execution || "", to: forking, onClose: () => setForking(void 0) }),
    rewinding !== void 0 && /* @__PURE__ */ jsx14(RewindDialog, { run, to: rewinding, onClose: () => setRewinding(void 0), onDone: () => {
      setRewinding(void 0);
      setParams7({ at: void 0, step: void 0 });
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
  const from = Number(param7("from"));
  const to = Number(param7("to"));
  return param7("to") !== "" && to > from ? { range: { from, to } } : {};
}
function total(steps, known, current) {
  return current ? known : steps.items.reduce((most3, s) => Math.max(most3, s.n, s.end_n ?? 0), 0);
}
export {
  Run
};
