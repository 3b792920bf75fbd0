// src/pages/inbox.tsx
import { useEffect as useEffect2, useMemo, useRef as useRef3, useState as useState3 } from "./core.js";
import { query as query4, useQuery as useQuery4 } from "./core.js";
import { askText as askText3, doneText as doneText3, itemsOf, keyedAnswer, kindText as kindText3 } from "./core.js";
import { useKeys as useKeys2 } from "./core.js";
import { useTopic as useTopic2 } from "./core.js";
import { links as links4, param as param2, setParams as setParams2 } from "./core.js";
import { useSlowly as useSlowly2 } from "./core.js";
import { Deadline as Deadline3 } from "./core.js";
import { Empty as Empty2 } from "./core.js";
import { Problem as Problem2 } from "./core.js";
import { Tabs } from "./core.js";
import { Time as Time4 } from "./core.js";
import { Visible as Visible4 } from "./core.js";

// src/pages/inbox/Answered.tsx
import { useRef, useState } from "./core.js";
import { get, path as path2, query as query2, useQuery as useQuery2 } from "./core.js";
import { askText as askText2, doneText as doneText2, kindText as kindText2 } from "./core.js";
import { useKeys } from "./core.js";
import { useTopic } from "./core.js";
import { links as links2, param, setParams } from "./core.js";
import { useSlowly } from "./core.js";
import { Empty } from "./core.js";
import { Payload as Payload2 } from "./core.js";
import { Problem } from "./core.js";
import { Share as Share2 } from "./core.js";
import { Time as Time2 } from "./core.js";
import { Visible as Visible2 } from "./core.js";

