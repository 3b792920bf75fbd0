// src/pages/run/sequence.tsx
import { useMemo as useMemo3, useRef as useRef4, useState as useState5 } from "./core.js";
import { duration as duration4 } from "./core.js";
import { Empty } from "./core.js";

// src/pages/run/history.tsx
import { useEffect as useEffect4, useMemo as useMemo2, useRef as useRef3, useState as useState4 } from "./core.js";
import { get as get2, path as path3, query as query3 } from "./core.js";
import { bytes as bytes2, duration as duration2 } from "./core.js";
import { param as param2, setParams as setParams2 } from "./core.js";
import { JsonView as JsonView2 } from "./core.js";
import { Time } from "./core.js";

// src/pages/run/payload.tsx
import { useEffect, useState } from "./core.js";
import { path, query } from "./core.js";
import { bytes } from "./core.js";
import { JsonView } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
var cap = 256 * 1024;

// src/pages/run/timeline.tsx
import { useEffect as useEffect3, useLayoutEffect, useMemo, useRef as useRef2, useState as useState3 } from "./core.js";
import { cost, count, duration } from "./core.js";
import { param, setParams } from "./core.js";

// src/pages/run/axis.ts
var second = 1e3;
var minute = 60 * second;
var hour = 60 * minute;
var day = 24 * hour;
var roundSteps = [10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour, day];

// src/pages/run/bars.ts
function ms(time) {
  return time ? Date.parse(time) : void 0;
}
function isOpen(step) {
  return step.status === "open" || step.status === "retrying";
}

// src/pages/run/icons.tsx
import { jsx as jsx2, jsxs as jsxs2 } from "./core.js";

// src/pages/run/model.ts
import { useEffect as useEffect2, useRef, useState as useState2 } from "./core.js";
import { get, path as path2, query as query2 } from "./core.js";
import { useTopic } from "./core.js";
function keyOf(step) {
  if (step.decision) return "d-" + step.decision;
  const n = step.attempts?.[0]?.n ?? step.n;
  return n > 0 ? String(n) : "w-" + (step.name ?? "");
}

// src/pages/run/window.ts
var stride = 4;
function stepped(scrollTop, row2) {
  return Math.floor(scrollTop / (row2 * stride)) * row2 * stride;
}
function visible(scrollTop, height, row2, total, over = 8) {
  const first = Math.max(0, Math.min(total, Math.floor(scrollTop / row2)) - over);
  return { first, last: Math.min(total, Math.max(first, Math.ceil((scrollTop + height) / row2) + over)) };
}

// src/pages/run/timeline.tsx
import { jsx as jsx3, jsxs as jsxs3 } from "./core.js";
function useSize(ref) {
  const [size, setSize] = useState3({ width: 1e3, height: 600 });
  useLayoutEffect(() => {
    const el = ref.current;
    if (!el) return;
    const read = () => setSize((old) => old.width === el.clientWidth && old.height === el.clientHeight ? old : { width: el.clientWidth, height: el.clientHeight });
    read();
    const observer = new ResizeObserver(read);
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  return size;
}

// src/pages/run/history.tsx
import { Fragment as Fragment2, jsx as jsx4, jsxs as jsxs4 } from "./core.js";
function save(name, text, type = "application/json") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1e3);
}

