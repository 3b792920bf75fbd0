// src/pages/run/rewind.tsx
import { useEffect as useEffect3, useState as useState3 } from "./core.js";
import { get as get2, path as path2, post, query as query2 } from "./core.js";
import { links } from "./core.js";
import { ActionForm } from "./actions.js";

// src/pages/run/timeline.tsx
import { useEffect as useEffect2, useLayoutEffect, useMemo, useRef as useRef2, useState as useState2 } from "./core.js";
import { cost, count, duration } from "./core.js";
import { param, setParams } from "./core.js";

// src/pages/run/axis.ts
var second = 1e3;
var minute = 60 * second;
var hour = 60 * minute;
var day = 24 * hour;
var roundSteps = [10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour, day];

// src/pages/run/icons.tsx
import { jsx, jsxs } from "./core.js";

// src/pages/run/model.ts
import { useEffect, useRef, useState } from "./core.js";
import { get, path, query } from "./core.js";
import { useTopic } from "./core.js";

// src/pages/run/timeline.tsx
import { jsx as jsx2, jsxs as jsxs2 } from "./core.js";
function title(s) {
  if (s.kind === "timer") return s.name || "timer";
  if (s.kind === "decision") return `${(s.ask ?? "decision").replace(/_/g, " ")}: ${s.name || s.agent || ""}`;
  if (s.kind === "model") return s.model ? `${s.name || s.agent} · ${s.model}` : s.name || "model";
  return s.name || s.agent || s.target || s.kind;
}