// src/pages/inbox/Detail.tsx
import { path, query, useQuery } from "./core.js";
import { askText, decidersText, doneText, kindText, timeoutText, whyText } from "./core.js";
import { links } from "./core.js";
import { Markdown } from "./markdown.js";
import { Arguments } from "./core.js";
import { Payload } from "./core.js";
import { Share } from "./core.js";
import { Time } from "./core.js";
import { Visible } from "./core.js";
import { Deadline } from "./core.js";
import { Decide } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
var lastSaid = 6;
function Detail({ decision: d, onDone, ask, gone }) {
  return /* @__PURE__ */ jsxs("article", { class: "inbox-detail", "aria-label": askText(d), children: [
    /* @__PURE__ */ jsxs("header", { children: [
      /* @__PURE__ */ jsxs("p", { class: "inbox-kind", children: [
        /* @__PURE__ */ jsx("span", { class: "kind kind-" + d.kind, children: kindText(d.kind) }),
        d.state === "pending" ? /* @__PURE__ */ jsx(Deadline, { at: d.deadline ?? void 0, then: timeoutText(d.on_timeout) }) : /* @__PURE__ */ jsx("span", { children: doneText(d) }),
        /* @__PURE__ */ jsx(Share, { what: "decision", link: "inbox" + query({ tab: d.state === "pending" ? "" : "answered", id: d.id }), id: d.id, command: ["inbox get", [d.id]], json: { path: path`decisions/${d.id}`, file: "decision.json" } })
      ] }),
      /* @__PURE__ */ jsx("h2", { children: /* @__PURE__ */ jsx(Visible, { text: askText(d), exact: true }) }),
      /* @__PURE__ */ jsxs("p", { class: "dim", children: [
        "asked ",
        /* @__PURE__ */ jsx(Time, { at: d.requested_at }),
        d.originator?.name && /* @__PURE__ */ jsxs(Fragment, { children: [
          " for ",
          /* @__PURE__ */ jsx(Visible, { text: d.originator.name, exact: true })
        ] }),
        d.assignee && /* @__PURE__ */ jsxs(Fragment, { children: [
          ", of ",
          /* @__PURE__ */ jsx(Visible, { text: d.assignee, exact: true })
        ] }),
        !!d.level && /* @__PURE__ */ jsxs(Fragment, { children: [
          ", ",
          d.level,
          " before ",
          d.level === 1 ? "has" : "have",
          " not answered"
        ] })
      ] }),
      decidersText(d) && /* @__PURE__ */ jsxs("p", { class: "dim inbox-deciders", children: [
        "may decide: ",
        /* @__PURE__ */ jsx(Visible, { text: decidersText(d), exact: true })
      ] }),
      d.reason && /* @__PURE__ */ jsx("p", { class: "inbox-reason", children: /* @__PURE__ */ jsx(Visible, { text: d.reason, exact: true }) })
    ] }),
    d.kind !== "budget" && /* @__PURE__ */ jsxs("section", { children: [
      /* @__PURE__ */ jsx("h3", { children: /* @__PURE__ */ jsx(Visible, { text: d.tool, exact: true }) }),
      /* @__PURE__ */ jsx(Arguments, { value: d.edited_args ?? d.args }),
      /* @__PURE__ */ jsxs("p", { class: "dim small", children: [
        d.state === "pending" && whyText(d),
        " ",
        /* @__PURE__ */ jsxs("span", { title: "binds tool, version, arguments and call: " + d.args_hash, children: [
          "hash ",
          d.args_hash.slice(0, 12)
        ] })
      ] })
    ] }),
    d.state === "pending" ? /* @__PURE__ */ jsx(Decide, { decision: d, onDone, ask, keys: true, gone }, d.id + d.args_hash) : /* @__PURE__ */ jsx(Answered, { decision: d }),
    /* @__PURE__ */ jsx(Led, { decision: d })
  ] });
}
function Answered({ decision: d }) {
  return /* @__PURE__ */ jsxs("section", { class: "inbox-answered", children: [
    /* @__PURE__ */ jsxs("p", { children: [
      /* @__PURE__ */ jsx("strong", { children: doneText(d) }),
      d.answered_at && /* @__PURE__ */ jsxs(Fragment, { children: [
        ", ",
        /* @__PURE__ */ jsx(Time, { at: d.answered_at })
      ] })
    ] }),
    d.comment && /* @__PURE__ */ jsxs("p", { children: [
      "“",
      /* @__PURE__ */ jsx(Visible, { text: d.comment }),
      "”"
    ] }),
    d.edited_args !== void 0 && /* @__PURE__ */ jsx("p", { class: "dim", children: "with other arguments than those asked for" }),
    d.result !== void 0 && /* @__PURE__ */ jsx(Payload, { value: d.result, label: "result" })
  ] });
}
function Led({ decision: d }) {
  const q = useQuery(path`runs/${d.run}/conversation`);
  const said = (q.data?.items ?? []).filter((s) => s.kind === "message" && s.at <= d.requested_at).slice(-lastSaid);
  const chat = chatOf(d);
  return /* @__PURE__ */ jsxs("section", { class: "inbox-led", children: [
    /* @__PURE__ */ jsx("h3", { children: "What led here" }),
    q.error && /* @__PURE__ */ jsx("p", { class: "dim", children: q.error.message }),
    q.data && said.length === 0 && /* @__PURE__ */ jsx("p", { class: "dim", children: "Nothing was said." }),
    !q.data && !q.error && /* @__PURE__ */ jsx("p", { class: "dim", children: "…" }),
    said.map((s) => /* @__PURE__ */ jsx(Line, { said: s }, s.run + s.position)),
    /* @__PURE__ */ jsxs("p", { class: "inbox-links", children: [
      chat && /* @__PURE__ */ jsx("a", { href: chat, children: "Open the conversation" }),
      /* @__PURE__ */ jsx("a", { href: links.run(d.run), children: "Open the run" })
    ] })
  ] });
}
function chatOf(d) {
  const key = d.session && /^@[^@]+@(.+)$/s.exec(d.session)?.[1];
  return key ? links.session(d.agent, key) : "";
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
  return /* @__PURE__ */ jsxs("div", { class: "led led-" + m.Role, children: [
    /* @__PURE__ */ jsx("span", { class: "led-who", children: m.Role === "user" ? "user" : s.agent }),
    /* @__PURE__ */ jsxs("div", { children: [
      text && /* @__PURE__ */ jsx(Markdown, { text }),
      calls.map((c, i) => /* @__PURE__ */ jsxs("p", { class: "dim", children: [
        "calls ",
        /* @__PURE__ */ jsx(Visible, { text: c, exact: true })
      ] }, i))
    ] })
  ] });
}

