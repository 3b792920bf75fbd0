// src/pages/chat.tsx
import { useEffect as useEffect5, useLayoutEffect as useLayoutEffect2, useMemo, useRef as useRef3, useState as useState5 } from "./core.js";
import { path as route3, readOnly, useQuery } from "./core.js";
import { cost, count as count2, shortened } from "./core.js";
import { links as links3 } from "./core.js";
import { Share } from "./core.js";
import { Visible as Visible3 } from "./core.js";

// src/pages/chat/blocks.ts
function blocksOf(messages) {
  const blocks = [];
  let author = "";
  for (const m of messages) {
    let block = blocks[blocks.length - 1];
    if (!block || block.turn !== m.turn) {
      block = { turn: m.turn, parts: [] };
      blocks.push(block);
      author = "";
    }
    if (!m.message) {
      continue;
    }
    if (m.message.Role === "assistant" && (m.message.AuthorName ?? "") !== author) {
      author = m.message.AuthorName ?? "";
      block.parts.push({ kind: "by", offset: m.position, author });
    }
    addMessage(block.parts, m.message, m.position);
  }
  return blocks;
}
function spokenIn(block) {
  return (block?.parts ?? []).filter((p) => p.kind === "user");
}
function addMessage(parts, m, offset) {
  if (m.Role === "user" || m.Role === "system") {
    const others = m.Contents.filter((c) => c.Type !== "text" && c.Type !== "functionResult");
    const text = m.Contents.map((c) => c.Type === "text" ? c.Text : "").join("");
    if (text !== "" || others.length > 0) {
      parts.push({ kind: "user", offset, role: m.Role, author: m.AuthorName, at: m.CreatedAt, text, others });
    }
  }
  for (const c of m.Contents) {
    switch (c.Type) {
      case "text":
      case "reasoning": {
        if (m.Role === "user" || m.Role === "system" || c.Text === "") {
          break;
        }
        const last = parts[parts.length - 1];
        if (last && last.kind === c.Type && last.step === offset) {
          parts[parts.length - 1] = { ...last, text: last.text + c.Text };
        } else {
          parts.push({ kind: c.Type, step: offset, offset, text: c.Text });
        }
        break;
      }
      case "functionCall":
      case "mcpServerToolCall":
        parts.push({ kind: "call", step: offset, offset, callId: c.CallID, tool: c.Name, args: c.Arguments });
        break;
      case "functionResult":
        settle(parts, c.CallID, c.Result, c.Error);
        break;
      case "usage":
        break;
      default:
        if (m.Role !== "user" && m.Role !== "system") {
          parts.push({ kind: "other", offset, content: c });
        }
    }
  }
}
function settle(parts, callId, result, error) {
  for (let i = parts.length - 1; i >= 0; i--) {
    const p = parts[i];
    if (p?.kind === "call" && p.callId === callId && !p.ended) {
      parts[i] = { ...p, ended: true, result, error };
      return;
    }
  }
}
function callsOf(block) {
  return block.parts.filter((p) => p.kind === "call");
}
function turnKey(turn) {
  return turn.slice(turn.lastIndexOf("~") + 1);
}

// src/pages/chat/Composer.tsx
import { useEffect, useLayoutEffect, useRef, useState } from "./core.js";
import { hindered } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
function Composer({ path: path2, running, off, onSend, onStop }) {
  const [text, setText] = useState(() => sessionStorage.getItem("draft:" + path2) ?? "");
  const [stopping, setStopping] = useState(false);
  const stuck = hindered();
  const area = useRef(null);
  useEffect(() => {
    area.current?.focus({ preventScroll: true });
  }, [path2]);
  useEffect(() => {
    if (!running) {
      setStopping(false);
    }
  }, [running]);
  useLayoutEffect(() => {
    const el = area.current;
    if (el) {
      el.style.height = "auto";
      el.style.height = Math.min(el.scrollHeight, innerHeight * 0.4) + "px";
    }
  }, [text]);
  function write(to) {
    setText(to);
    try {
      sessionStorage.setItem("draft:" + path2, to);
    } catch {
    }
  }
  function send() {
    if (text.trim() !== "" && off === "") {
      onSend(text);
      write("");
    }
  }
  return /* @__PURE__ */ jsxs("form", { class: "composer", onSubmit: (e) => {
    e.preventDefault();
    send();
  }, children: [
    /* @__PURE__ */ jsx(
      "textarea",
      {
        ref: area,
        rows: 1,
        value: text,
        placeholder: running ? "Write on; it is queued" : "Write a message",
        "aria-label": "Message",
        dir: "auto",
        onInput: (e) => write(e.currentTarget.value),
        onKeyDown: (e) => {
          if (e.key === "Enter" && !e.shiftKey && !e.isComposing) {
            e.preventDefault();
            send();
          } else if (e.key === "Escape") {
            e.currentTarget.blur();
          }
        }
      }
    ),
    /* @__PURE__ */ jsxs("div", { class: "composer-foot", children: [
      /* @__PURE__ */ jsx("span", { class: "dim small", children: off || /* @__PURE__ */ jsxs(Fragment, { children: [
        /* @__PURE__ */ jsx("kbd", { children: "Enter" }),
        " sends, ",
        /* @__PURE__ */ jsx("kbd", { children: "Shift" }),
        " ",
        /* @__PURE__ */ jsx("kbd", { children: "Enter" }),
        " makes a line"
      ] }) }),
      running && /* @__PURE__ */ jsx("button", { type: "button", disabled: stopping || stuck !== "", title: stuck || void 0, onClick: () => {
        setStopping(true);
        void onStop();
      }, children: stopping ? "Stopping…" : "■ Stop" }),
      /* @__PURE__ */ jsx("button", { type: "submit", class: "primary", disabled: text.trim() === "" || off !== "", children: running ? "Queue" : "Send" })
    ] })
  ] });
}