// src/pages/run/rewind.tsx
import { Fragment, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
var maxChoices = 500;
function RewindDialog({ run, to: first = 0, onClose, onDone }) {
  const [to, setTo] = useState3(first || (run.status === "failed" ? 0 : 1));
  const [steps, setSteps] = useState3([]);
  const [reason, setReason] = useState3("");
  const [dry, setDry] = useState3();
  const [execution] = useState3(run.execution);
  useEffect3(() => {
    const abort = new AbortController();
    get2(path2`runs/${run.id}/steps` + query2({ execution, limit: 1e4 }), abort.signal).then((page) => setSteps(page.items), () => void 0);
    return () => abort.abort();
  }, [run.id, execution]);
  useEffect3(() => {
    let current = true;
    post(path2`runs/${run.id}/rewind` + "?dry_run=1", { to, execution }).then(
      (plan2) => current && setDry({ of: to, plan: plan2 }),
      (error) => current && setDry({ of: to, error })
    );
    return () => {
      current = false;
    };
  }, [run.id, to, execution]);
  const shown = dry?.of === to ? dry : void 0;
  const plan = shown?.plan;
  return /* @__PURE__ */ jsxs3(
    ActionForm,
    {
      title: "Rewind the run",
      button: "Rewind",
      invalid: !plan,
      onClose,
      send: (key) => post(path2`runs/${run.id}/rewind`, { to: plan.to, execution, ...reason ? { reason } : {} }, key).then(onDone),
      children: [
        /* @__PURE__ */ jsxs3("label", { class: "field", children: [
          "Go back to",
          /* @__PURE__ */ jsxs3("select", { value: to, onChange: (e) => setTo(Number(e.currentTarget.value)), children: [
            run.status === "failed" && /* @__PURE__ */ jsx3("option", { value: 0, children: "before what has failed" }),
            choices(steps, to).map((c) => /* @__PURE__ */ jsx3("option", { value: c.n, children: c.label }, c.n))
          ] })
        ] }),
        /* @__PURE__ */ jsxs3("p", { class: "dim", children: [
          to === 0 ? "All that was done is served from the history; what has failed is given up." : "What was done before is served from the history; that and what came after it is given up.",
          " This execution stays readable as an older one."
        ] }),
        /* @__PURE__ */ jsx3("div", { class: "rewind-plan", role: "status", children: !shown ? /* @__PURE__ */ jsx3("span", { class: "dim", children: "Looking…" }) : shown.error ? /* @__PURE__ */ jsxs3("p", { class: "bad", children: [
          shown.error.message,
          " ",
          shown.error.hint
        ] }) : /* @__PURE__ */ jsx3(Plan, { plan, asked: to }) }),
        /* @__PURE__ */ jsxs3("label", { class: "field", children: [
          "Reason ",
          /* @__PURE__ */ jsx3("span", { class: "dim", children: "for the record" }),
          /* @__PURE__ */ jsx3("input", { value: reason, maxLength: 4e3, onInput: (e) => setReason(e.currentTarget.value) })
        ] })
      ]
    }
  );
}
function choices(steps, to) {
  const list = steps.filter((s) => s.n > 0 && s.kind !== "internal").map((s) => ({ n: s.attempts?.[0]?.n ?? s.n, label: `before ${title(s)} (event ${s.attempts?.[0]?.n ?? s.n})` }));
  const near = Math.max(0, list.findIndex((c) => c.n >= to) - maxChoices / 2);
  const shown = list.slice(near, near + maxChoices);
  if (to > 0 && !shown.some((c) => c.n === to)) shown.push({ n: to, label: to === 1 ? "the beginning" : `before event ${to}` });
  return shown.sort((a, b) => a.n - b.n);
}
function Plan({ plan, asked, moved }) {
  const again = plan.steps_run_again;
  return /* @__PURE__ */ jsxs3(Fragment, { children: [
    /* @__PURE__ */ jsxs3("p", { children: [
      /* @__PURE__ */ jsxs3("b", { children: [
        count2(plan.steps_reused, "step"),
        " reused, ",
        again.length,
        " run again"
      ] }),
      again.length > 0 && /* @__PURE__ */ jsxs3(Fragment, { children: [
        ": ",
        tally(again)
      ] })
    ] }),
    plan.unknown.length > 0 && /* @__PURE__ */ jsxs3(Fragment, { children: [
      /* @__PURE__ */ jsx3("p", { class: "dim", children: "Only the code can tell" }),
      /* @__PURE__ */ jsx3("ul", { "aria-label": "What is not known", children: plan.unknown.map((what) => /* @__PURE__ */ jsx3("li", { children: what }, what)) })
    ] }),
    plan.steps_given_up.length > 0 && /* @__PURE__ */ jsxs3("p", { children: [
      count2(plan.steps_given_up.length, "step"),
      " given up, to run again if the code comes to ",
      plan.steps_given_up.length === 1 ? "it" : "them",
      ": ",
      tally(plan.steps_given_up)
    ] }),
    plan.events_forgotten.length > 0 && /* @__PURE__ */ jsxs3("p", { children: [
      "Forgotten, and waited for again: ",
      tally(plan.events_forgotten)
    ] }),
    plan.runs_below.length > 0 && /* @__PURE__ */ jsxs3("ul", { "aria-label": "Runs below", children: [
      plan.runs_below.map((r) => /* @__PURE__ */ jsxs3("li", { class: r.becomes === "anew" ? "warn" : void 0, children: [
        /* @__PURE__ */ jsx3("a", { href: links.run(r.id), children: r.name }),
        " ",
        becoming[r.becomes],
        r.steps_run_again.length > 0 && /* @__PURE__ */ jsxs3(Fragment, { children: [
          ": ",
          tally(r.steps_run_again)
        ] })
      ] }, r.id)),
      plan.more_runs && /* @__PURE__ */ jsx3("li", { class: "dim", children: "and others" })
    ] }),
    plan.decisions_open.map((d) => /* @__PURE__ */ jsxs3("p", { class: "warn", children: [
      "⚠ ",
      /* @__PURE__ */ jsx3("b", { children: d.tool }),
      " ",
      d.kind === "approval" ? "needs a new approval" : "was called already: you will be asked what became of that before it is called again"
    ] }, d.run + d.kind + d.call_id + d.step)),
    plan.to !== asked && /* @__PURE__ */ jsx3("p", { class: "dim", children: moved ?? `It goes back to event ${plan.to}, as a decision was asked for there that has to be made again.` })
  ] });
}
var becoming = {
  rewound: "is rewound to its beginning: what it did outside keeps its effect ids",
  retried: "has failed, and goes on from before that",
  resumed: "was ended, and goes on from there",
  goes_on: "still runs, and goes on",
  answered: "has ended, and is not run again",
  anew: "begins anew, and what it did outside is done again"
};
function count2(n, what) {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
function tally(names) {
  const counts = /* @__PURE__ */ new Map();
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  const all = [...counts].map(([n, c]) => c > 1 ? `${n} ×${c}` : n);
  return all.length > 8 ? `${all.slice(0, 8).join(", ")} and ${all.length - 8} more` : all.join(", ");
}
export {
  Plan,
  RewindDialog,
  choices,
  tally
};