// src/pages/inbox/Answered.tsx
import { Fragment as Fragment2, jsx as jsx2, jsxs as jsxs2 } from "./core.js";
function pastDecision(d) {
  return { id: d.id, at: d.answered_at ?? d.deadline ?? d.requested_at, kind: d.kind, title: askText2(d), text: doneText2(d), decision: d };
}
function pastEvent(a) {
  return { id: `event:${a.target}:${a.number}`, at: a.at, kind: "event", title: `${a.target} was told ${a.name ?? "of an event"}`, text: `raised by ${a.for || a.by}`, raised: a };
}
var pageSize = 200;
function usePages(where, params) {
  const first = useQuery2(where + query2({ ...params, limit: pageSize }));
  const [older, setOlder] = useState([]);
  const [failed, setFailed] = useState();
  const next = (older.at(-1) ?? first.data)?.next;
  const more = () => {
    get(where + query2({ ...params, limit: pageSize, cursor: next })).then((p) => (setFailed(void 0), setOlder([...older, p])), setFailed);
  };
  return {
    items: [first.data, ...older].flatMap((p) => p?.items ?? []),
    ready: first.data !== void 0,
    error: first.error,
    failed,
    refetch: first.refetch,
    more: next ? more : void 0
  };
}
function Answered2() {
  const answered = usePages("decisions", { state: "answered" });
  const expired = usePages("decisions", { state: "expired" });
  const superseded = usePages("decisions", { state: "superseded" });
  const raised = usePages("audit", { action: "raise event" });
  const sources = [answered, expired, superseded, raised];
  const reread = useSlowly(raised.refetch);
  useTopic("inbox", void 0, () => [answered, expired, superseded].forEach((q) => q.refetch()));
  useTopic("counts", void 0, () => reread(true));
  const found = [...[answered, expired, superseded].flatMap((q) => q.items).map(pastDecision), ...raised.items.map(pastEvent)];
  const rows = [...new Map(found.map((p) => [p.id, p])).values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const chosen = param("id");
  const item = rows.find((d) => d.id === chosen) ?? rows[0];
  const list = useRef(null);
  const move = (e, by) => {
    const next = item && rows[rows.indexOf(item) + by];
    if (next) {
      e.preventDefault();
      setParams({ id: next.id });
      requestAnimationFrame(() => list.current?.querySelector('[aria-selected="true"]')?.focus());
    }
  };
  useKeys({
    j: (e) => move(e, 1),
    k: (e) => move(e, -1),
    ArrowDown: (e) => list.current?.contains(e.target) && move(e, 1),
    ArrowUp: (e) => list.current?.contains(e.target) && move(e, -1)
  });
  if (answered.error) {
    return /* @__PURE__ */ jsx2(Problem, { error: answered.error, retry: answered.refetch });
  }
  const failed = sources.find((q) => q.failed)?.failed;
  if (sources.some((q) => !q.ready && !q.error)) {
    return /* @__PURE__ */ jsx2("p", { class: "dim pad", children: "…" });
  }
  if (!item) {
    return /* @__PURE__ */ jsx2(Empty, { title: "Nothing was decided yet", children: /* @__PURE__ */ jsx2("p", { children: "Here stands who has answered what, and when." }) });
  }
  return /* @__PURE__ */ jsxs2("div", { class: "inbox-panes" + (chosen ? " chosen" : ""), children: [
    /* @__PURE__ */ jsxs2("div", { class: "inbox-list", children: [
      /* @__PURE__ */ jsx2("div", { role: "listbox", "aria-label": "Decisions of the past", ref: list, children: rows.map((p) => /* @__PURE__ */ jsxs2("div", { role: "option", "aria-selected": p === item, tabIndex: p === item ? 0 : -1, class: "inbox-row", onClick: () => setParams({ id: p.id }), children: [
        /* @__PURE__ */ jsx2("span", { class: "inbox-row-title", children: /* @__PURE__ */ jsx2(Visible2, { text: p.title, exact: true }) }),
        /* @__PURE__ */ jsx2("span", { class: "inbox-row-about", children: /* @__PURE__ */ jsx2(Visible2, { text: p.text, exact: true }) }),
        /* @__PURE__ */ jsxs2("span", { class: "inbox-row-foot", children: [
          /* @__PURE__ */ jsx2("span", { class: "kind kind-" + p.kind, children: kindText2(p.kind) }),
          /* @__PURE__ */ jsx2(Time2, { at: p.at })
        ] })
      ] }, p.id)) }),
      sources.some((q) => q.more) && /* @__PURE__ */ jsx2("button", { type: "button", class: "quiet more", onClick: () => sources.forEach((q) => q.more?.()), children: "Show earlier ones" }),
      failed && /* @__PURE__ */ jsx2("p", { class: "problem", role: "alert", children: failed.message })
    ] }),
    /* @__PURE__ */ jsxs2("div", { class: "inbox-pane", children: [
      /* @__PURE__ */ jsxs2("button", { type: "button", class: "inbox-back quiet", onClick: () => setParams({ id: void 0 }), children: [
        "‹ All ",
        rows.length
      ] }),
      "decision" in item ? /* @__PURE__ */ jsx2(Detail, { decision: item.decision, onDone: () => {
      } }, item.id) : /* @__PURE__ */ jsx2(Raised, { entry: item.raised, title: item.title }, item.id)
    ] })
  ] });
}
function Raised({ entry: a, title }) {
  const said = useQuery2(path2`runs/${a.target}/conversation`);
  const found = said.data?.items.find((s) => s.event && s.run === a.target && s.event.name === a.name && Date.parse(s.at) === Date.parse(a.at));
  return /* @__PURE__ */ jsxs2("article", { class: "inbox-detail", "aria-label": title, children: [
    /* @__PURE__ */ jsxs2("header", { children: [
      /* @__PURE__ */ jsxs2("p", { class: "inbox-kind", children: [
        /* @__PURE__ */ jsx2("span", { class: "kind kind-event", children: "Event" }),
        /* @__PURE__ */ jsx2(Share2, { what: "event", link: "inbox" + query2({ tab: "answered", id: `event:${a.target}:${a.number}` }), id: a.target, command: ["audit list", [], { target: a.target, action: a.action }], json: { path: "audit" + query2({ target: a.target, action: a.action, limit: 1e3 }), file: "audit.json" } })
      ] }),
      /* @__PURE__ */ jsx2("h2", { children: /* @__PURE__ */ jsx2(Visible2, { text: title, exact: true }) }),
      /* @__PURE__ */ jsxs2("p", { class: "dim", children: [
        "raised by ",
        a.by,
        a.for && /* @__PURE__ */ jsxs2(Fragment2, { children: [
          " for ",
          /* @__PURE__ */ jsx2(Visible2, { text: a.for, exact: true })
        ] }),
        " ",
        /* @__PURE__ */ jsx2(Time2, { at: a.at })
      ] }),
      a.reason && /* @__PURE__ */ jsx2("p", { class: "inbox-reason", children: /* @__PURE__ */ jsx2(Visible2, { text: a.reason, exact: true }) })
    ] }),
    found?.event && (found.event.data !== void 0 || !found.event.bytes) && /* @__PURE__ */ jsxs2("section", { children: [
      /* @__PURE__ */ jsx2("h3", { children: "Data of the event" }),
      /* @__PURE__ */ jsx2(Payload2, { value: found.event.data ?? null, label: "data" })
    ] }),
    said.data && !found && /* @__PURE__ */ jsx2("p", { class: "dim", children: "The history of the run has it no more: it was rewound, or went on as new." }),
    said.error && /* @__PURE__ */ jsx2("p", { class: "dim", children: said.error.message }),
    /* @__PURE__ */ jsx2("p", { class: "inbox-links", children: /* @__PURE__ */ jsx2("a", { href: links2.run(a.target) + (found?.event ? `?step=${found.event.n}` : ""), children: "Open the run" }) })
  ] });
}

// src/pages/inbox/Event.tsx
import { useEffect, useRef as useRef2, useState as useState2 } from "./core.js";
import { path as path3, post, query as query3, useQuery as useQuery3 } from "./core.js";
import { hindered } from "./core.js";
import { parseJson } from "./core.js";
import { links as links3 } from "./core.js";
import { Markdown as Markdown2 } from "./markdown.js";
import { Payload as Payload3 } from "./core.js";
import { Share as Share3 } from "./core.js";
import { Time as Time3 } from "./core.js";
import { Visible as Visible3 } from "./core.js";
import { Deadline as Deadline2 } from "./core.js";
import { Fragment as Fragment3, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
function EventDetail({ run: r, onDone, ask, gone }) {
  const [text, setText] = useState2(null);
  const [confirm, setConfirm] = useState2(null);
  const [busy, setBusy] = useState2(false);
  const [error, setError] = useState2(null);
  const yes = useRef2(null);
  const whole = useQuery3(path3`runs/${r.id}`);
  const said = useQuery3(path3`runs/${r.id}/conversation`);
  const name = r.wait_name ?? "";
  const approves = /approv|decision|confirm|accept|review/i.test(name);
  const off = hindered();
  const typed = text === null ? null : parseJson(text);
  useEffect(() => {
    if (!off && ask?.id === "run:" + r.id && (ask.answer === "approve" || ask.answer === "deny")) {
      setConfirm(ask.answer === "approve");
    }
  }, [ask?.n]);
  useEffect(() => {
    if (confirm !== null) {
      yes.current?.focus();
    }
  }, [confirm]);
  async function raise(value, done) {
    setConfirm(null);
    setBusy(true);
    setError(null);
    try {
      await post(path3`runs/${r.id}/events/${name}`, value);
      onDone(done);
    } catch (err) {
      setError(err);
    }
    setBusy(false);
  }
  const word = (value) => approves ? value ? "Approve" : "Deny" : value ? "Send true" : "Send false";
  const doneWord = (value) => approves ? value ? "approved" : "denied" : `${name} was raised with ${value}`;
  const last = (said.data?.items ?? []).filter((s) => s.kind === "message" && s.message).slice(-2);
  return /* @__PURE__ */ jsxs3("article", { class: "inbox-detail", "aria-label": `${r.id} waits for ${name}`, children: [
    /* @__PURE__ */ jsxs3("header", { children: [
      /* @__PURE__ */ jsxs3("p", { class: "inbox-kind", children: [
        /* @__PURE__ */ jsx3("span", { class: "kind kind-event", children: "Event" }),
        /* @__PURE__ */ jsx3(Deadline2, { at: r.next_fire_at, then: r.next_fire_at ? "then the run goes on without it" : "" }),
        /* @__PURE__ */ jsx3(Share3, { what: "wait", link: "inbox" + query3({ id: "run:" + r.id }), id: r.id, command: ["run get", [r.id]], json: { path: path3`runs/${r.id}`, file: r.id + ".json" } })
      ] }),
      /* @__PURE__ */ jsx3("h2", { children: /* @__PURE__ */ jsx3(Visible3, { text: `${r.name} waits for ${name}`, exact: true }) }),
      /* @__PURE__ */ jsxs3("p", { class: "dim", children: [
        "run ",
        /* @__PURE__ */ jsx3("a", { href: links3.run(r.id), children: /* @__PURE__ */ jsx3(Visible3, { text: r.id, exact: true }) }),
        " waits since ",
        /* @__PURE__ */ jsx3(Time3, { at: r.phase_since ?? r.created ?? "" })
      ] })
    ] }),
    last.length > 0 && /* @__PURE__ */ jsxs3("section", { children: [
      /* @__PURE__ */ jsx3("h3", { children: "What was said last" }),
      last.map((s) => /* @__PURE__ */ jsxs3("div", { class: "led led-" + s.message?.Role, children: [
        /* @__PURE__ */ jsx3("span", { class: "led-who", children: s.message?.Role === "user" ? "asked" : s.agent }),
        /* @__PURE__ */ jsx3(Markdown2, { text: (s.message?.Contents ?? []).map((c) => c.Type === "text" ? c.Text : "").join("") })
      ] }, s.run + s.position))
    ] }),
    whole.data?.input !== void 0 && /* @__PURE__ */ jsxs3("section", { children: [
      /* @__PURE__ */ jsx3("h3", { children: "Input of the run" }),
      /* @__PURE__ */ jsx3(Payload3, { value: whole.data.input, label: "input" })
    ] }),
    text !== null && /* @__PURE__ */ jsxs3("label", { class: "field", children: [
      "Data of the event (JSON)",
      /* @__PURE__ */ jsx3("textarea", { class: "code", rows: 4, value: text, spellcheck: false, onInput: (e) => setText(e.currentTarget.value), "aria-invalid": !!typed && !typed.ok }),
      typed && !typed.ok && text.trim() !== "" && /* @__PURE__ */ jsxs3("span", { class: "field-error", role: "alert", children: [
        "Line ",
        typed.line,
        ", column ",
        typed.column,
        ": ",
        typed.message
      ] })
    ] }),
    gone && !busy ? /* @__PURE__ */ jsxs3("div", { class: "decide-conflict", role: "alert", children: [
      /* @__PURE__ */ jsxs3("strong", { children: [
        "It waits for ",
        name,
        " no more."
      ] }),
      /* @__PURE__ */ jsx3("p", { class: "dim", children: "The event has come, its time was over, or the run has ended." }),
      /* @__PURE__ */ jsx3("button", { type: "button", onClick: () => onDone(null), children: "Go on" })
    ] }) : confirm !== null ? /* @__PURE__ */ jsxs3("div", { class: "decide-row", role: "alertdialog", "aria-label": word(confirm) + "?", onKeyDown: (e) => e.key === "Escape" && (e.stopPropagation(), setConfirm(null)), children: [
      /* @__PURE__ */ jsxs3("span", { children: [
        word(confirm),
        "?"
      ] }),
      /* @__PURE__ */ jsxs3("button", { type: "button", ref: yes, class: confirm ? "tone-good" : "tone-bad", disabled: off !== "", onClick: () => raise(confirm, doneWord(confirm)), children: [
        "Yes, ",
        word(confirm).toLowerCase()
      ] }),
      /* @__PURE__ */ jsx3("button", { type: "button", onClick: () => setConfirm(null), children: "No" })
    ] }) : /* @__PURE__ */ jsx3("div", { class: "decide-row", children: text === null ? /* @__PURE__ */ jsxs3(Fragment3, { children: [
      /* @__PURE__ */ jsxs3("button", { type: "button", class: "tone-good", disabled: busy || off !== "", "aria-keyshortcuts": "a", onClick: () => raise(true, doneWord(true)), children: [
        busy ? "Applying…" : word(true),
        /* @__PURE__ */ jsx3("kbd", { "aria-hidden": "true", children: "a" })
      ] }),
      /* @__PURE__ */ jsxs3("button", { type: "button", class: "tone-bad", disabled: busy || off !== "", "aria-keyshortcuts": "d", onClick: () => raise(false, doneWord(false)), children: [
        word(false),
        /* @__PURE__ */ jsx3("kbd", { "aria-hidden": "true", children: "d" })
      ] }),
      /* @__PURE__ */ jsx3("button", { type: "button", class: "link", onClick: () => setText(""), children: "Other data" })
    ] }) : /* @__PURE__ */ jsxs3(Fragment3, { children: [
      /* @__PURE__ */ jsxs3("button", { type: "button", class: "tone-good", disabled: busy || off !== "" || !typed?.ok, onClick: () => typed?.ok && raise(typed.value, name + " was raised"), children: [
        "Raise ",
        name
      ] }),
      /* @__PURE__ */ jsx3("button", { type: "button", class: "link", onClick: () => setText(null), children: "Back" })
    ] }) }),
    /* @__PURE__ */ jsx3("p", { class: "dim small", children: text === null ? `Raises the event ${name} with ${approves ? "true or false as its data" : "this as its data"}.` : "" }),
    off && /* @__PURE__ */ jsx3("p", { class: "dim", role: "status", children: off }),
    error && /* @__PURE__ */ jsxs3("p", { class: "field-error", role: "alert", children: [
      error.message,
      error.hint && ". " + error.hint
    ] })
  ] });
}

// src/pages/inbox.tsx
import { Fragment as Fragment4, jsx as jsx4, jsxs as jsxs4 } from "./core.js";
function Inbox() {
  return /* @__PURE__ */ jsxs4("section", { class: "page inbox", children: [
    /* @__PURE__ */ jsx4("h1", { children: "Inbox" }),
    /* @__PURE__ */ jsx4(Tabs, { label: "Inbox", tabs: [
      { id: "open", title: "Waiting", panel: () => /* @__PURE__ */ jsx4(Open, {}) },
      { id: "answered", title: "Answered", panel: () => /* @__PURE__ */ jsx4(Answered2, {}) }
    ] })
  ] });
}
var waiting = "phase:waiting_event";
var waitOf = (r) => [r.id, r.incarnation, r.wait_name, r.phase_since].join("\n");
function Open() {
  const decisions = useDecisions();
  const runs = useQuery4("runs" + query4({ filter: waiting, limit: 200 }));
  const reread = useSlowly2(runs.refetch);
  useTopic2("list:" + waiting, void 0, (events) => reread(events.some((e) => e.data.unseen > 0)));
  const raised = useRef3(/* @__PURE__ */ new Set());
  const items = useMemo(
    () => itemsOf(decisions.rows ?? [], (runs.data?.items ?? []).filter((r) => !raised.current.has(waitOf(r)))),
    [decisions.rows, runs.data]
  );
  const [done, setDone] = useState3();
  const [ask, setAsk] = useState3();
  const list = useRef3(null);
  const focusNext = useRef3(false);
  const chosen = param2("id");
  const choose = (id) => setParams2({ id });
  const held = useRef3(null);
  const found = items.findIndex((i) => i.id === (chosen || held.current?.item.id));
  const gone = found < 0 && !!held.current && (!chosen || chosen === held.current.item.id);
  const place = gone ? held.current?.place ?? 0 : Math.max(0, found);
  const item = gone ? held.current?.item : items[place];
  held.current = item ? { item, place } : null;
  useEffect2(() => {
    if (focusNext.current && item) {
      focusNext.current = false;
      list.current?.querySelector('[aria-selected="true"]')?.focus();
    }
  }, [item?.id]);
  function finish(id, run, text) {
    const rest = items.filter((i) => i.id !== id);
    const next = rest[Math.min(place, rest.length - 1)];
    setDone(text === null ? void 0 : { text, run });
    focusNext.current = true;
    held.current = null;
    choose(next?.id);
    if (item?.kind === "event" && text !== null) {
      raised.current.add(waitOf(item.run));
    }
    decisions.drop(id);
    runs.set((old) => old && { ...old });
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
      setAsk((old) => ({ id: item.id, answer, n: (old?.n ?? 0) + 1 }));
    }
  }
  const within = (e) => list.current?.contains(e.target);
  useKeys2({
    a: (e) => press(e, "a"),
    d: (e) => press(e, "d"),
    j: (e) => move(e, gone ? place : place + 1),
    k: (e) => move(e, place - 1),
    ArrowDown: (e) => within(e) && move(e, place + 1),
    ArrowUp: (e) => within(e) && move(e, place - 1)
  });
  if (!decisions.rows && decisions.error) {
    return /* @__PURE__ */ jsx4(Problem2, { error: decisions.error, retry: decisions.refetch });
  }
  if (!decisions.rows || !runs.data && !runs.error) {
    return /* @__PURE__ */ jsx4("p", { class: "dim pad", children: "…" });
  }
  if (!item) {
    return /* @__PURE__ */ jsx4(Nothing, { done });
  }
  return /* @__PURE__ */ jsxs4("div", { class: "inbox-panes" + (chosen ? " chosen" : ""), children: [
    /* @__PURE__ */ jsx4("div", { class: "inbox-list", role: "listbox", "aria-label": "What waits for a person", ref: list, children: items.map((i) => /* @__PURE__ */ jsx4(Row, { item: i, selected: i === item, onChoose: () => choose(i.id) }, i.id)) }),
    /* @__PURE__ */ jsxs4("div", { class: "inbox-pane", children: [
      /* @__PURE__ */ jsxs4("button", { type: "button", class: "inbox-back quiet", onClick: () => choose(void 0), children: [
        "‹ All ",
        items.length
      ] }),
      /* @__PURE__ */ jsx4(DoneText, { done }),
      item.kind === "decision" && /* @__PURE__ */ jsx4(Detail, { decision: item.decision, ask, gone, onDone: (d) => finish(d.id, d.run, askText3(d) + ": " + doneText3(d)) }, item.id),
      item.kind === "event" && /* @__PURE__ */ jsx4(EventDetail, { run: item.run, ask, gone, onDone: (t) => finish(item.id, item.run.id, t && item.run.name + ": " + t) }, item.id)
    ] })
  ] });
}
function Row({ item, selected, onChoose }) {
  const title = item.kind === "decision" ? askText3(item.decision) : item.run.name + " waits for " + item.run.wait_name;
  const about = item.kind === "decision" ? summary(item.decision) : item.run.id;
  return /* @__PURE__ */ jsxs4(
    "div",
    {
      role: "option",
      "aria-selected": selected,
      tabIndex: selected ? 0 : -1,
      class: "inbox-row",
      onClick: onChoose,
      onKeyDown: (e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), onChoose()),
      children: [
        /* @__PURE__ */ jsx4("span", { class: "inbox-row-title", children: /* @__PURE__ */ jsx4(Visible4, { text: title, exact: true }) }),
        /* @__PURE__ */ jsx4("span", { class: "inbox-row-about", children: /* @__PURE__ */ jsx4(Visible4, { text: about, exact: true }) }),
        /* @__PURE__ */ jsxs4("span", { class: "inbox-row-foot", children: [
          /* @__PURE__ */ jsx4("span", { class: "kind kind-" + (item.kind === "event" ? "event" : item.decision.kind), children: kindText3(item.kind === "event" ? "event" : item.decision.kind) }),
          item.deadline ? /* @__PURE__ */ jsx4(Deadline3, { at: item.deadline }) : /* @__PURE__ */ jsx4(Time4, { at: item.since })
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
var sample = `agent.NewTool("issue_refund", "Gives a customer money back.", issueRefund,
	agent.RequireApproval(func(_ context.Context, in Refund) bool {
		return in.Cents > 5000
	}))`;
function DoneText({ done }) {
  return /* @__PURE__ */ jsx4("p", { class: "inbox-done", role: "status", children: done && /* @__PURE__ */ jsxs4(Fragment4, { children: [
    "✓ ",
    /* @__PURE__ */ jsx4(Visible4, { text: done.text, exact: true }),
    " ",
    /* @__PURE__ */ jsx4("a", { href: links4.run(done.run), children: "See the run" })
  ] }) });
}
function Nothing({ done }) {
  return /* @__PURE__ */ jsxs4(Fragment4, { children: [
    /* @__PURE__ */ jsx4(DoneText, { done }),
    /* @__PURE__ */ jsxs4(Empty2, { title: "Nothing waits for you", children: [
      /* @__PURE__ */ jsx4("p", { children: "Paused runs hold no compute: they wait on disk, for an hour or for years." }),
      /* @__PURE__ */ jsx4("p", { children: "A tool asks for approval with one option:" }),
      /* @__PURE__ */ jsx4("pre", { class: "sample", tabIndex: 0, children: sample })
    ] })
  ] });
}
function useDecisions() {
  const q = useQuery4("decisions?state=pending&limit=1000");
  const drop = (ids, more = []) => q.set((old) => old && { ...old, items: [...old.items.filter((d) => !ids.has(d.id)), ...more] });
  useTopic2("inbox", void 0, (events) => {
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
export {
  Inbox
};
