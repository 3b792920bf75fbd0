// src/pages/charts.tsx
import { useEffect } from "./core.js";
import { query, useQuery } from "./core.js";
import { cost as cost2, count as count2, duration as duration2 } from "./core.js";
import { links as links2, param, setParams } from "./core.js";
import { Problem } from "./core.js";

// src/pages/charts/chart.tsx
import { absolute, utc } from "./core.js";
import { go } from "./core.js";
import { NumberTable } from "./core.js";
import { plotHeight as height, plotPath as path, plotWidth as width, roof } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
function Chart({ title, note, times, end, lines, format, empty, href }) {
  const id = "chart-" + title.toLowerCase().replaceAll(/[^a-z]+/g, "-");
  const largest = Math.max(0, ...lines.flatMap((l) => l.values.map((v) => v ?? 0)));
  const top = roof(largest);
  const filled = lines.some((l) => l.values.some((v) => v !== void 0 && v !== 0));
  const bounds = (i) => [iso(times[i] ?? end), iso(times[i + 1] ?? end)];
  return /* @__PURE__ */ jsxs("section", { class: "card chart", "aria-labelledby": id, children: [
    /* @__PURE__ */ jsxs("header", { children: [
      /* @__PURE__ */ jsx("h2", { id, children: title }),
      href && filled && /* @__PURE__ */ jsx("a", { href: href(iso(times[0] ?? end), iso(end)), children: "Open these runs" })
    ] }),
    note && /* @__PURE__ */ jsx("p", { class: "dim", children: note }),
    !filled && /* @__PURE__ */ jsx("p", { class: "dim pad", children: empty }),
    filled && /* @__PURE__ */ jsxs(Fragment, { children: [
      /* @__PURE__ */ jsx(Legend, { lines }),
      /* @__PURE__ */ jsxs("div", { class: "plot", children: [
        /* @__PURE__ */ jsx("span", { class: "y num", "aria-hidden": "true", children: format(top) }),
        /* @__PURE__ */ jsxs("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": summary(title, lines, format), children: [
          /* @__PURE__ */ jsx("line", { class: "grid", x1: "0", x2: width, y1: height - 0.5, y2: height - 0.5 }),
          /* @__PURE__ */ jsx("line", { class: "grid", x1: "0", x2: width, y1: height / 2, y2: height / 2 }),
          lines.map((l) => /* @__PURE__ */ jsx("path", { class: "line tone-" + l.tone, "stroke-dasharray": l.dash, d: path(l.values, top) }, l.name)),
          times.map((t, i) => /* @__PURE__ */ jsx(
            "rect",
            {
              class: "hit" + (href ? " opens" : ""),
              x: i * width / times.length,
              width: width / times.length,
              y: "0",
              height,
              onClick: href && (() => go(href(...bounds(i)))),
              children: /* @__PURE__ */ jsx("title", { children: `${shown(t)}
${lines.map((l) => `${l.name}: ${cell(l.values[i], format)}`).join("\n")}` })
            },
            t
          ))
        ] })
      ] }),
      /* @__PURE__ */ jsxs("p", { class: "x dim num", "aria-hidden": "true", children: [
        /* @__PURE__ */ jsx("span", { children: shown(times[0] ?? end) }),
        /* @__PURE__ */ jsx("span", { children: shown(end) })
      ] }),
      /* @__PURE__ */ jsx(Numbers, { title, times, lines, format, href: href && ((i) => href(...bounds(i))) })
    ] })
  ] });
}
function Legend({ lines }) {
  return /* @__PURE__ */ jsx("ul", { class: "legend", children: lines.map((l) => /* @__PURE__ */ jsxs("li", { children: [
    /* @__PURE__ */ jsx("svg", { width: "26", height: "8", "aria-hidden": "true", children: /* @__PURE__ */ jsx("line", { class: "line tone-" + l.tone, "stroke-dasharray": l.dash, x1: "0", x2: "26", y1: "4", y2: "4" }) }),
    l.name,
    " ",
    l.total && /* @__PURE__ */ jsx("strong", { class: "num", children: l.total })
  ] }, l.name)) });
}
function Numbers({ title, times, lines, format, href }) {
  const rows = times.map((t, i) => ({ t, i })).filter(({ i }) => lines.some((l) => l.values[i]));
  return /* @__PURE__ */ jsxs("details", { children: [
    /* @__PURE__ */ jsx("summary", { children: "Numbers" }),
    /* @__PURE__ */ jsx(
      NumberTable,
      {
        label: title,
        class: "numbers",
        heads: ["From", ...lines.map((l) => l.name)],
        rows: rows.map(({ t, i }) => ({ key: t, cells: [href ? /* @__PURE__ */ jsx("a", { href: href(i), children: shown(t) }) : shown(t), ...lines.map((l) => cell(l.values[i], format))] }))
      }
    )
  ] });
}
var iso = (t) => new Date(t).toISOString();
var cell = (v, format) => v === void 0 ? "–" : format(v);
var shown = (t) => absolute(t, utc.value).slice(0, 16);
function summary(title, lines, format) {
  const of = (l) => {
    const known = l.values.filter((v) => v !== void 0);
    return known.length === 0 ? `${l.name}: nothing` : `${l.name}: at most ${format(Math.max(...known))}`;
  };
  return `${title}. ${lines.map(of).join("; ")}.`;
}