// src/pages/run/messages.ts
var mostOfKind = 8;
function sequenceOf(steps, name) {
  const lines = [{ key: "run", kind: "run", label: name }];
  const places = /* @__PURE__ */ new Map([["run", 0]]);
  const crowded = crowds(steps);
  const messages = [];
  steps.forEach((s, i) => {
    const other = otherOf(s, crowded);
    let place = 0;
    if (other) {
      const key = other.kind + ":" + other.label;
      place = places.get(key) ?? lines.push({ ...other, key }) - 1;
      places.set(key, place);
    }
    messages.push(...messagesOf(s, i, place));
  });
  return { lines, messages: messages.sort((a, b) => a.time - b.time || a.step - b.step) };
}
function crowds(steps) {
  const names = /* @__PURE__ */ new Map();
  for (const s of steps) {
    const other = otherOf(s, /* @__PURE__ */ new Set());
    if (other) names.set(other.kind, (names.get(other.kind) ?? /* @__PURE__ */ new Set()).add(other.label));
  }
  return new Set([...names].filter(([, set]) => set.size > mostOfKind).map(([kind]) => kind));
}
function otherOf(s, crowded) {
  const line = (kind, label, many) => ({ kind, label: crowded.has(kind) ? many : label });
  switch (s.kind) {
    case "activity":
    case "internal":
    case "context":
      return line("activity", s.name ?? "activity", "activities");
    case "model":
      return line("model", s.model || s.name || "model", "models");
    case "tool":
      return line("tool", s.name ?? "tool", "tools");
    case "agent":
      return line("agent", s.agent || s.name || "agent", "agents");
    case "child":
      return line("child", s.name ?? "child run", "child runs");
    case "entity":
    case "signal":
    case "lock":
      return line("entity", s.target ?? "entity", "entities");
    case "sent":
      return line("child", s.target ?? "another run", "other runs");
    case "event":
      return s.decided_by ? { kind: "human", label: nameOfPerson(s.decided_by) } : { kind: "sender", label: "senders" };
    case "decision":
      return { kind: "human", label: nameOfPerson(s.decided_by) };
    case "timer":
      return void 0;
  }
}
function nameOfPerson(by = "") {
  return by === "local" ? "people" : by || "people";
}
function messagesOf(s, step, other) {
  const asked = ms(s.scheduled_at);
  const ended = ms(s.completed_at);
  const base = { answer: false, failed: false, open: false, step };
  const label = s.name || s.agent || s.kind;
  switch (s.kind) {
    case "event":
      return ended === void 0 ? [] : [{ ...base, from: other, to: 0, time: ended, text: label }];
    case "timer":
      return asked === void 0 ? [] : [{ ...base, from: 0, to: 0, time: ended ?? asked, text: ended === void 0 ? "timer" : "timer fires", open: isOpen(s) }];
    case "sent":
    case "signal":
      return asked === void 0 ? [] : [{ ...base, from: 0, to: other, time: asked, text: label }];
  }
  if (asked === void 0) return [];
  const all = [];
  for (const [i, a] of (s.attempts ?? []).entries()) {
    const [began, failed] = [ms(a.scheduled_at), ms(a.completed_at)];
    if (began !== void 0) all.push({ ...base, from: 0, to: other, time: began, text: label + attempt(i + 1) });
    if (failed !== void 0) all.push({ ...base, from: other, to: 0, time: failed, text: firstLine(a.failure?.message) || "failed", answer: true, failed: true });
  }
  const tries = s.attempt > 1 ? attempt(s.attempt) : "";
  all.push({ ...base, from: 0, to: other, time: asked, text: s.kind === "decision" ? `${s.ask ?? "decision"}: ${label}` : label + tries, open: isOpen(s) });
  if (ended !== void 0 && !isOpen(s)) {
    all.push({ ...base, from: other, to: 0, time: ended, text: answerText(s), answer: true, failed: s.status === "failed" });
  }
  return all;
}
function answerText(s) {
  if (s.kind === "decision") return s.answer ?? s.status;
  if (s.status === "failed") return firstLine(s.failure?.message) || "failed";
  if (s.tokens) return `${s.tokens.total} tokens`;
  return s.status === "completed" ? "" : s.status;
}
function attempt(n) {
  return ` (attempt ${n})`;
}
function firstLine(text = "") {
  return text.split("\n")[0] ?? "";
}

