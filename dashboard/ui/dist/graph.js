// src/pages/run/graph.tsx
import { useEffect, useMemo, useRef, useState } from "./core.js";
import { path, query, useQuery } from "./core.js";
import { count } from "./core.js";
import { go, links } from "./core.js";
import { Empty } from "./core.js";
import { Problem } from "./core.js";

// src/pages/run/icons.tsx
import { jsx, jsxs } from "./core.js";
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
  return /* @__PURE__ */ jsxs("svg", { class: `step-icon is-${status}`, viewBox: "0 0 16 16", width: "16", height: "16", "aria-hidden": "true", children: [
    !bare && /* @__PURE__ */ jsx("title", { children: `${kind}, ${status}` }),
    /* @__PURE__ */ jsx("path", { d: forms[kind] ?? forms["activity"] })
  ] });
}

// src/pages/run/layered.ts
var betweenLayers = 72;
var betweenBoxes = 18;
function layered(boxes, links2) {
  const places = /* @__PURE__ */ new Map();
  for (const b of boxes) {
    places.set(b.id, { width: b.width, height: b.height, layer: 0, order: 0, y: 0, before: [], after: [] });
  }
  const known = links2.map((l) => ({ from: places.get(l.from), to: places.get(l.to) }));
  rank(places, known);
  const layers = [];
  for (const p of places.values()) (layers[p.layer] ??= []).push(p);
  const routes = known.map((l) => l.from && l.to && l.from !== l.to ? route(l.from, l.to, layers) : []);
  untangle(layers);
  stack(layers);
  return draw(boxes, places, layers, routes);
}
function rank(places, links2) {
  const after = /* @__PURE__ */ new Map();
  for (const l of links2) {
    if (!l.from || !l.to) continue;
    const list = after.get(l.from);
    if (list) list.push(l.to);
    else after.set(l.from, [l.to]);
  }
  const state = /* @__PURE__ */ new Map();
  const order = [];
  const closing = /* @__PURE__ */ new Map();
  for (const root of places.values()) {
    if (state.has(root)) continue;
    const path2 = [{ place: root, next: 0 }];
    state.set(root, 1);
    while (path2.length > 0) {
      const top = path2[path2.length - 1];
      const to = after.get(top.place)?.[top.next++];
      if (!to) {
        state.set(top.place, 2);
        order.push(top.place);
        path2.pop();
      } else if (!state.has(to)) {
        state.set(to, 1);
        path2.push({ place: to, next: 0 });
      } else if (state.get(to) === 1) {
        const set = closing.get(top.place) ?? /* @__PURE__ */ new Set();
        closing.set(top.place, set.add(to));
      }
    }
  }
  for (const from of order.reverse()) {
    for (const to of after.get(from) ?? []) {
      if (to !== from && !closing.get(from)?.has(to)) to.layer = Math.max(to.layer, from.layer + 1);
    }
  }
}
function route(from, to, layers) {
  const step = to.layer > from.layer ? 1 : -1;
  const all = [from];
  for (let layer = from.layer + step; from.layer !== to.layer && layer !== to.layer; layer += step) {
    const bend = { width: 0, height: 0, layer, order: 0, y: 0, before: [], after: [] };
    layers[layer].push(bend);
    all.push(bend);
  }
  all.push(to);
  for (let i = 1; i < all.length; i++) {
    const [left, right] = step > 0 ? [all[i - 1], all[i]] : [all[i], all[i - 1]];
    left.after.push(right);
    right.before.push(left);
  }
  return all;
}
function untangle(layers) {
  const number = (layer) => layer.forEach((p, i) => p.order = i);
  layers.forEach(number);
  for (let sweep = 0; sweep < 6; sweep++) {
    const forth = sweep % 2 === 0;
    for (const layer of forth ? layers : [...layers].reverse()) {
      const keys = new Map(layer.map((p) => [p, middle(forth ? p.before : p.after, p.order)]));
      layer.sort((a, b) => keys.get(a) - keys.get(b) || a.order - b.order);
      number(layer);
    }
  }
}
function middle(tied, otherwise) {
  return tied.length === 0 ? otherwise : tied.reduce((sum, p) => sum + p.order, 0) / tied.length;
}
function stack(layers) {
  for (const layer of layers) spread(layer, (p) => p.before);
  for (const layer of [...layers].reverse()) spread(layer, (p) => p.after.length > 0 ? p.after : p.before);
  for (const layer of layers) spread(layer, (p) => p.before.length > 0 ? p.before : p.after);
  const top = Math.min(0, ...layers.flatMap((l) => l[0] ? [l[0].y] : []));
  for (const layer of layers) for (const p of layer) p.y -= top;
}
function spread(layer, tied) {
  let at = -Infinity;
  let moved = 0;
  for (const p of layer) {
    const list = tied(p);
    const wish = list.length === 0 ? at === -Infinity ? p.y : at : mean(list) - p.height / 2;
    p.y = Math.max(wish, at);
    moved += p.y - wish;
    at = p.y + p.height + betweenBoxes;
  }
  for (const p of layer) p.y -= moved / layer.length;
}
function mean(list) {
  return list.reduce((sum, p) => sum + p.y + p.height / 2, 0) / list.length;
}
function draw(boxes, places, layers, routes) {
  const left = [];
  const right = [];
  let x = 0;
  let height = 0;
  for (const layer of layers) {
    left.push(x);
    x += layer.reduce((most, p) => Math.max(most, p.width), 0);
    right.push(x);
    x += betweenLayers;
    for (const p of layer) height = Math.max(height, p.y + p.height);
  }
  const corner = (p) => ({ x: left[p.layer], y: p.y });
  const links2 = routes.map((all) => all.flatMap((p, i) => {
    const y = p.y + p.height / 2;
    const [a, b] = [left[p.layer], left[p.layer] + p.width];
    if (i === 0) return [{ x: all[1].layer < p.layer ? a : b, y }];
    if (i === all.length - 1) return [{ x: all[i - 1].layer > p.layer ? b : a, y }];
    const ends = [{ x: left[p.layer], y }, { x: right[p.layer], y }];
    return all[i - 1].layer < p.layer ? ends : ends.reverse();
  }));
  return {
    boxes: new Map(boxes.map((b) => [b.id, corner(places.get(b.id))])),
    links: links2,
    width: Math.max(0, x - betweenLayers),
    height
  };
}
function curve(points) {
  const [first, ...rest] = points;
  if (!first) return "";
  let at = first;
  let path2 = `M${round(at.x)} ${round(at.y)}`;
  for (const p of rest) {
    const bend = (p.x - at.x) / 2;
    path2 += at.y === p.y ? `L${round(p.x)} ${round(p.y)}` : `C${round(at.x + bend)} ${round(at.y)} ${round(p.x - bend)} ${round(p.y)} ${round(p.x)} ${round(p.y)}`;
    at = p;
  }
  return path2;
}
function round(n) {
  return Math.round(n * 10) / 10;
}