// src/pages/chat/session.ts
import { useEffect as useEffect2, useRef as useRef2, useState as useState2 } from "./core.js";
import { call, path as route, query } from "./core.js";
import { randomKey } from "./core.js";
import { useTopic } from "./core.js";
import { applyFrames, emptyTurn } from "./core.js";
import { followTurn } from "./core.js";

// src/pages/chat/unsent.ts
function loadUnsent(path2) {
  try {
    return JSON.parse(sessionStorage.getItem("unsent:" + path2) ?? "[]");
  } catch {
    return [];
  }
}
function storeUnsent(path2, list) {
  try {
    if (list.length === 0) {
      sessionStorage.removeItem("unsent:" + path2);
    } else {
      sessionStorage.setItem("unsent:" + path2, JSON.stringify(list));
    }
  } catch {
  }
  return list;
}

// src/pages/chat/session.ts
var pageSize = 200;
function useChat(agent, key) {
  const path2 = route`agents/${agent}/sessions/${key}`;
  const [session, setSession] = useState2(void 0);
  const [messages, setMessages] = useState2([]);
  const [turns, setTurns] = useState2(/* @__PURE__ */ new Map());
  const [live, setLive] = useState2(null);
  const [unsent, setUnsent] = useState2(() => loadUnsent(path2));
  const [error, setError] = useState2(null);
  const next = useRef2(-1);
  const reading = useRef2(null);
  const ended = useRef2(/* @__PURE__ */ new Set());
  const partials = useRef2(/* @__PURE__ */ new Map());
  const page = useRef2(new AbortController());
  const messagesNow = useRef2([]);
  messagesNow.current = messages;
  const wanted = useRef2(false);
  async function read() {
    wanted.current = true;
    reading.current ??= (async () => {
      try {
        while (wanted.current && !page.current.signal.aborted) {
          wanted.current = false;
          await readOnce();
        }
      } finally {
        reading.current = null;
      }
    })();
    await reading.current;
  }
  async function readOnce() {
    const signal = page.current.signal;
    try {
      if (next.current < 0 && !await exists(agent, key, signal)) {
        setSession(null);
        setError(null);
        return;
      }
      const s = await call("GET", path2, { signal });
      if (next.current < 0) {
        next.current = Math.max(0, s.messages - pageSize);
      }
      for (; ; ) {
        const t = await call("GET", `${path2}/messages?from=${next.current}&limit=${pageSize}`, { signal });
        const last = t.items[t.items.length - 1];
        if (last) {
          next.current = last.position + 1;
          setMessages((old) => [...old, ...t.items]);
        }
        if (t.next === void 0) {
          break;
        }
      }
      const accounts = await call("GET", `${path2}/turns?limit=100`, { signal });
      setTurns((old) => new Map([...old, ...accounts.items.map((a) => [a.turn, a])]));
      setSession(s);
      setError(null);
      if (s.running && !ended.current.has(s.running)) {
        setLive((l) => l?.turn === s.running ? l : { turn: s.running, text: emptyTurn(), state: "attaching" });
      } else if (!s.running) {
        setLive((l) => l && ended.current.has(l.turn) ? null : l);
      }
      setUnsent((list) => storeUnsent(path2, list.filter((u) => !(u.turn && (accounts.items.some((a) => a.turn === u.turn && a.ended) || messagesNow.current.some((m) => m.turn === u.turn))))));
    } catch (err) {
      if (signal.aborted) {
        return;
      }
      const e = err;
      if (e.status === 404) {
        setSession(null);
        setError(null);
      } else {
        setError(e);
        setTimeout(() => void read(), 1e3);
      }
    }
  }
  useEffect2(() => {
    page.current = new AbortController();
    void read();
    for (const u of loadUnsent(path2)) {
      if (!u.turn) {
        void post(u);
      }
    }
    return () => page.current.abort();
  }, [path2]);
  useTopic("sessions:" + agent, void 0, (events) => {
    if (events.some((e) => e.kind === "reset" || e.data.upsert?.some((s) => s.key === key))) {
      void read();
    }
  });
  const running = live?.turn;
  useEffect2(() => {
    if (!running) {
      return;
    }
    const c = new AbortController();
    let text = emptyTurn();
    let waiting = [];
    let drawn = 0;
    const draw = () => {
      drawn = 0;
      text = applyFrames(text, waiting);
      waiting = [];
      const now = text;
      setLive((l) => l?.turn === running ? { ...l, text: now } : l);
      if (now.status) {
        ended.current.add(running);
        if (now.status !== "completed") {
          partials.current.set(running, now);
        }
        void read().then(() => setLive((l) => l?.turn === running ? null : l));
      }
    };
    followTurn({
      offset: 0,
      signal: c.signal,
      open: (offset, signal) => openTurn(path2, running, offset, signal),
      onState: (state) => setLive((l) => l?.turn === running ? { ...l, state } : l),
      onFrames: (frames) => {
        waiting.push(...frames);
        drawn ||= document.hidden ? window.setTimeout(draw, 100) : requestAnimationFrame(draw);
      }
    }).catch(() => {
      ended.current.add(running);
      void read().then(() => setLive((l) => l?.turn === running ? null : l));
    });
    return () => c.abort();
  }, [running]);
  function change(key2, by) {
    setUnsent((list) => storeUnsent(path2, list.map((u) => u.key === key2 ? { ...u, ...by } : u)));
  }
  async function post(u) {
    const signal = page.current.signal;
    for (let pause = 250; !signal.aborted; pause = Math.min(2e3, pause * 2)) {
      try {
        const p = await call("POST", path2 + "/messages", { body: { message: u.text }, signal, key: u.key });
        change(u.key, { turn: p.turn, error: void 0, waits: void 0 });
        if (!ended.current.has(p.turn)) {
          setLive((l) => l ?? { turn: p.turn, text: emptyTurn(), state: "attaching" });
        }
        void read();
        return;
      } catch (err) {
        if (signal.aborted) {
          return;
        }
        const e = err;
        if (e.status !== 0 && e.status < 500 && e.status !== 429) {
          change(u.key, { error: e.message });
          return;
        }
        change(u.key, { waits: true });
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return {
    session,
    messages,
    turns,
    live,
    unsent,
    error,
    partials: partials.current,
    first: messages[0]?.position ?? 0,
    send(text) {
      const u = { key: randomKey(), text };
      setUnsent((list) => storeUnsent(path2, [...list, u]));
      void post(u);
    },
    async stop() {
      try {
        await call("POST", path2 + "/stop", { body: live ? { turn: live.turn } : {} });
      } catch (err) {
        setError(err);
      }
    },
    again(key2) {
      const u = unsent.find((x) => x.key === key2);
      if (u) {
        change(key2, { error: void 0 });
        void post(u);
      }
    },
    drop: (key2) => setUnsent((list) => storeUnsent(path2, list.filter((u) => u.key !== key2))),
    earlier() {
      const first = messages[0]?.position ?? 0;
      const from = Math.max(0, first - pageSize);
      void call("GET", `${path2}/messages?from=${from}&limit=${first - from}`).then(
        (t) => setMessages((old) => [...t.items.filter((m) => m.position < (old[0]?.position ?? 0)), ...old]),
        (err) => setError(err)
      );
    }
  };
}
async function exists(agent, key, signal) {
  const where = "entities" + query({ name: "dafx-" + agent.toLowerCase(), key, limit: 1 });
  const found = await call("GET", where, { signal });
  return found.items.some((e) => e.key === key);
}
function openTurn(path2, turn, offset, signal) {
  return fetch("api/v1/" + path2 + route`/turns/${turnKey(turn)}/stream` + "?offset=" + offset, {
    signal,
    headers: { Accept: "text/event-stream", "X-Perdure": "1" },
    credentials: "same-origin",
    cache: "no-store"
  });
}

// src/pages/chat/Turn.tsx
import { Component } from "./core.js";
import { useEffect as useEffect4, useState as useState4 } from "./core.js";
import { get as get2, path as route2, query as query2 } from "./core.js";
import { count, duration as duration2 } from "./core.js";
import { links as links2 } from "./core.js";
import { Markdown } from "./markdown.js";
import { applyFrames as applyFrames2, emptyTurn as emptyTurn2 } from "./core.js";
import { followTurn as followTurn2 } from "./core.js";
import { Payload as Payload2 } from "./core.js";
import { Time } from "./core.js";
import { Visible as Visible2 } from "./core.js";

// src/pages/chat/Tool.tsx
import { useEffect as useEffect3, useState as useState3 } from "./core.js";
import { get, path } from "./core.js";
import { doneText, timeoutText } from "./core.js";
import { duration } from "./core.js";
import { links } from "./core.js";
import { Arguments } from "./core.js";
import { Deadline } from "./core.js";
import { Decide } from "./core.js";
import { Payload } from "./core.js";
import { Visible } from "./core.js";
import { Fragment as Fragment2, jsx as jsx2, jsxs as jsxs2 } from "./core.js";
function Tool({ call: call2, step, decision, running }) {
  const [open, setOpen] = useState3(false);
  const waits = !!call2.decision && !call2.decided && !call2.ended;
  const failed = !!call2.error || step?.status === "failed";
  const denied = decision?.answer === "deny" || decision?.state === "expired" && decision.on_timeout !== "escalate";
  const state = waits ? "waits for a person" : call2.ended ? denied ? "denied" : failed ? "failed" : "done" : running ? "runs" : "open";
  return /* @__PURE__ */ jsxs2("div", { role: "group", class: "call call-" + (waits ? "waits" : call2.ended ? failed ? "failed" : "done" : "runs"), "aria-label": "call of " + call2.tool, children: [
    /* @__PURE__ */ jsxs2("button", { type: "button", class: "call-head", "aria-expanded": open || waits, onClick: () => setOpen(!open), children: [
      /* @__PURE__ */ jsx2("span", { class: "call-icon", "aria-hidden": "true", children: waits ? "◆" : call2.ended ? failed ? "✕" : "✓" : "●" }),
      /* @__PURE__ */ jsx2("span", { class: "call-name", children: /* @__PURE__ */ jsx2(Visible, { text: call2.tool, exact: true }) }),
      /* @__PURE__ */ jsx2("span", { class: "call-args", children: /* @__PURE__ */ jsx2(Visible, { text: short(call2.args), exact: true }) }),
      /* @__PURE__ */ jsxs2("span", { class: "call-state", children: [
        state,
        step?.ended && call2.ended && " · " + duration(step.duration_ms ?? 0.5),
        step && step.attempt > 1 && ` · attempt ${step.attempt}`
      ] })
    ] }),
    (open || waits) && /* @__PURE__ */ jsxs2("div", { class: "call-body", children: [
      call2.run && /* @__PURE__ */ jsxs2("p", { children: [
        "served by ",
        call2.agent || "an agent",
        ": ",
        /* @__PURE__ */ jsx2("a", { href: links.run(call2.run), children: "its run" })
      ] }),
      step?.effect_id && /* @__PURE__ */ jsxs2("p", { class: "small dim", children: [
        step.effect && `${step.effect}, `,
        "effect id ",
        /* @__PURE__ */ jsx2("code", { children: step.effect_id }),
        step.outcome_open && /* @__PURE__ */ jsx2("span", { class: "bad", children: "; its outcome is not known" })
      ] }),
      !waits && /* @__PURE__ */ jsxs2(Fragment2, { children: [
        /* @__PURE__ */ jsx2("h4", { children: "Arguments" }),
        /* @__PURE__ */ jsx2(Args, { text: call2.args })
      ] }),
      waits && /* @__PURE__ */ jsx2(Waiting, { id: call2.decision }),
      !waits && (decision ?? null) && /* @__PURE__ */ jsxs2("p", { class: "call-decided", children: [
        doneText(decision),
        decision.comment && /* @__PURE__ */ jsxs2(Fragment2, { children: [
          ": “",
          /* @__PURE__ */ jsx2(Visible, { text: decision.comment }),
          "”"
        ] })
      ] }),
      call2.ended && /* @__PURE__ */ jsxs2(Fragment2, { children: [
        /* @__PURE__ */ jsx2("h4", { children: call2.error ? "Error" : "Result" }),
        call2.error ? /* @__PURE__ */ jsx2(Payload, { value: call2.error, label: "error" }) : call2.result === void 0 ? /* @__PURE__ */ jsx2("p", { class: "dim", children: running ? "long: shown when the turn has ended" : "nothing" }) : /* @__PURE__ */ jsx2(Payload, { value: call2.result, label: "result" })
      ] })
    ] })
  ] });
}
function Args({ text }) {
  let value = text;
  if (text.length < 1e5) {
    try {
      value = JSON.parse(text);
    } catch {
      value = text;
    }
  }
  return /* @__PURE__ */ jsx2(Arguments, { value });
}
function short(text) {
  return text.length > 120 ? text.slice(0, 120) + "…" : text;
}
function Waiting({ id }) {
  const [d, setDecision] = useState3(null);
  const [error, setError] = useState3("");
  useEffect3(() => {
    const c = new AbortController();
    get(path`decisions/${id}`, c.signal).then(setDecision, (err) => {
      if (!c.signal.aborted) {
        setError(err.message);
      }
    });
    return () => c.abort();
  }, [id]);
  if (!d) {
    return /* @__PURE__ */ jsx2("p", { class: "dim call-waiting", children: error || "…" });
  }
  return /* @__PURE__ */ jsxs2("div", { class: "call-waiting", children: [
    d.kind !== "budget" && /* @__PURE__ */ jsx2(Arguments, { value: d.args }),
    /* @__PURE__ */ jsxs2("p", { class: "small", children: [
      /* @__PURE__ */ jsx2(Deadline, { at: d.deadline ?? void 0, then: timeoutText(d.on_timeout) }),
      " · ",
      /* @__PURE__ */ jsx2("a", { href: "inbox?id=" + encodeURIComponent(d.id), children: "in the inbox" })
    ] }),
    d.state === "pending" ? /* @__PURE__ */ jsx2(Decide, { decision: d, onDone: setDecision }) : /* @__PURE__ */ jsx2("p", { class: "call-decided", children: doneText(d) })
  ] });
}

// src/pages/chat/Turn.tsx
import { Fragment as Fragment3, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
function Turn({ agent, path: path2, block: stored, account, live, partial }) {
  const block = usePartial(path2, stored, live ? void 0 : account, partial);
  const extra = useSteps(path2, block, !live);
  const last = block.parts[block.parts.length - 1];
  return /* @__PURE__ */ jsxs3("article", { class: "turn", "aria-label": "turn " + turnKey(block.turn), "data-turn": turnKey(block.turn), children: [
    block.parts.map((p, i) => /* @__PURE__ */ jsx3(Part, { part: p, agent, running: !!live, writing: !!live && p === last && !live.text.status, extra }, i)),
    live && !live.text.status && (!last || last.kind !== "text") && !isWaiting(last) && /* @__PURE__ */ jsxs3("p", { class: "thinking", role: "status", children: [
      /* @__PURE__ */ jsx3("span", { class: "dots", "aria-hidden": "true" }),
      " ",
      live.state === "live" ? "thinking" : live.state === "attaching" ? "attaching" : "reconnecting"
    ] }),
    account?.error && !live && account.status !== "canceled" && /* @__PURE__ */ jsxs3("p", { class: "turn-error", children: [
      /* @__PURE__ */ jsx3("strong", { children: "Failed:" }),
      " ",
      /* @__PURE__ */ jsx3(Visible2, { text: account.error.slice(0, 2e3), exact: true })
    ] }),
    /* @__PURE__ */ jsx3(Foot, { account, live, turn: block.turn, waits: block.parts.some(isWaiting) })
  ] });
}
function isWaiting(p) {
  return p?.kind === "decision" ? !p.decided : p?.kind === "call" && !!p.decision && !p.decided && !p.ended;
}
function Foot({ account, live, turn, waits }) {
  const run = links2.run(turn);
  if (live && !live.text.status) {
    return /* @__PURE__ */ jsxs3("p", { class: "turn-foot", children: [
      /* @__PURE__ */ jsx3("span", { children: live.state === "lost" ? "○ connection lost, attaching again" : waits ? "◆ waits for a person, at no cost" : "● running" }),
      live.text.step > 1 && /* @__PURE__ */ jsxs3("span", { children: [
        "step ",
        live.text.step
      ] }),
      live.text.attempt > 1 && /* @__PURE__ */ jsxs3("span", { children: [
        "attempt ",
        live.text.attempt
      ] }),
      /* @__PURE__ */ jsx3("a", { href: run, children: "run" })
    ] });
  }
  if (!account?.ended) {
    return /* @__PURE__ */ jsx3("p", { class: "turn-foot", children: /* @__PURE__ */ jsx3("span", { children: "✓ saving" }) });
  }
  return /* @__PURE__ */ jsxs3("p", { class: "turn-foot", children: [
    /* @__PURE__ */ jsx3("span", { class: "committed" + (account.status === "completed" ? "" : " broken"), title: "committed " + account.ended, children: account.status === "completed" ? "✓ committed" : account.status === "canceled" ? "■ stopped" : "✕ " + account.status }),
    /* @__PURE__ */ jsx3(Time, { at: account.ended }),
    account.duration_ms !== void 0 && /* @__PURE__ */ jsx3("span", { children: duration2(account.duration_ms) }),
    account.tokens.total > 0 && /* @__PURE__ */ jsxs3("span", { title: `${account.tokens.in} tokens read, ${account.tokens.out} written, ${account.tokens.cached ?? 0} of those read from a cache`, children: [
      count(account.tokens.in),
      " → ",
      count(account.tokens.out),
      " tokens"
    ] }),
    account.cost_usd > 0 && /* @__PURE__ */ jsxs3("span", { children: [
      "$",
      account.cost_usd.toFixed(account.cost_usd < 0.01 ? 5 : 3)
    ] }),
    account.steps > 1 && /* @__PURE__ */ jsxs3("span", { children: [
      account.steps,
      " model steps"
    ] }),
    account.model && /* @__PURE__ */ jsx3("span", { children: account.model }),
    /* @__PURE__ */ jsx3("a", { href: run, children: "run" })
  ] });
}
var Part = class extends Component {
  shouldComponentUpdate(next) {
    const now = this.props;
    return now.part !== next.part || now.running !== next.running || now.writing !== next.writing || now.extra !== next.extra;
  }
  render() {
    return shown(this.props);
  }
};
function shown({ part: p, agent, running, writing, extra }) {
  switch (p.kind) {
    case "user":
      return /* @__PURE__ */ jsxs3("div", { class: "msg msg-" + p.role, children: [
        p.author && /* @__PURE__ */ jsx3("span", { class: "msg-by", children: /* @__PURE__ */ jsx3(Visible2, { text: p.author, exact: true }) }),
        p.text && /* @__PURE__ */ jsx3("div", { class: "bubble", dir: "auto", children: /* @__PURE__ */ jsx3(Markdown, { text: p.text }) }),
        p.others.map((c, i) => /* @__PURE__ */ jsx3(Other, { content: c }, i))
      ] });
    case "by":
      return p.author && p.author.toLowerCase() !== agent.toLowerCase() ? /* @__PURE__ */ jsx3("p", { class: "msg-by", children: /* @__PURE__ */ jsx3(Visible2, { text: p.author, exact: true }) }) : null;
    case "text":
      return /* @__PURE__ */ jsx3("div", { class: "msg msg-assistant" + (writing ? " writing" : ""), children: /* @__PURE__ */ jsx3(Markdown, { text: p.text }) });
    case "reasoning":
      return /* @__PURE__ */ jsxs3("details", { class: "thought", children: [
        /* @__PURE__ */ jsxs3("summary", { children: [
          writing ? "Reasoning…" : "Reasoning",
          " ",
          /* @__PURE__ */ jsxs3("span", { class: "dim", children: [
            count(p.text.split(/\s+/).length),
            " words"
          ] })
        ] }),
        /* @__PURE__ */ jsx3(Markdown, { text: p.text })
      ] });
    case "call":
      return /* @__PURE__ */ jsx3(Tool, { call: p, running, step: extra?.steps.get(p.callId), decision: extra?.decisions.get(p.callId) });
    case "agent":
      return /* @__PURE__ */ jsxs3("p", { class: "handoff", children: [
        "→ ",
        /* @__PURE__ */ jsx3("strong", { children: /* @__PURE__ */ jsx3(Visible2, { text: p.agent, exact: true }) }),
        " has the conversation",
        p.run && /* @__PURE__ */ jsxs3(Fragment3, { children: [
          ", ",
          /* @__PURE__ */ jsx3("a", { href: links2.run(p.run), children: "its run" })
        ] })
      ] });
    case "decision":
      return p.decided ? /* @__PURE__ */ jsx3("p", { class: "handoff", children: "decided" }) : /* @__PURE__ */ jsx3("div", { class: "call call-waits", children: /* @__PURE__ */ jsx3("div", { class: "call-body", children: /* @__PURE__ */ jsx3(Waiting, { id: p.decision }) }) });
    case "other":
      return /* @__PURE__ */ jsx3(Other, { content: p.content });
  }
}
var maxImage = 8e6;
function Other({ content: c }) {
  if (c.Type === "data" && /^data:image\/(png|jpeg|gif|webp);base64,/.test(c.URI) && c.URI.length < maxImage) {
    return /* @__PURE__ */ jsx3("img", { class: "msg-image", src: c.URI, alt: c.Name ?? "image" });
  }
  if (c.Type === "error") {
    return /* @__PURE__ */ jsx3("p", { class: "turn-error", children: /* @__PURE__ */ jsx3(Visible2, { text: c.Message, exact: true }) });
  }
  return /* @__PURE__ */ jsxs3("details", { class: "thought", children: [
    /* @__PURE__ */ jsx3("summary", { children: c.Type }),
    /* @__PURE__ */ jsx3(Payload2, { value: c, label: c.Type })
  ] });
}
function usePartial(path2, block, account, seen) {
  const [read, setRead] = useState4(seen);
  const broken = !!account?.ended && account.status !== "completed" && block.parts.every((p) => p.kind === "user");
  useEffect4(() => {
    if (!broken || read || account?.folded) {
      return;
    }
    const c = new AbortController();
    let text = emptyTurn2();
    followTurn2({
      offset: 0,
      signal: c.signal,
      open: (offset, signal) => openTurn(path2, block.turn, offset, signal),
      onFrames: (frames) => {
        text = applyFrames2(text, frames);
        if (text.status) {
          setRead(text);
        }
      }
    }).catch(() => {
    });
    return () => c.abort();
  }, [broken, block.turn]);
  return broken && read ? { ...block, parts: [...block.parts, ...read.parts] } : block;
}
function useSteps(path2, block, ended) {
  const [extra, setExtra] = useState4(null);
  const calls = callsOf(block).length;
  useEffect4(() => {
    if (calls === 0 || !ended) {
      return;
    }
    const c = new AbortController();
    Promise.all([
      get2(path2 + route2`/turns/${turnKey(block.turn)}/steps`, c.signal),
      get2("decisions" + query2({ run: block.turn }), c.signal)
    ]).then(
      ([steps, decisions]) => setExtra({
        steps: new Map(steps.items.flatMap((s) => s.call_id ? [[s.call_id, s]] : [])),
        decisions: new Map(decisions.items.flatMap((d) => d.call_id ? [[d.call_id, d]] : []))
      }),
      () => {
      }
      // after a day the journal of a turn is folded: the conversation stays
    );
    return () => c.abort();
  }, [block.turn, calls, ended]);
  return extra;
}

// src/pages/chat.tsx
import { Fragment as Fragment4, jsx as jsx4, jsxs as jsxs4 } from "./core.js";
function Chat({ params }) {
  const agent = params.agent ?? "";
  const key = params.key ?? "";
  return /* @__PURE__ */ jsx4(Conversation, { agent, session: key }, agent + "\n" + key);
}
function Conversation({ agent, session: key }) {
  const chat = useChat(agent, key);
  const info = useQuery(route3`agents/${agent}`);
  const path2 = route3`agents/${agent}/sessions/${key}`;
  const blocks = useMemo(() => blocksOf(chat.messages), [chat.messages]);
  const running = !!chat.live && !chat.live.text.status;
  const s = chat.session;
  const empty = s !== void 0 && blocks.length === 0 && chat.unsent.length === 0 && !chat.live;
  return /* @__PURE__ */ jsxs4("section", { class: "page chat", children: [
    /* @__PURE__ */ jsxs4("header", { class: "page-head chat-head", children: [
      /* @__PURE__ */ jsxs4("h1", { children: [
        /* @__PURE__ */ jsx4("a", { href: links3.agent(agent), children: /* @__PURE__ */ jsx4(Visible3, { text: info.data?.name ?? agent, exact: true }) }),
        " ",
        /* @__PURE__ */ jsxs4("span", { class: "dim", title: key, children: [
          "/ ",
          /* @__PURE__ */ jsx4(Visible3, { text: key.length > 24 ? key.slice(0, 8) + "…" : key, exact: true })
        ] })
      ] }),
      /* @__PURE__ */ jsxs4("p", { class: "dim chat-about", children: [
        s && /* @__PURE__ */ jsxs4("span", { children: [
          s.turns,
          " ",
          s.turns === 1 ? "turn" : "turns"
        ] }),
        s && /* @__PURE__ */ jsxs4("span", { children: [
          count2(s.tokens.total),
          " tokens"
        ] }),
        !!s?.cost_usd && /* @__PURE__ */ jsx4("span", { title: "What the models of all its turns have cost", children: cost(s.cost_usd * 1e6) }),
        s?.owner_run && /* @__PURE__ */ jsxs4("span", { children: [
          "asked by ",
          /* @__PURE__ */ jsx4("a", { href: links3.run(s.owner_run), title: s.owner_run, children: /* @__PURE__ */ jsx4(Visible3, { text: shortened(s.owner_run), exact: true }) })
        ] }),
        info.data?.model && /* @__PURE__ */ jsx4("span", { children: /* @__PURE__ */ jsx4(Visible3, { text: info.data.model, exact: true }) }),
        s && /* @__PURE__ */ jsx4("a", { href: links3.entity("dafx-" + agent.toLowerCase(), key), children: "state" }),
        s && /* @__PURE__ */ jsx4("a", { href: links3.runs('session:"' + s.id + '"'), children: "runs" }),
        s && /* @__PURE__ */ jsx4(Share, { what: "session", id: s.id, command: ["agent chat", [info.data?.name ?? agent, key]], json: { path: path2 + "/export", file: `${agent}-${key}.json` } })
      ] })
    ] }),
    info.error?.status === 404 && /* @__PURE__ */ jsxs4("p", { class: "problem", role: "alert", children: [
      info.error.message,
      info.error.hint && ". " + info.error.hint
    ] }),
    /* @__PURE__ */ jsx4(Log, { chat, blocks, agent, path: path2, children: empty && /* @__PURE__ */ jsx4(Welcome, { info: info.data, onPick: chat.send }) }),
    chat.error && /* @__PURE__ */ jsx4("p", { class: "problem", role: "status", children: chat.error.status === 0 ? "The server does not answer. It goes on as soon as it does." : chat.error.message }),
    /* @__PURE__ */ jsx4(Composer, { path: path2, running, off: info.error?.status === 404 ? "there is no such agent" : readOnly ? "this dashboard is read-only" : "", onSend: chat.send, onStop: chat.stop })
  ] });
}
function Log({ chat, blocks, agent, path: path2, children }) {
  const box = useRef3(null);
  const atEnd = useRef3(true);
  const [away, setAway] = useState5(false);
  const { live, unsent } = chat;
  const shown2 = blocks.filter((b) => b.turn !== live?.turn);
  const stored = blocks.find((b) => b.turn === live?.turn);
  const open = unsent.filter((u) => !u.turn || u.turn !== live?.turn && !blocks.some((b) => b.turn === u.turn));
  const own = live && !stored ? unsent.find((u) => u.turn === live.turn) : void 0;
  useLayoutEffect2(() => {
    if (atEnd.current && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  });
  useEffect5(() => {
    const inner = box.current?.firstElementChild;
    if (!inner) {
      return;
    }
    const o = new ResizeObserver(() => {
      if (atEnd.current && box.current) {
        box.current.scrollTop = box.current.scrollHeight;
      }
    });
    o.observe(inner);
    return () => o.disconnect();
  }, []);
  function onScroll() {
    const b = box.current;
    if (b) {
      atEnd.current = b.scrollHeight - b.scrollTop - b.clientHeight < 40;
      setAway(!atEnd.current);
    }
  }
  return /* @__PURE__ */ jsxs4("div", { class: "chat-log", ref: box, onScroll, tabIndex: 0, role: "region", "aria-label": "Conversation", children: [
    /* @__PURE__ */ jsxs4("div", { class: "chat-inner", children: [
      chat.session === void 0 && !chat.error && /* @__PURE__ */ jsx4("p", { class: "dim", children: "…" }),
      chat.first > 0 && /* @__PURE__ */ jsx4("button", { type: "button", class: "quiet more", onClick: chat.earlier, children: "Show earlier messages" }),
      children,
      shown2.map((b) => /* @__PURE__ */ jsx4(Turn, { agent, path: path2, block: b, account: chat.turns.get(b.turn), partial: chat.partials.get(b.turn) }, b.turn)),
      live && /* @__PURE__ */ jsx4(Turn, { agent, path: path2, block: liveBlock(live, stored, own), account: chat.turns.get(live.turn), live }, live.turn),
      open.map((u) => /* @__PURE__ */ jsx4(Sending, { message: u, chat }, u.key))
    ] }),
    away && /* @__PURE__ */ jsx4("button", { type: "button", class: "chat-down", onClick: () => {
      atEnd.current = true;
      setAway(false);
      if (box.current) {
        box.current.scrollTop = box.current.scrollHeight;
      }
    }, children: "↓ To the end" })
  ] });
}
function liveBlock(live, stored, own) {
  const said = spokenIn(stored);
  const asked = said.length > 0 || !own ? said : [{ kind: "user", offset: -1, role: "user", text: own.text, others: [] }];
  return { turn: live.turn, parts: [...asked.slice(0, 1), ...live.text.parts, ...asked.slice(1)] };
}
function Sending({ message: u, chat }) {
  return /* @__PURE__ */ jsxs4("div", { class: "msg msg-user sending", children: [
    /* @__PURE__ */ jsx4("div", { class: "bubble", dir: "auto", children: /* @__PURE__ */ jsx4(Visible3, { text: u.text.slice(0, 4e3) }) }),
    /* @__PURE__ */ jsx4("p", { class: "turn-foot", children: u.error ? /* @__PURE__ */ jsxs4(Fragment4, { children: [
      /* @__PURE__ */ jsxs4("span", { class: "field-error", role: "alert", children: [
        "not sent: ",
        u.error
      ] }),
      /* @__PURE__ */ jsx4("button", { type: "button", class: "link", onClick: () => chat.again(u.key), children: "Send again" }),
      /* @__PURE__ */ jsx4("button", { type: "button", class: "link", onClick: () => chat.drop(u.key), children: "Drop" })
    ] }) : /* @__PURE__ */ jsx4("span", { children: u.turn ? "✓ queued" : u.waits ? "the server does not answer; sent again by itself" : "sending" }) })
  ] });
}
function Welcome({ info, onPick }) {
  if (!info) {
    return null;
  }
  const tools = info.tools.slice(0, 2).map((t) => "What can you do with " + t.Name + "?");
  return /* @__PURE__ */ jsxs4("section", { class: "empty welcome", children: [
    /* @__PURE__ */ jsx4("h2", { children: /* @__PURE__ */ jsx4(Visible3, { text: info.name, exact: true }) }),
    info.description && /* @__PURE__ */ jsx4("p", { children: /* @__PURE__ */ jsx4(Visible3, { text: info.description }) }),
    /* @__PURE__ */ jsx4("p", { class: "dim", children: "The conversation is durable: a reload, a crash or a second browser lose nothing." }),
    /* @__PURE__ */ jsx4("div", { class: "suggestions", children: ["Hello! What can you do?", "Show me an example of what you do best.", ...tools].map((t) => /* @__PURE__ */ jsx4("button", { type: "button", onClick: () => onPick(t), children: t }, t)) })
  ] });
}
export {
  Chat
};
