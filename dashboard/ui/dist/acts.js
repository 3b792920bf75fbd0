// src/pages/runs/acts.tsx
import { useEffect as useEffect5, useState as useState6 } from "./core.js";
import { path as path4, useQuery } from "./core.js";
import { MenuList } from "./core.js";

// src/pages/run/actions.tsx
import { useState } from "./core.js";
import { path, post, ProblemError, readOnly } from "./core.js";
import { jsonError } from "./core.js";
import { linkState } from "./core.js";
import { go, links } from "./core.js";
import { Dialog } from "./core.js";
import { Menu } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
var labels = [
  ["event", "Raise event…"],
  ["suspend", "Suspend"],
  ["resume", "Resume"],
  ["rewind", "Rewind…"],
  ["restart", "Restart…"],
  ["cancel", "Cancel…"],
  ["terminate", "Terminate…"],
  ["purge", "Purge…"]
];
function useActions({ run, onApplied, onRewind, onPurged = () => go("runs"), onLeft }) {
  const [dialog, setDialog] = useState("");
  const [busy, setBusy] = useState("");
  const [error, setError] = useState();
  const reason = (action) => {
    if (readOnly) return "This server takes no changes.";
    if (linkState.value === "offline") return "The server does not answer.";
    if (run.actions.includes(action)) return void 0;
    return run.refused?.find((r) => r.action === action)?.reason ?? `Not while the run is ${run.status}.`;
  };
  const start = (action) => {
    setError(void 0);
    if (action === "rewind") return onRewind();
    if (action !== "suspend" && action !== "resume") return setDialog(action);
    setBusy(action);
    post(path`runs/${run.id}/${action}`, {}).then(onApplied, setError).finally(() => setBusy(""));
  };
  const close = () => setDialog("");
  const leave = () => {
    close();
    onLeft?.();
  };
  const done = () => {
    close();
    onApplied();
  };
  const items = labels.map(([action, label]) => ({ action, label, reason: reason(action), danger: action === "terminate" || action === "purge", run: () => start(action) }));
  const shown = /* @__PURE__ */ jsxs(Fragment, { children: [
    error && /* @__PURE__ */ jsxs("span", { class: "bad", role: "alert", children: [
      error.message,
      " ",
      error.hint
    ] }),
    dialog === "event" && /* @__PURE__ */ jsx(EventDialog, { run, onClose: leave, onDone: done }),
    dialog === "restart" && /* @__PURE__ */ jsx(RestartDialog, { run, onClose: leave, onDone: done }),
    (dialog === "cancel" || dialog === "terminate") && /* @__PURE__ */ jsx(StopDialog, { run, action: dialog, onClose: leave, onDone: done }),
    dialog === "purge" && /* @__PURE__ */ jsx(PurgeDialog, { run, onClose: leave, onDone: () => {
      close();
      onPurged();
    } })
  ] });
  return { items, busy, shown };
}
function ActionForm({ title: title2, button, danger = false, invalid = false, send, onClose, children }) {
  const [key] = useState(() => crypto.randomUUID());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState();
  return /* @__PURE__ */ jsx(Dialog, { title: title2, onClose, children: /* @__PURE__ */ jsxs(
    "form",
    {
      onSubmit: (e) => {
        e.preventDefault();
        if (busy || invalid) return;
        setBusy(true);
        send(key).catch((x) => {
          setError(x instanceof ProblemError ? x : new ProblemError(0, { detail: String(x) }));
          setBusy(false);
        });
      },
      children: [
        children,
        error && /* @__PURE__ */ jsxs("p", { class: "problem", role: "alert", children: [
          error.message,
          " ",
          error.hint
        ] }),
        /* @__PURE__ */ jsxs("div", { class: "row end", children: [
          /* @__PURE__ */ jsx("button", { type: "button", onClick: onClose, children: "Leave" }),
          /* @__PURE__ */ jsx("button", { type: "submit", class: danger ? "danger" : "primary", disabled: busy || invalid, children: busy ? "Applying…" : button })
        ] })
      ]
    }
  ) });
}
function EventDialog({ run, onClose, onDone }) {
  const [name, setName] = useState(run.wait_name ?? "");
  const [data, setData] = useState("");
  const bad = jsonError(data);
  return /* @__PURE__ */ jsxs(
    ActionForm,
    {
      title: "Raise an event",
      button: "Raise",
      invalid: bad !== void 0 || name === "",
      onClose,
      send: (key) => post(path`runs/${run.id}/events/${name}`, data.trim() === "" ? null : JSON.parse(data), key).then(onDone),
      children: [
        /* @__PURE__ */ jsxs("label", { class: "field", children: [
          "Name ",
          run.wait_name && /* @__PURE__ */ jsxs("span", { class: "dim", children: [
            "the run waits for ",
            run.wait_name
          ] }),
          /* @__PURE__ */ jsx("input", { required: true, value: name, list: "waits", onInput: (e) => setName(e.currentTarget.value) }),
          /* @__PURE__ */ jsx("datalist", { id: "waits", children: run.wait_name && /* @__PURE__ */ jsx("option", { value: run.wait_name }) })
        ] }),
        /* @__PURE__ */ jsxs("label", { class: "field", children: [
          "Data ",
          /* @__PURE__ */ jsx("span", { class: "dim", children: "JSON; nothing is null" }),
          /* @__PURE__ */ jsx("textarea", { rows: 6, class: "mono", spellcheck: false, "aria-invalid": bad !== void 0, value: data, onInput: (e) => setData(e.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ jsx("p", { class: "problem", children: bad })
      ]
    }
  );
}
function RestartDialog({ run, onClose, onDone }) {
  const [input, setInput] = useState(run.input === void 0 ? "" : JSON.stringify(run.input, null, 2));
  const [newID, setNewID] = useState(false);
  const bad = jsonError(input);
  return /* @__PURE__ */ jsxs(
    ActionForm,
    {
      title: "Restart the run",
      button: "Restart",
      invalid: bad !== void 0,
      onClose,
      send: (key) => post(path`runs/${run.id}/restart`, { new_id: newID, ...input.trim() === "" ? {} : { input: JSON.parse(input) } }, key).then((r) => {
        onDone();
        if (r.id !== run.id) go(links.run(r.id));
      }),
      children: [
        /* @__PURE__ */ jsxs("p", { children: [
          "It begins anew from its input. ",
          newID ? "This run stays as it is." : "What was before stays readable as an older execution."
        ] }),
        /* @__PURE__ */ jsxs("label", { class: "field", children: [
          "Input ",
          /* @__PURE__ */ jsx("span", { class: "dim", children: "JSON" }),
          /* @__PURE__ */ jsx("textarea", { rows: 8, class: "mono", spellcheck: false, "aria-invalid": bad !== void 0, value: input, onInput: (e) => setInput(e.currentTarget.value) })
        ] }),
        bad && /* @__PURE__ */ jsx("p", { class: "problem", children: bad }),
        /* @__PURE__ */ jsxs("label", { class: "field row", children: [
          /* @__PURE__ */ jsx("input", { type: "checkbox", checked: newID, onChange: (e) => setNewID(e.currentTarget.checked) }),
          " Under a new id"
        ] })
      ]
    }
  );
}
function StopDialog({ run, action, onClose, onDone }) {
  const [reason, setReason] = useState("");
  const [recursive, setRecursive] = useState(true);
  const verb = action === "cancel" ? "Cancel" : "Terminate";
  return /* @__PURE__ */ jsxs(
    ActionForm,
    {
      title: `${verb} the run`,
      button: verb,
      danger: true,
      onClose,
      send: (key) => post(path`runs/${run.id}/${action}`, { reason, recursive }, key).then(onDone),
      children: [
        /* @__PURE__ */ jsx("p", { children: action === "cancel" ? "The run is told and may clean up." : "The run ends at once; nothing of it runs any more." }),
        /* @__PURE__ */ jsxs("label", { class: "field", children: [
          "Reason",
          /* @__PURE__ */ jsx("input", { value: reason, maxLength: 4e3, onInput: (e) => setReason(e.currentTarget.value) })
        ] }),
        /* @__PURE__ */ jsxs("label", { class: "field row", children: [
          /* @__PURE__ */ jsx("input", { type: "checkbox", checked: recursive, onChange: (e) => setRecursive(e.currentTarget.checked) }),
          " Its child runs too",
          run.pending_counts?.children ? ` (${run.pending_counts.children} go on)` : ""
        ] })
      ]
    }
  );
}
function PurgeDialog({ run, onClose, onDone }) {
  const [recursive, setRecursive] = useState(false);
  const [counted, setCounted] = useState();
  const ready = counted?.recursive === recursive;
  return /* @__PURE__ */ jsxs(
    ActionForm,
    {
      title: "Purge the run",
      button: ready ? `Purge ${counted.count} run${counted.count === 1 ? "" : "s"}` : "Count first",
      danger: true,
      onClose,
      send: async (key) => {
        if (!ready) {
          const dry = await post(path`runs/${run.id}/purge` + "?dry_run=1", { recursive });
          setCounted({ recursive, count: dry.count });
          throw new ProblemError(0, { detail: `${dry.count} run${dry.count === 1 ? "" : "s"} would be deleted with all that they hold.`, hint: "Press again to do it." });
        }
        await post(path`runs/${run.id}/purge`, { recursive }, key);
        onDone();
      },
      children: [
        /* @__PURE__ */ jsx("p", { children: "What is purged is gone: history, payloads and outcomes." }),
        /* @__PURE__ */ jsxs("label", { class: "field row", children: [
          /* @__PURE__ */ jsx("input", { type: "checkbox", checked: recursive, onChange: (e) => setRecursive(e.currentTarget.checked) }),
          " Its child runs too"
        ] })
      ]
    }
  );
}

// src/pages/run/rewind.tsx
import { useEffect as useEffect3, useState as useState4 } from "./core.js";
import { get as get2, path as path3, post as post2, query as query2 } from "./core.js";

// src/pages/run/timeline.tsx
import { useEffect as useEffect2, useLayoutEffect, useMemo, useRef as useRef2, useState as useState3 } from "./core.js";
import { cost, count, duration } from "./core.js";
import { param, setParams } from "./core.js";

// src/pages/run/axis.ts
var second = 1e3;
var minute = 60 * second;
var hour = 60 * minute;
var day = 24 * hour;
var roundSteps = [10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour, day];

// src/pages/run/icons.tsx
import { jsx as jsx2, jsxs as jsxs2 } from "./core.js";

// src/pages/run/model.ts
import { useEffect, useRef, useState as useState2 } from "./core.js";
import { get, path as path2, query } from "./core.js";
import { useTopic } from "./core.js";

// src/pages/run/timeline.tsx
import { jsx as jsx3, jsxs as jsxs3 } from "./core.js";
function title(s) {
  if (s.kind === "timer") return s.name || "timer";
  if (s.kind === "decision") return `${(s.ask ?? "decision").replace(/_/g, " ")}: ${s.name || s.agent || ""}`;
  if (s.kind === "model") return s.model ? `${s.name || s.agent} · ${s.model}` : s.name || "model";
  return s.name || s.agent || s.target || s.kind;
}

// src/pages/run/rewind.tsx
import { Fragment as Fragment2, jsx as jsx4, jsxs as jsxs4 } from "./core.js";
var maxChoices = 500;
function RewindDialog({ run, to: first = 0, onClose, onDone }) {
  const [to, setTo] = useState4(first || (run.status === "failed" ? 0 : 1));
  const [steps, setSteps] = useState4([]);
  const [reason, setReason] = useState4("");
  const [dry, setDry] = useState4();
  const [execution] = useState4(run.execution);
  useEffect3(() => {
    const abort = new AbortController();
    get2(path3`runs/${run.id}/steps` + query2({ execution, limit: 1e4 }), abort.signal).then((page) => setSteps(page.items), () => void 0);
    return () => abort.abort();
  }, [run.id, execution]);
  useEffect3(() => {
    let current = true;
    post2(path3`runs/${run.id}/rewind` + "?dry_run=1", { to, execution }).then(
      (plan2) => current && setDry({ of: to, plan: plan2 }),
      (error) => current && setDry({ of: to, error })
    );
    return () => {
      current = false;
    };
  }, [run.id, to, execution]);
  const shown = dry?.of === to ? dry : void 0;
  const plan = shown?.plan;
  return /* @__PURE__ */ jsxs4(
    ActionForm,
    {
      title: "Rewind the run",
      button: "Rewind",
      invalid: !plan,
      onClose,
      send: (key) => post2(path3`runs/${run.id}/rewind`, { to: plan.to, execution, ...reason ? { reason } : {} }, key).then(onDone),
      children: [
        /* @__PURE__ */ jsxs4("label", { class: "field", children: [
          "Go back to",
          /* @__PURE__ */ jsxs4("select", { value: to, onChange: (e) => setTo(Number(e.currentTarget.value)), children: [
            run.status === "failed" && /* @__PURE__ */ jsx4("option", { value: 0, children: "before what has failed" }),
            choices(steps, to).map((c) => /* @__PURE__ */ jsx4("option", { value: c.n, children: c.label }, c.n))
          ] })
        ] }),
        /* @__PURE__ */ jsxs4("p", { class: "dim", children: [
          to === 0 ? "All that was done is served from the history; what has failed is given up." : "What was done before is served from the history; that and what came after it is given up.",
          " This execution stays readable as an older one."
        ] }),
        /* @__PURE__ */ jsx4("div", { class: "rewind-plan", role: "status", children: !shown ? /* @__PURE__ */ jsx4("span", { class: "dim", children: "Looking…" }) : shown.error ? /* @__PURE__ */ jsxs4("p", { class: "bad", children: [
          shown.error.message,
          " ",
          shown.error.hint
        ] }) : /* @__PURE__ */ jsx4(Plan, { plan, asked: to }) }),
        /* @__PURE__ */ jsxs4("label", { class: "field", children: [
          "Reason ",
          /* @__PURE__ */ jsx4("span", { class: "dim", children: "for the record" }),
          /* @__PURE__ */ jsx4("input", { value: reason, maxLength: 4e3, onInput: (e) => setReason(e.currentTarget.value) })
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
function Plan({ plan, asked }) {
  const again = plan.steps_run_again;
  return /* @__PURE__ */ jsxs4(Fragment2, { children: [
    /* @__PURE__ */ jsxs4("p", { children: [
      /* @__PURE__ */ jsxs4("b", { children: [
        count2(plan.steps_reused, "step"),
        " reused, ",
        again.length,
        " run again"
      ] }),
      again.length > 0 && /* @__PURE__ */ jsxs4(Fragment2, { children: [
        ": ",
        tally(again)
      ] })
    ] }),
    !plan.exact && again.length > 0 && /* @__PURE__ */ jsx4("p", { class: "dim", children: "Of these the run may have dealt with some, which then do not run again." }),
    plan.steps_given_up.length > 0 && /* @__PURE__ */ jsxs4("p", { children: [
      count2(plan.steps_given_up.length, "step"),
      " given up, to run again if the code comes to ",
      plan.steps_given_up.length === 1 ? "it" : "them",
      ": ",
      tally(plan.steps_given_up)
    ] }),
    plan.events_forgotten.length > 0 && /* @__PURE__ */ jsxs4("p", { children: [
      "Forgotten, and waited for again: ",
      tally(plan.events_forgotten)
    ] }),
    plan.runs_begin_anew.length > 0 && /* @__PURE__ */ jsxs4("p", { class: "warn", children: [
      "⚠ ",
      plan.runs_begin_anew.length === 1 ? "A run begins" : "Runs begin",
      " anew, and what ",
      plan.runs_begin_anew.length === 1 ? "it" : "they",
      " did outside is done again: ",
      /* @__PURE__ */ jsx4("b", { children: tally(plan.runs_begin_anew) })
    ] }),
    plan.decisions_open.map((d) => /* @__PURE__ */ jsxs4("p", { class: "warn", children: [
      "⚠ ",
      /* @__PURE__ */ jsx4("b", { children: d.tool }),
      " ",
      d.kind === "approval" ? "needs a new approval" : "was called already: you will be asked what became of that before it is called again"
    ] }, d.kind + d.call_id + d.step)),
    plan.to !== asked && /* @__PURE__ */ jsxs4("p", { class: "dim", children: [
      "It goes back to event ",
      plan.to,
      ", as a decision was asked for there that has to be made again."
    ] })
  ] });
}
function count2(n, what) {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
function tally(names) {
  const counts = /* @__PURE__ */ new Map();
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  const all = [...counts].map(([n, c]) => c > 1 ? `${n} ×${c}` : n);
  return all.length > 8 ? `${all.slice(0, 8).join(", ")} and ${all.length - 8} more` : all.join(", ");
}

// src/pages/runs/batch.tsx
import { useEffect as useEffect4, useRef as useRef3, useState as useState5 } from "./core.js";
import { ProblemError as ProblemError3 } from "./core.js";
import { previewBatch, runBatch } from "./core.js";
import { links as links2 } from "./core.js";
import { announce } from "./core.js";
import { Dialog as Dialog2 } from "./core.js";
import { Fragment as Fragment3, jsx as jsx5, jsxs as jsxs5 } from "./core.js";
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
var asProblem = (e) => e instanceof ProblemError3 ? e : new ProblemError3(0, { detail: String(e) });
function BatchDialog({ target, onClose, onDone }) {
  const [verb, done] = verbs[target.action] ?? [target.action, target.action];
  const [preview, setPreview] = useState5();
  const [going, setGoing] = useState5();
  const [stage, setStage] = useState5("asking");
  const [error, setError] = useState5();
  const [form, setForm] = useState5({ reason: "", recursive: false, typed: "" });
  const [key] = useState5(() => crypto.randomUUID());
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
  return /* @__PURE__ */ jsx5(Dialog2, { title: `${verb} ${preview ? runs(preview.done) : "runs"}`, onClose, children: /* @__PURE__ */ jsxs5(
    "form",
    {
      onSubmit: (e) => {
        e.preventDefault();
        if (ready && stage === "asking") {
          start();
        }
      },
      children: [
        stage === "asking" && /* @__PURE__ */ jsx5(Question, { target, preview, failed: error !== void 0, done, form, onChange: setForm }),
        stage !== "asking" && /* @__PURE__ */ jsx5(Progress, { batch: going, total: preview?.total ?? 0, done, stage }),
        error && /* @__PURE__ */ jsxs5("p", { class: "problem", role: "alert", children: [
          error.message,
          " ",
          error.hint
        ] }),
        /* @__PURE__ */ jsxs5("div", { class: "row end", children: [
          /* @__PURE__ */ jsx5("button", { type: "button", onClick: () => stage === "running" ? stop.current.abort() : onClose(), children: closeWord }),
          stage === "asking" && /* @__PURE__ */ jsx5("button", { type: "submit", class: lasting.includes(target.action) ? "danger" : "primary", disabled: !ready, children: verb })
        ] })
      ]
    }
  ) });
}
function Question({ target, preview, failed, done, form, onChange }) {
  if (!preview) {
    return failed ? null : /* @__PURE__ */ jsx5("p", { class: "dim", children: "Counting…" });
  }
  const word = `${preview.done.toLocaleString("en")} of ${runs(preview.total)}`;
  return /* @__PURE__ */ jsxs5(Fragment3, { children: [
    /* @__PURE__ */ jsxs5("p", { role: "status", children: [
      /* @__PURE__ */ jsx5("b", { children: word }),
      " would be ",
      done,
      ".",
      target.filter !== void 0 && (target.filter === "" ? " All runs are meant." : /* @__PURE__ */ jsxs5(Fragment3, { children: [
        " All are meant that match ",
        /* @__PURE__ */ jsx5("code", { children: target.filter }),
        "."
      ] })),
      preview.partial && " More match than one batch takes: repeat it for the rest."
    ] }),
    /* @__PURE__ */ jsx5(Problems, { batch: preview }),
    preview.done > 0 && /* @__PURE__ */ jsxs5(Fragment3, { children: [
      (target.action === "terminate" || target.action === "cancel" || target.action === "purge") && /* @__PURE__ */ jsxs5("label", { class: "field row", children: [
        /* @__PURE__ */ jsx5("input", { type: "checkbox", checked: form.recursive, onChange: (e) => onChange({ ...form, recursive: e.currentTarget.checked }) }),
        " Their child runs too"
      ] }),
      /* @__PURE__ */ jsxs5("label", { class: "field", children: [
        "Reason ",
        /* @__PURE__ */ jsx5("span", { class: "dim", children: "for the record" }),
        /* @__PURE__ */ jsx5("input", { value: form.reason, maxLength: 4e3, onInput: (e) => onChange({ ...form, reason: e.currentTarget.value }) })
      ] }),
      lasting.includes(target.action) && /* @__PURE__ */ jsxs5("label", { class: "field", children: [
        "Type ",
        preview.done,
        " to go on ",
        /* @__PURE__ */ jsx5("span", { class: "dim", children: "it cannot be taken back" }),
        /* @__PURE__ */ jsx5("input", { inputMode: "numeric", autocomplete: "off", value: form.typed, onInput: (e) => onChange({ ...form, typed: e.currentTarget.value }) })
      ] })
    ] })
  ] });
}
function Progress({ batch, total, done, stage }) {
  const looked = batch ? batch.done + batch.skipped + batch.failed : 0;
  const of = batch?.total ?? total;
  return /* @__PURE__ */ jsxs5(Fragment3, { children: [
    /* @__PURE__ */ jsx5("progress", { max: Math.max(1, of), value: looked, "aria-label": "Progress" }),
    /* @__PURE__ */ jsxs5("p", { role: "status", children: [
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
    batch && stage !== "running" && /* @__PURE__ */ jsx5(Problems, { batch })
  ] });
}
function Problems({ batch }) {
  const reasons = /* @__PURE__ */ new Map();
  for (const p of batch.problems) {
    reasons.set(p.detail, [...reasons.get(p.detail) ?? [], p]);
  }
  const left = batch.skipped + batch.failed;
  return left === 0 ? null : /* @__PURE__ */ jsxs5("ul", { class: "plain batch-problems", "aria-label": "Left out", children: [
    [...reasons].map(([detail, all]) => /* @__PURE__ */ jsxs5("li", { children: [
      /* @__PURE__ */ jsx5("span", { class: "num", children: all.length }),
      /* @__PURE__ */ jsxs5("span", { children: [
        detail,
        ":",
        " ",
        all.slice(0, 3).map((p, i) => /* @__PURE__ */ jsxs5("span", { children: [
          i > 0 && ", ",
          /* @__PURE__ */ jsx5("a", { href: links2.run(p.id), class: "mono", children: p.id })
        ] }, p.id)),
        all.length > 3 && ` and ${all.length - 3} more`
      ] })
    ] }, detail)),
    left > batch.problems.length && /* @__PURE__ */ jsxs5("li", { class: "dim", children: [
      "and ",
      left - batch.problems.length,
      " more"
    ] })
  ] });
}

// src/pages/runs/acts.tsx
import { jsx as jsx6 } from "./core.js";
function Acts({ asked, onBack, onClose, onDone }) {
  if ("action" in asked && !("id" in asked)) {
    return /* @__PURE__ */ jsx6(BatchDialog, { target: asked, onClose, onDone });
  }
  return /* @__PURE__ */ jsx6(RowMenu, { asked, onBack, onClose });
}
function RowMenu(props) {
  const run = useQuery(path4`runs/${props.asked.id}`);
  const leave = () => (props.onBack(), props.onClose());
  if (run.error) {
    return /* @__PURE__ */ jsx6(MenuList, { label: `Actions of ${props.asked.id}`, at: props.asked.at, items: [{ label: "Nothing can be done", reason: run.error.message, run: leave }], onClose: leave });
  }
  return run.data ? /* @__PURE__ */ jsx6(Loaded, { run: run.data, ...props }) : null;
}
function Loaded({ run, asked, onBack, onClose }) {
  const [chosen, setChosen] = useState6(false);
  const [rewinding, setRewinding] = useState6(false);
  const acts = useActions({ run, onApplied: onClose, onLeft: onClose, onPurged: onClose, onRewind: () => setRewinding(true) });
  const items = asked.action ? acts.items.filter((i) => i.action === asked.action) : acts.items;
  useEffect5(() => {
    const [only] = items;
    if (asked.action && only && only.reason === void 0) {
      setChosen(true);
      only.run();
    }
  }, []);
  if (rewinding) {
    return /* @__PURE__ */ jsx6(RewindDialog, { run, onClose, onDone: onClose });
  }
  if (chosen) {
    return /* @__PURE__ */ jsx6("div", { class: "acts", children: acts.shown });
  }
  return /* @__PURE__ */ jsx6(
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