// src/pages/run/sequencesvg.ts
import { duration as duration3 } from "./core.js";
var most = 2e3;
var row = 26;
var gap = 190;
var left = 90;
var top = 56;
function sequenceSVG(sequence, began) {
  const messages = sequence.messages.slice(0, most);
  const width = left + gap * sequence.lines.length;
  const height = top + row * (messages.length + 1) + (messages.length < sequence.messages.length ? row : 0);
  const at = (line) => left + gap * line + gap / 2;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`
  ];
  sequence.lines.forEach((l, i) => {
    out.push(`<line x1="${at(i)}" y1="${top - 14}" x2="${at(i)}" y2="${height}" stroke="#ccd" stroke-dasharray="3 3"/>`);
    out.push(`<rect x="${at(i) - gap / 2 + 8}" y="10" width="${gap - 16}" height="30" rx="6" fill="#eef1f6" stroke="#8a93a3"/>`);
    out.push(`<text x="${at(i)}" y="29" text-anchor="middle" font-weight="600">${escape(cut(l.label, 24))}</text>`);
  });
  messages.forEach((m, n) => {
    const y = top + row * n + row / 2;
    const color = m.failed ? "#b3261e" : m.answer ? "#5a6372" : "#1b1f27";
    const [a, b] = [at(m.from), at(m.to)];
    out.push(`<text x="8" y="${y + 4}" fill="#5a6372">+${escape(duration3(Math.max(0, m.time - began)))}</text>`);
    if (m.from === m.to) {
      out.push(`<path d="M${a} ${y - 5}h26v10h-20" fill="none" stroke="${color}"/>`, arrow(a + 4, y + 5, -1, color));
      out.push(`<text x="${a + 34}" y="${y + 4}">${escape(cut(m.text, 30))}</text>`);
      return;
    }
    const dash = m.answer || m.open ? ` stroke-dasharray="4 3"` : "";
    out.push(`<line x1="${a}" y1="${y + 4}" x2="${b}" y2="${y + 4}" stroke="${color}"${dash}/>`, arrow(b, y + 4, b > a ? 1 : -1, color));
    out.push(`<text x="${(a + b) / 2}" y="${y - 1}" text-anchor="middle" fill="${color}">${escape(cut(m.text, 60))}</text>`);
  });
  if (messages.length < sequence.messages.length) {
    out.push(`<text x="8" y="${height - 10}" fill="#5a6372">${sequence.messages.length - messages.length} more messages are left out.</text>`);
  }
  out.push("</svg>");
  return out.join("\n");
}
function arrow(x, y, to, color) {
  return `<path d="M${x} ${y}l${-7 * to} -4v8z" fill="${color}"/>`;
}
function cut(text, length) {
  return text.length > length ? text.slice(0, length - 1) + "…" : text;
}
function escape(text) {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "�").replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
}

// src/pages/run/sequence.tsx
import { jsx as jsx5, jsxs as jsxs5 } from "./core.js";
var rowHeight = 28;
var headHeight = 40;
var timeWidth = 76;
function SequenceTab(p) {
  const box = useRef4(null);
  const size = useSize(box);
  const [scroll, setScroll] = useState5(0);
  const sequence = useMemo3(() => sequenceOf(p.steps, p.name), [p.steps, p.name]);
  const { lines, messages } = sequence;
  const gap2 = Math.max(128, Math.min(260, (size.width - timeWidth - 20) / lines.length));
  const width = timeWidth + gap2 * lines.length;
  const window = visible(scroll, Math.max(0, size.height - headHeight), rowHeight, messages.length);
  const at = (line) => timeWidth + gap2 * line + gap2 / 2;
  if (messages.length === 0) return /* @__PURE__ */ jsx5(Empty, { title: "Nothing was said yet" });
  return /* @__PURE__ */ jsxs5("div", { class: "seq-frame", children: [
    /* @__PURE__ */ jsxs5("div", { class: "tl-bar", children: [
      /* @__PURE__ */ jsxs5("span", { class: "dim", children: [
        messages.length.toLocaleString("en"),
        " messages between ",
        lines.length
      ] }),
      /* @__PURE__ */ jsx5("button", { type: "button", class: "quiet end", onClick: () => save(`${p.id}-sequence.svg`, sequenceSVG(sequence, p.began), "image/svg+xml"), children: "Export SVG" })
    ] }),
    /* @__PURE__ */ jsxs5("div", { class: "seq", ref: box, role: "grid", "aria-label": "Messages by time", "aria-rowcount": messages.length + 1, onScroll: (e) => setScroll(stepped(e.currentTarget.scrollTop, rowHeight)), children: [
      /* @__PURE__ */ jsxs5("div", { class: "seq-head", role: "row", "aria-rowindex": 1, style: { width: `${width}px` }, children: [
        /* @__PURE__ */ jsx5("span", { role: "columnheader", class: "seq-time", style: { width: `${timeWidth}px` }, children: "Time" }),
        lines.map((l, i) => /* @__PURE__ */ jsx5("span", { role: "columnheader", class: `seq-line kind-${l.kind}`, style: { left: `${at(i) - gap2 / 2 + 6}px`, width: `${gap2 - 12}px` }, title: `${l.kind}: ${l.label}`, children: l.label }, l.key))
      ] }),
      /* @__PURE__ */ jsxs5("div", { class: "tl-rows", role: "rowgroup", style: { height: `${messages.length * rowHeight}px`, width: `${width}px` }, children: [
        /* @__PURE__ */ jsx5("div", { class: "seq-lines", "aria-hidden": "true", children: lines.map((l, i) => /* @__PURE__ */ jsx5("i", { style: { left: `${at(i)}px` } }, l.key)) }),
        messages.slice(window.first, window.last).map((m, i) => {
          const step = p.steps[m.step];
          const key = keyOf(step);
          return /* @__PURE__ */ jsx5(Row, { index: window.first + i, message: m, sequence, at, began: p.began, selected: key === p.selected, onSelect: () => p.onSelect(key) }, window.first + i);
        })
      ] })
    ] })
  ] });
}
function Row({ index, message: m, sequence, at, began, selected, onSelect }) {
  const [from, to] = [at(m.from), at(m.to)];
  const self = m.from === m.to;
  const left2 = Math.min(from, to);
  const names = `${sequence.lines[m.from]?.label} to ${sequence.lines[m.to]?.label}`;
  const classes = ["seq-arrow", m.answer && "is-answer", m.failed && "is-failed", m.open && "is-open", self && "is-self", to < from && "is-left"].filter(Boolean).join(" ");
  return /* @__PURE__ */ jsxs5(
    "div",
    {
      class: "seq-row" + (selected ? " selected" : ""),
      role: "row",
      "aria-rowindex": index + 2,
      "aria-selected": selected,
      tabIndex: selected || index === 0 ? 0 : -1,
      "aria-label": `${names}: ${m.text || (m.answer ? "done" : "")}${m.failed ? ", failed" : ""}`,
      style: { top: `${index * rowHeight}px` },
      onClick: onSelect,
      onKeyDown: (e) => {
        if (e.key === "Enter") onSelect();
      },
      children: [
        /* @__PURE__ */ jsxs5("span", { role: "gridcell", class: "seq-time num", style: { width: `${timeWidth}px` }, children: [
          "+",
          duration4(Math.max(0, m.time - began))
        ] }),
        /* @__PURE__ */ jsx5("span", { role: "gridcell", class: classes, style: { left: `${left2}px`, width: `${self ? 34 : Math.abs(to - from)}px` }, children: /* @__PURE__ */ jsx5("span", { class: "seq-text", children: m.text }) })
      ]
    }
  );
}
export {
  SequenceTab
};