// src/pages/charts/tables.tsx
import { cost, count, duration } from "./core.js";
import { links } from "./core.js";
import { NumberTable as NumberTable2 } from "./core.js";
import { jsx as jsx2, jsxs as jsxs2 } from "./core.js";
function Tables({ page }) {
  const since = ` created>=${page.from}`;
  return /* @__PURE__ */ jsxs2("div", { class: "columns full", children: [
    /* @__PURE__ */ jsx2(
      Card,
      {
        id: "by-name",
        title: "Runs by name",
        empty: "No run began or ended in this time.",
        heads: ["Name", "Started", "Completed", "Failed", ...percentiles],
        rows: page.runs.map((r) => ({
          key: r.name + "\n" + (r.agent ?? ""),
          cells: [
            /* @__PURE__ */ jsx2("a", { href: links.runs((r.agent ? `agent:${quoted(r.agent)}` : `name:${quoted(r.name)}`) + since), children: r.agent ? `${r.agent} (turns)` : r.name }),
            count(r.started),
            count(r.completed),
            /* @__PURE__ */ jsx2(Bad, { n: r.failed }),
            ...spread(r.took)
          ]
        }))
      }
    ),
    /* @__PURE__ */ jsx2(
      Card,
      {
        id: "slowest",
        title: "Slowest steps",
        empty: "No step ended in this time.",
        heads: ["Step", "Attempts", "Failed", "Wait p90", ...percentiles],
        rows: page.steps.slice(0, 50).map((s) => ({
          key: s.name,
          cells: [
            /* @__PURE__ */ jsx2("a", { href: links.runs(`step:${quoted(s.name)}`), title: "Runs that are at this step now", children: s.name }),
            count(s.completed + s.failed),
            /* @__PURE__ */ jsx2(Bad, { n: s.failed }),
            s.waited.count ? duration(s.waited.p90) : "–",
            ...spread(s.took)
          ]
        }))
      }
    ),
    /* @__PURE__ */ jsx2(
      Card,
      {
        id: "by-model",
        title: "Tokens and cost by agent and model",
        empty: "No model was called in this time.",
        words: 2,
        heads: ["Agent", "Model", "Calls", "Failed", "Tokens in", "Cached", "Tokens out", "Cost"],
        rows: page.models.map((m) => ({
          key: (m.agent ?? "") + "\n" + (m.model ?? ""),
          cells: [
            m.agent ? /* @__PURE__ */ jsx2("a", { href: links.runs(`agent:${quoted(m.agent)}` + since), children: m.agent }) : /* @__PURE__ */ jsx2("span", { class: "dim", children: "none" }),
            m.model ? /* @__PURE__ */ jsx2("a", { href: links.runs((m.agent ? `agent:${quoted(m.agent)} ` : "") + `model:${quoted(m.model)}` + since), children: m.model }) : /* @__PURE__ */ jsx2("span", { class: "dim", children: "not known" }),
            count(m.model_calls),
            /* @__PURE__ */ jsx2(Bad, { n: m.model_errors }),
            count(m.tokens_in),
            count(m.tokens_cached),
            count(m.tokens_out),
            m.cost_micros ? cost(m.cost_micros) : "–"
          ]
        }))
      }
    )
  ] });
}
var percentiles = ["p50", "p90", "p99"];
function Card({ id, title, empty, heads, words, rows }) {
  return /* @__PURE__ */ jsxs2("section", { class: "card", "aria-labelledby": id, children: [
    /* @__PURE__ */ jsx2("h2", { id, children: title }),
    rows.length === 0 ? /* @__PURE__ */ jsx2("p", { class: "dim", children: empty }) : /* @__PURE__ */ jsx2(NumberTable2, { label: title, heads, rows, ...words ? { words } : {} })
  ] });
}
function Bad({ n }) {
  return /* @__PURE__ */ jsx2("span", { class: n ? "bad" : "", children: count(n) });
}
function spread(s) {
  return [s.p50, s.p90, s.p99].map((v) => s.count ? duration(v) : "–");
}
var quoted = (v) => /^[\w.-]+$/.test(v) ? v : `"${v.replaceAll(/["\\]/g, "\\$&")}"`;

