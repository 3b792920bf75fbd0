// src/pages/runs/acts.tsx
import { useEffect as useEffect5, useState as useState5 } from "./core.js";
import { path as path3, useQuery } from "./core.js";
import { MenuList } from "./core.js";
import { useActions } from "./actions.js";

// src/pages/run/fork.tsx
import { useEffect as useEffect3, useState as useState3 } from "./core.js";
import { get as get2, path as path2, post, query as query2 } from "./core.js";
import { jsonError } from "./core.js";
import { go, links } from "./core.js";
import { ActionForm } from "./actions.js";
import { choices, Plan } from "./rewind.js";

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

// src/pages/run/fork.tsx
import { Fragment, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
function ForkDialog({ run, execution, to: first = 0, onClose }) {
  const [to, setTo] = useState3(first);
  const [steps, setSteps] = useState3([]);
  const [id, setID] = useState3("");
  const [input, setInput] = useState3();
  const [step, setStep] = useState3(0);
  const [change, setChange] = useState3("result");
  const [outcome, setOutcome] = useState3("");
  const [reason, setReason] = useState3("");
  const [dry, setDry] = useState3();
  useEffect3(() => {
    const abort = new AbortController();
    get2(path2`runs/${run.id}/steps` + query2({ execution, limit: 1e4 }), abort.signal).then((page) => setSteps(page.items), () => void 0);
    return () => abort.abort();
  }, [run.id, execution]);
  const bad = input !== void 0 && jsonError(input) || step > 0 && change === "result" && jsonError(outcome) || void 0;
  const where = { to, execution, ...step > 0 ? { step: { n: step } } : {} };
  const asked = JSON.stringify(where);
  useEffect3(() => {
    let current = true;
    post(path2`runs/${run.id}/fork` + "?dry_run=1", where).then(
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
  return /* @__PURE__ */ jsxs3(
    ActionForm,
    {
      title: "Fork the run",
      button: "Fork",
      invalid: !shown?.plan || bad !== void 0,
      onClose,
      send: (key) => post(path2`runs/${run.id}/fork`, body(), key).then((r) => {
        onClose();
        go(links.run(r.id));
      }),
      children: [
        /* @__PURE__ */ jsxs3("label", { class: "field", children: [
          "The copy ends",
          /* @__PURE__ */ jsxs3("select", { value: to, onChange: (e) => setTo(Number(e.currentTarget.value)), children: [
            /* @__PURE__ */ jsx3("option", { value: 0, children: step > 0 ? "before the outcome of the step that is changed" : "before what has failed first, else at the end" }),
            choices(steps, to).map((c) => /* @__PURE__ */ jsx3("option", { value: c.n, children: c.label }, c.n))
          ] })
        ] }),
        /* @__PURE__ */ jsx3("p", { class: "dim", children: "A new run begins with what is before that, and does what comes after it by itself. This run stays as it is." }),
        /* @__PURE__ */ jsxs3("label", { class: "field", children: [
          "Another outcome",
          /* @__PURE__ */ jsxs3("select", { value: step, onChange: (e) => setStep(Number(e.currentTarget.value)), children: [
            /* @__PURE__ */ jsx3("option", { value: 0, children: "all steps have their own" }),
            changeable.map((s) => /* @__PURE__ */ jsxs3("option", { value: s.n, children: [
              title(s),
              " (event ",
              s.n,
              ")"
            ] }, s.n))
          ] })
        ] }),
        step > 0 && /* @__PURE__ */ jsxs3("fieldset", { class: "fork-outcome", children: [
          /* @__PURE__ */ jsx3("legend", { class: "hidden-text", children: "Outcome of the step" }),
          /* @__PURE__ */ jsxs3("label", { class: "row", children: [
            /* @__PURE__ */ jsx3("input", { type: "radio", name: "change", checked: change === "result", onChange: () => setChange("result") }),
            " Result"
          ] }),
          /* @__PURE__ */ jsxs3("label", { class: "row", children: [
            /* @__PURE__ */ jsx3("input", { type: "radio", name: "change", checked: change === "failure", onChange: () => setChange("failure") }),
            " Failure"
          ] }),
          /* @__PURE__ */ jsxs3("label", { class: "field", children: [
            change === "result" ? /* @__PURE__ */ jsxs3(Fragment, { children: [
              "Result ",
              /* @__PURE__ */ jsx3("span", { class: "dim", children: "JSON; left empty it is null" })
            ] }) : "What has gone wrong",
            /* @__PURE__ */ jsx3("textarea", { rows: 3, class: change === "result" ? "mono" : "", spellcheck: false, value: outcome, onInput: (e) => setOutcome(e.currentTarget.value) })
          ] })
        ] }),
        /* @__PURE__ */ jsxs3("label", { class: "field row", children: [
          /* @__PURE__ */ jsx3("input", { type: "checkbox", checked: input !== void 0, onChange: (e) => setInput(e.currentTarget.checked ? run.input === void 0 ? "" : JSON.stringify(run.input, null, 2) : void 0) }),
          " Another input"
        ] }),
        input !== void 0 && /* @__PURE__ */ jsxs3("label", { class: "field", children: [
          "Input ",
          /* @__PURE__ */ jsx3("span", { class: "dim", children: "JSON" }),
          /* @__PURE__ */ jsx3("textarea", { rows: 5, class: "mono", spellcheck: false, value: input, onInput: (e) => setInput(e.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ jsx3("p", { class: "problem", children: bad }),
        /* @__PURE__ */ jsx3("div", { class: "rewind-plan", role: "status", children: !shown ? /* @__PURE__ */ jsx3("span", { class: "dim", children: "Looking…" }) : shown.error ? /* @__PURE__ */ jsxs3("p", { class: "bad", children: [
          shown.error.message,
          " ",
          shown.error.hint
        ] }) : /* @__PURE__ */ jsx3(Plan, { plan: shown.plan, asked: to || shown.plan.to, moved: `It is copied up to event ${shown.plan.to}, as something is open later that only this run can end.` }) }),
        /* @__PURE__ */ jsxs3("label", { class: "field", children: [
          "Id of the new run ",
          /* @__PURE__ */ jsx3("span", { class: "dim", children: "left empty it is a random one" }),
          /* @__PURE__ */ jsx3("input", { value: id, maxLength: 100, onInput: (e) => setID(e.currentTarget.value) })
        ] }),
        /* @__PURE__ */ jsxs3("label", { class: "field", children: [
          "Reason ",
          /* @__PURE__ */ jsx3("span", { class: "dim", children: "for the record" }),
          /* @__PURE__ */ jsx3("input", { value: reason, maxLength: 4e3, onInput: (e) => setReason(e.currentTarget.value) })
        ] })
      ]
    }
  );
}
function value(text) {
  return text.trim() === "" ? null : JSON.parse(text);
}

// src/pages/runs/acts.tsx
import { RewindDialog } from "./rewind.js";

// src/pages/runs/batch.tsx
import { useEffect as useEffect4, useRef as useRef3, useState as useState4 } from "./core.js";
import { ProblemError as ProblemError2 } from "./core.js";
import { previewBatch, runBatch } from "./core.js";
import { links as links2 } from "./core.js";
import { announce } from "./core.js";
import { Dialog } from "./core.js";
import { Fragment as Fragment2, jsx as jsx4, jsxs as jsxs4 } from "./core.js";
var verbs = {
  suspend: ["Suspend", "suspended"],
  resume: ["Resume", "resumed"],
  cancel: ["Cancel", "canceled"],
  terminate: ["Terminate", "terminated"],
  restart: ["Restart", "restarted"],
  rewind: ["Rewind", "rewound"],
  purge: ["Purge", "purged"]
};
var lasting = ["cancel", "terminate", "purge"];
var runs = (n) => `${n.toLocaleString("en")} run${n === 1 ? "" : "s"}`;
var asProblem = (e) => e instanceof ProblemError2 ? e : new ProblemError2(0, { detail: String(e) });
function BatchDialog({ target, onClose, onDone }) {
  const [verb, done] = verbs[target.action] ?? [target.action, target.action];
  const [preview, setPreview] = useState4();
  const [going, setGoing] = useState4();
  const [stage, setStage] = useState4("asking");
  const [error, setError] = useState4();
  const [form, setForm] = useState4({ reason: "", recursive: false, typed: "" });
  const [key] = useState4(() => crypto.randomUUID());
  const stop = useRef3(new AbortController());
  useEffect4(() => {
    let shown = true;
    previewBatch(target).then(
      (b) => shown && setPreview(b),
      (e) => shown && setError(asProblem(e))
    );
    return () => {
      shown = false;
      stop.current.abort();
    };
  }, []);
  const start = () => {
    const order = { ...target, ...form.reason ? { reason: form.reason } : {}, ...form.recursive ? { recursive: true } : {} };
    const s = stop.current = new AbortController();
    setStage("running");
    setError(void 0);
    runBatch(order, key, s.signal, setGoing).then(
      (b) => {
        setGoing(b);
        setStage("ended");
        announce(`${runs(b.done)} ${done}`);
        onDone();
      },
      (e) => {
        setStage(s.signal.aborted ? "stopped" : "asking");
        setError(s.signal.aborted ? void 0 : asProblem(e));
        onDone();
      }
    );
  };
  const ready = preview !== void 0 && preview.done > 0 && (!lasting.includes(target.action) || form.typed.trim() === String(preview.done));
  const closeWord = { asking: "Leave", running: "Stop", ended: "Close", stopped: "Close" }[stage];
  return /* @__PURE__ */ jsx4(Dialog, { title: `${verb} ${preview ? runs(preview.done) : "runs"}`, onClose, children: /* @__PURE__ */ jsxs4(
    "form",
    {
      onSubmit: (e) => {
        e.preventDefault();
        if (ready && stage === "asking") {
          start();
        }
      },
      children: [
        stage === "asking" && /* @__PURE__ */ jsx4(Question, { target, preview, failed: error !== void 0, done, form, onChange: setForm }),
        stage !== "asking" && /* @__PURE__ */ jsx4(Progress, { batch: going, total: preview?.total ?? 0, done, stage }),
        error && /* @__PURE__ */ jsxs4("p", { class: "problem", role: "alert", children: [
          error.message,
          " ",
          error.hint
        ] }),
        /* @__PURE__ */ jsxs4("div", { class: "row end", children: [
          /* @__PURE__ */ jsx4("button", { type: "button", onClick: () => stage === "running" ? stop.current.abort() : onClose(), children: closeWord }),
          stage === "asking" && /* @__PURE__ */ jsx4("button", { type: "submit", class: lasting.includes(target.action) ? "danger" : "primary", disabled: !ready, children: verb })
        ] })
      ]
    }
  ) });
}
function Question({ target, preview, failed, done, form, onChange }) {
  if (!preview) {
    return failed ? null : /* @__PURE__ */ jsx4("p", { class: "dim", children: "Counting…" });
  }
  const word = `${preview.done.toLocaleString("en")} of ${runs(preview.total)}`;
  return /* @__PURE__ */ jsxs4(Fragment2, { children: [
    /* @__PURE__ */ jsxs4("p", { role: "status", children: [
      /* @__PURE__ */ jsx4("b", { children: word }),
      " would be ",
      done,
      ".",
      target.filter !== void 0 && (target.filter === "" ? " All runs are meant." : /* @__PURE__ */ jsxs4(Fragment2, { children: [
        " All are meant that match ",
        /* @__PURE__ */ jsx4("code", { children: target.filter }),
        "."
      ] })),
      preview.partial && " More match than one batch takes: repeat it for the rest."
    ] }),
    /* @__PURE__ */ jsx4(Problems, { batch: preview }),
    preview.done > 0 && /* @__PURE__ */ jsxs4(Fragment2, { children: [
      (target.action === "terminate" || target.action === "cancel" || target.action === "purge") && /* @__PURE__ */ jsxs4("label", { class: "field row", children: [
        /* @__PURE__ */ jsx4("input", { type: "checkbox", checked: form.recursive, onChange: (e) => onChange({ ...form, recursive: e.currentTarget.checked }) }),
        " Their child runs too"
      ] }),
      /* @__PURE__ */ jsxs4("label", { class: "field", children: [
        "Reason ",
        /* @__PURE__ */ jsx4("span", { class: "dim", children: "for the record" }),
        /* @__PURE__ */ jsx4("input", { value: form.reason, maxLength: 4e3, onInput: (e) => onChange({ ...form, reason: e.currentTarget.value }) })
      ] }),
      lasting.includes(target.action) && /* @__PURE__ */ jsxs4("label", { class: "field", children: [
        "Type ",
        preview.done,
        " to go on ",
        /* @__PURE__ */ jsx4("span", { class: "dim", children: "it cannot be taken back" }),
        /* @__PURE__ */ jsx4("input", { inputMode: "numeric", autocomplete: "off", value: form.typed, onInput: (e) => onChange({ ...form, typed: e.currentTarget.value }) })
      ] })
    ] })
  ] });
}
function Progress({ batch, total, done, stage }) {
  const looked = batch ? batch.done + batch.skipped + batch.failed : 0;
  const of = batch?.total ?? total;
  return /* @__PURE__ */ jsxs4(Fragment2, { children: [
    /* @__PURE__ */ jsx4("progress", { max: Math.max(1, of), value: looked, "aria-label": "Progress" }),
    /* @__PURE__ */ jsxs4("p", { role: "status", children: [
      stage === "stopped" && "Stopped: what was done stays done. ",
      runs(batch?.done ?? 0),
      " ",
      done,
      ", ",
      batch?.skipped ?? 0,
      " left out, ",
      batch?.failed ?? 0,
      " failed, of ",
      of.toLocaleString("en"),
      ".",
      stage === "ended" && batch?.partial && " More match: repeat it for the rest."
    ] }),
    batch && stage !== "running" && /* @__PURE__ */ jsx4(Problems, { batch })
  ] });
}
function Problems({ batch }) {
  const reasons = /* @__PURE__ */ new Map();
  for (const p of batch.problems) {
    reasons.set(p.detail, [...reasons.get(p.detail) ?? [], p]);
  }
  const left = batch.skipped + batch.failed;
  return left === 0 ? null : /* @__PURE__ */ jsxs4("ul", { class: "plain batch-problems", "aria-label": "Left out", children: [
    [...reasons].map(([detail, all]) => /* @__PURE__ */ jsxs4("li", { children: [
      /* @__PURE__ */ jsx4("span", { class: "num", children: all.length }),
      /* @__PURE__ */ jsxs4("span", { children: [
        detail,
        ":",
        " ",
        all.slice(0, 3).map((p, i) => /* @__PURE__ */ jsxs4("span", { children: [
          i > 0 && ", ",
          /* @__PURE__ */ jsx4("a", { href: links2.run(p.id), class: "mono", children: p.id })
        ] }, p.id)),
        all.length > 3 && ` and ${all.length - 3} more`
      ] })
    ] }, detail)),
    left > batch.problems.length && /* @__PURE__ */ jsxs4("li", { class: "dim", children: [
      "and ",
      left - batch.problems.length,
      " more"
    ] })
  ] });
}

// src/pages/runs/acts.tsx
import { jsx as jsx5 } from "./core.js";
function Acts({ asked, onBack, onClose, onPurged = onClose, onDone }) {
  if ("action" in asked && !("id" in asked)) {
    return /* @__PURE__ */ jsx5(BatchDialog, { target: asked, onClose, onDone });
  }
  return /* @__PURE__ */ jsx5(RowMenu, { asked, onBack, onClose, onPurged });
}
function RowMenu(props) {
  const run = useQuery(path3`runs/${props.asked.id}`);
  const leave = () => (props.onBack(), props.onClose());
  if (run.error) {
    return /* @__PURE__ */ jsx5(MenuList, { label: `Actions of ${props.asked.id}`, at: props.asked.at, items: [{ label: "Nothing can be done", reason: run.error.message, run: leave }], onClose: leave });
  }
  return run.data ? /* @__PURE__ */ jsx5(Loaded, { run: run.data, ...props }) : null;
}
function Loaded({ run, asked, onBack, onClose, onPurged }) {
  const [chosen, setChosen] = useState5(false);
  const [rewinding, setRewinding] = useState5(false);
  const [forking, setForking] = useState5(false);
  const acts = useActions({ run, onApplied: onClose, onLeft: onClose, onPurged, onRewind: () => setRewinding(true), onFork: () => setForking(true) });
  const items = asked.action ? acts.items.filter((i) => i.action === asked.action) : acts.items;
  useEffect5(() => {
    const [only] = items;
    if (asked.action && only && only.reason === void 0) {
      setChosen(true);
      only.run();
    }
  }, []);
  if (rewinding) {
    return /* @__PURE__ */ jsx5(RewindDialog, { run, onClose, onDone: onClose });
  }
  if (forking) {
    return /* @__PURE__ */ jsx5(ForkDialog, { run, execution: run.execution ?? "", onClose });
  }
  if (chosen) {
    return /* @__PURE__ */ jsx5("div", { class: "acts", children: acts.shown });
  }
  return /* @__PURE__ */ jsx5(
    MenuList,
    {
      label: `Actions of ${run.id}`,
      at: asked.at,
      items,
      onClose: (why) => {
        if (why !== "away") {
          onBack();
        }
        if (why === "chosen") {
          setChosen(true);
        } else {
          onClose();
        }
      }
    }
  );
}
export {
  Acts
};