// src/pages/run/people.ts
import { bytes } from "./core.js";
var voices = 8;
function initials(name) {
  const words = name.split(/[^\p{L}\p{N}]+|(?<=\p{Ll})(?=\p{Lu})/u).filter(Boolean);
  const letters = words.length > 1 ? words[0].charAt(0) + words[words.length - 1].charAt(0) : (words[0] ?? "?").charAt(0);
  return letters.toUpperCase();
}
function voicesOf(names) {
  const all = /* @__PURE__ */ new Map();
  for (const n of names) if (n && !all.has(n)) all.set(n, all.size % voices);
  return all;
}

// src/pages/run/graph.tsx
import { jsx as jsx2, jsxs as jsxs2 } from "./core.js";
var boxWidth = 188;
var boxHeight = 46;
var pad = 20;
function GraphTab({ run, execution, version, onStep }) {
  const { data, error, refetch } = useQuery(path`runs/${run}/graph` + query({ execution }));
  const [zoom, setZoom] = useState(1);
  const box = useRef(null);
  useEffect(() => {
    const timer = setTimeout(refetch, 300);
    return () => clearTimeout(timer);
  }, [version]);
  const shape = data ? data.nodes.map((n) => n.id).join(" ") + "|" + data.edges.map((e) => e.from + ">" + e.to).join(" ") : "";
  const layout = useMemo(() => layered((data?.nodes ?? []).map((n) => ({ id: n.id, width: boxWidth, height: boxHeight })), data?.edges ?? []), [shape]);
  const voices2 = useMemo(() => voicesOf((data?.nodes ?? []).filter((n) => n.kind === "agent").map((n) => n.name)), [shape]);
  const width = layout.width + 2 * pad;
  const height = layout.height + 2 * pad;
  useEffect(() => {
    if (box.current && shape) setZoom(Math.max(0.3, Math.min(1, box.current.clientWidth / width, Math.max(320, box.current.clientHeight) / height)));
  }, [shape]);
  if (error && !data) return /* @__PURE__ */ jsx2(Problem, { error, retry: refetch });
  if (!data) return /* @__PURE__ */ jsx2("p", { class: "dim pad", children: "Loading…" });
  if (data.nodes.length === 0) return /* @__PURE__ */ jsx2(Empty, { title: "No step yet" });
  const open = (n) => {
    if (n.owner === run && n.event_id !== void 0 && n.count === 1) onStep(n.event_id);
    else if (n.run) go(links.run(n.run));
    else if (n.owner !== run) go(links.run(n.owner) + (n.event_id === void 0 ? "" : `?step=e${n.event_id}`));
  };
  return /* @__PURE__ */ jsxs2("div", { class: "graph-frame", children: [
    /* @__PURE__ */ jsxs2("div", { class: "tl-bar", children: [
      /* @__PURE__ */ jsxs2("span", { class: "dim", children: [
        data.grouped ? `${data.total.toLocaleString("en")} steps, grouped by name` : `${data.total} steps`,
        data.partial ? "; more agents were called than are shown" : ""
      ] }),
      /* @__PURE__ */ jsxs2("span", { class: "end row", children: [
        /* @__PURE__ */ jsx2("button", { type: "button", class: "quiet", "aria-label": "Smaller", onClick: () => setZoom((z) => Math.max(0.3, z / 1.25)), children: "−" }),
        /* @__PURE__ */ jsxs2("span", { class: "num dim", children: [
          Math.round(zoom * 100),
          "%"
        ] }),
        /* @__PURE__ */ jsx2("button", { type: "button", class: "quiet", "aria-label": "Larger", onClick: () => setZoom((z) => Math.min(2, z * 1.25)), children: "+" })
      ] })
    ] }),
    /* @__PURE__ */ jsx2("div", { class: "graph", ref: box, tabIndex: 0, role: "region", "aria-label": "Graph of the run", children: /* @__PURE__ */ jsxs2("svg", { width: width * zoom, height: height * zoom, viewBox: `${-pad} ${-pad} ${width} ${height}`, children: [
      data.edges.map((e, i) => /* @__PURE__ */ jsx2("path", { class: `edge edge-${e.kind}`, d: curve(layout.links[i] ?? []), children: /* @__PURE__ */ jsx2("title", { children: `${e.kind}${e.count > 1 ? ` ×${e.count}` : ""}` }) }, `${e.from} ${e.to} ${e.kind}`)),
      data.nodes.map((n) => {
        const at = layout.boxes.get(n.id);
        return at && /* @__PURE__ */ jsx2(NodeBox, { node: n, x: at.x, y: at.y, voice: voices2.get(n.name), onOpen: () => open(n) }, n.id);
      })
    ] }) })
  ] });
}
function NodeBox({ node: n, x, y, voice, onOpen }) {
  const running = n.status === "open" && n.kind !== "timer" && n.kind !== "event" && n.kind !== "human";
  const label = `${n.name}, ${facts(n)}, ${n.kind}`;
  return /* @__PURE__ */ jsxs2(
    "g",
    {
      class: `node node-${n.kind} is-${n.status}${running ? " is-moving" : ""}${voice === void 0 ? "" : ` voice-${voice}`}`,
      transform: `translate(${x} ${y})`,
      role: "button",
      tabIndex: 0,
      onClick: onOpen,
      onKeyDown: (e) => {
        if (e.key === "Enter" || e.key === " ") {
          e.preventDefault();
          onOpen();
        }
      },
      children: [
        /* @__PURE__ */ jsx2("title", { children: label }),
        n.count > 1 && /* @__PURE__ */ jsx2("rect", { class: "node-back", x: 4, y: 4, width: boxWidth, height: boxHeight, rx: 8 }),
        /* @__PURE__ */ jsx2("rect", { class: "node-box", width: boxWidth, height: boxHeight, rx: n.kind === "agent" ? 14 : 8 }),
        n.kind === "agent" ? /* @__PURE__ */ jsxs2("g", { class: "node-agent", "aria-hidden": "true", children: [
          /* @__PURE__ */ jsx2("circle", { cx: 24, cy: boxHeight / 2, r: 13 }),
          /* @__PURE__ */ jsx2("text", { x: 24, y: boxHeight / 2 + 4, "text-anchor": "middle", children: initials(n.name) })
        ] }) : /* @__PURE__ */ jsx2("svg", { x: 14, y: boxHeight / 2 - 9, width: 18, height: 18, viewBox: "0 0 16 16", children: /* @__PURE__ */ jsx2(StepIcon, { kind: n.kind === "orchestration" ? "child" : n.kind === "human" ? "decision" : n.kind, status: n.status, bare: true }) }),
        /* @__PURE__ */ jsx2("text", { class: "node-name", "aria-hidden": "true", x: 44, y: 19, children: cut(n.name, 18) }),
        /* @__PURE__ */ jsx2("text", { class: "node-facts", "aria-hidden": "true", x: 44, y: 35, children: cut(facts(n), 24) })
      ]
    }
  );
}
function facts(n) {
  const parts = n.count > 1 ? [`${n.done ?? 0} of ${n.count} done`, n.failed ? `${n.failed} failed` : ""] : [n.status];
  if (n.tokens?.total) parts.push(`${count(n.tokens.total)} tok`);
  return parts.filter(Boolean).join(", ");
}
function cut(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}
export {
  GraphTab
};