// src/pages/charts.tsx
import { Fragment as Fragment2, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
var ranges = [
  ["1h", "1 hour", "-1h"],
  ["6h", "6 hours", "-6h"],
  ["24h", "24 hours", "-24h"],
  ["7d", "7 days", "-168h"]
];
var every = 15e3;
function Charts(_) {
  const range = ranges.find(([key]) => key === param("range")) ?? ranges[0];
  const name = param("name");
  const series = useQuery("series" + query({ from: range[2], name }));
  const { refetch, data, error } = series;
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && refetch(), every);
    return () => clearInterval(timer);
  }, [refetch]);
  const names = [.../* @__PURE__ */ new Set([...(data?.runs ?? []).map((r) => r.name), ...name ? [name] : []])].sort();
  return /* @__PURE__ */ jsxs3("section", { class: "page charts", children: [
    /* @__PURE__ */ jsxs3("div", { class: "page-head", children: [
      /* @__PURE__ */ jsx3("h1", { children: "Charts" }),
      /* @__PURE__ */ jsxs3("div", { class: "row", children: [
        /* @__PURE__ */ jsxs3("label", { children: [
          /* @__PURE__ */ jsx3("span", { class: "dim", children: "Runs of" }),
          " ",
          /* @__PURE__ */ jsxs3("select", { value: name, onChange: (e) => setParams({ name: e.currentTarget.value }), children: [
            /* @__PURE__ */ jsx3("option", { value: "", children: "all names" }),
            names.map((n) => /* @__PURE__ */ jsx3("option", { value: n, children: n }, n))
          ] })
        ] }),
        /* @__PURE__ */ jsx3("div", { class: "chips", role: "group", "aria-label": "Time", children: ranges.map(([key, words]) => /* @__PURE__ */ jsx3("button", { type: "button", "aria-pressed": key === range[0], onClick: () => setParams({ range: key === "1h" ? void 0 : key }), children: words }, key)) })
      ] })
    ] }),
    error && /* @__PURE__ */ jsx3(Problem, { error, retry: refetch }),
    data && /* @__PURE__ */ jsx3(Why, { page: data, range: range[1] }),
    data?.since && /* @__PURE__ */ jsx3(All, { page: data, name })
  ] });
}
function Why({ page, range }) {
  const { total } = page;
  if (!page.since) {
    return /* @__PURE__ */ jsxs3("p", { class: "card", children: [
      "Nothing was counted in this hub yet. Runs, steps and calls of models are counted when they begin and end, and are shown here some seconds later. ",
      /* @__PURE__ */ jsx3("a", { href: "runs", children: "Start a run" }),
      " to see the first."
    ] });
  }
  if (total.started + total.completed + total.failed + total.stopped + total.steps > 0) {
    return null;
  }
  return /* @__PURE__ */ jsxs3("p", { class: "card", children: [
    "Nothing began or ended in the last ",
    range,
    ". There are counts since ",
    shown(Date.parse(page.since)),
    "; they are kept for ",
    duration2(page.kept_ms),
    "."
  ] });
}
function All({ page, name }) {
  const { points, total } = page;
  const times = points.map((p) => Date.parse(p.at));
  const frame = { times, end: Date.parse(page.to) };
  const line = (words, tone, dash, of2, sum) => ({
    name: words,
    tone,
    ...dash ? { dash } : {},
    values: points.map(of2),
    ...sum === void 0 ? {} : { total: sum }
  });
  const spread2 = (of2) => ["p50", "p90", "p99"].map(
    (q, i) => line(q, ["good", "active", "person"][i] ?? "", ["", "6 3", "2 3"][i], (p) => of2(p).count ? of2(p)[q] : void 0, of2(total).count ? duration2(of2(total)[q]) : void 0)
  );
  const of = name && `name:${quoted(name)} `;
  const created = (from, to) => links2.runs(`${of}created>=${from} created<${to}`);
  const going = (more) => (from, to) => links2.runs(`${of}${more}created<${to} (completed>=${from} or status:pending,running,suspended)`);
  const completed = (from, to) => links2.runs(`${of}completed>=${from} completed<${to}`);
  return /* @__PURE__ */ jsxs3(Fragment2, { children: [
    /* @__PURE__ */ jsxs3("div", { class: "columns wide", children: [
      /* @__PURE__ */ jsx3(
        Chart,
        {
          ...frame,
          title: "Runs",
          format: count2,
          href: created,
          empty: "No run began or ended in this time.",
          lines: [
            line("started", "active", "6 3", (p) => p.started, count2(total.started)),
            line("completed", "good", void 0, (p) => p.completed, count2(total.completed)),
            line("failed", "bad", "2 2", (p) => p.failed, count2(total.failed)),
            line("stopped", "dim", "1 4", (p) => p.stopped, count2(total.stopped))
          ]
        }
      ),
      /* @__PURE__ */ jsx3(Chart, { ...frame, title: "End to end", note: "From the creation of a run to its end.", format: duration2, href: completed, empty: "No run ended in this time.", lines: spread2((p) => p.took) }),
      /* @__PURE__ */ jsx3(
        Chart,
        {
          ...frame,
          title: "Schedule to start",
          note: "How long steps wait until a worker takes them.",
          format: duration2,
          href: going(""),
          empty: "No step ended in this time.",
          lines: spread2((p) => p.waited)
        }
      ),
      /* @__PURE__ */ jsx3(
        Chart,
        {
          ...frame,
          title: "Steps",
          note: "Attempts of activities, tools and calls of models.",
          format: count2,
          href: going(""),
          empty: "No step ended in this time.",
          lines: [line("ended", "active", void 0, (p) => p.steps, count2(total.steps)), line("failed", "bad", "2 2", (p) => p.steps_failed, count2(total.steps_failed))]
        }
      ),
      /* @__PURE__ */ jsx3(Chart, { ...frame, title: "Store", note: "How long commits take to be durable.", format: duration2, empty: "Nothing was written in this time.", lines: spread2((p) => p.store) }),
      /* @__PURE__ */ jsx3(
        Chart,
        {
          ...frame,
          title: "Model calls",
          format: count2,
          href: going("agent:* tokens>0 "),
          empty: "No model was called in this time.",
          lines: [line("calls", "active", void 0, (p) => p.model_calls, count2(total.model_calls)), line("errors", "bad", "2 2", (p) => p.model_errors, count2(total.model_errors))]
        }
      ),
      /* @__PURE__ */ jsx3(
        Chart,
        {
          ...frame,
          title: "Tokens",
          format: count2,
          href: going("agent:* tokens>0 "),
          empty: "No model was called in this time.",
          lines: [
            line("in", "active", void 0, (p) => p.tokens_in, count2(total.tokens_in)),
            line("of these cached", "wait", "2 3", (p) => p.tokens_cached, count2(total.tokens_cached)),
            line("out", "person", "6 3", (p) => p.tokens_out, count2(total.tokens_out))
          ]
        }
      ),
      /* @__PURE__ */ jsx3(
        Chart,
        {
          ...frame,
          title: "Cost",
          format: cost2,
          href: going("agent:* cost>0 "),
          empty: "No call with a known price in this time.",
          lines: [line("US dollars", "good", void 0, (p) => p.cost_micros, cost2(total.cost_micros))]
        }
      )
    ] }),
    /* @__PURE__ */ jsx3(Tables, { page })
  ] });
}
export {
  Charts
};
