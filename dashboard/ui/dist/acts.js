// src/pages/runs/acts.tsx
import { useEffect as useEffect2, useState as useState2 } from "./core.js";
import { path, useQuery } from "./core.js";
import { MenuList } from "./core.js";
import { useActions } from "./actions.js";
import { RewindDialog } from "./rewind.js";

// src/pages/runs/batch.tsx
import { useEffect, useRef, useState } from "./core.js";
import { ProblemError } from "./core.js";
import { previewBatch, runBatch } from "./core.js";
import { links } from "./core.js";
import { announce } from "./core.js";
import { Dialog } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
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
var asProblem = (e) => e instanceof ProblemError ? e : new ProblemError(0, { detail: String(e) });
function BatchDialog({ target, onClose, onDone }) {
  const [verb, done] = verbs[target.action] ?? [target.action, target.action];
  const [preview, setPreview] = useState();
  const [going, setGoing] = useState();
  const [stage, setStage] = useState("asking");
  const [error, setError] = useState();
  const [form, setForm] = useState({ reason: "", recursive: false, typed: "" });
  const [key] = useState(() => crypto.randomUUID());
  const stop = useRef(new AbortController());
  useEffect(() => {
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
  return /* @__PURE__ */ jsx(Dialog, { title: `${verb} ${preview ? runs(preview.done) : "runs"}`, onClose, children: /* @__PURE__ */ jsxs(
    "form",
    {
      onSubmit: (e) => {
        e.preventDefault();
        if (ready && stage === "asking") {
          start();
        }
      },
      children: [
        stage === "asking" && /* @__PURE__ */ jsx(Question, { target, preview, failed: error !== void 0, done, form, onChange: setForm }),
        stage !== "asking" && /* @__PURE__ */ jsx(Progress, { batch: going, total: preview?.total ?? 0, done, stage }),
        error && /* @__PURE__ */ jsxs("p", { class: "problem", role: "alert", children: [
          error.message,
          " ",
          error.hint
        ] }),
        /* @__PURE__ */ jsxs("div", { class: "row end", children: [
          /* @__PURE__ */ jsx("button", { type: "button", onClick: () => stage === "running" ? stop.current.abort() : onClose(), children: closeWord }),
          stage === "asking" && /* @__PURE__ */ jsx("button", { type: "submit", class: lasting.includes(target.action) ? "danger" : "primary", disabled: !ready, children: verb })
        ] })
      ]
    }
  ) });
}
function Question({ target, preview, failed, done, form, onChange }) {
  if (!preview) {
    return failed ? null : /* @__PURE__ */ jsx("p", { class: "dim", children: "Counting…" });
  }
  const word = `${preview.done.toLocaleString("en")} of ${runs(preview.total)}`;
  return /* @__PURE__ */ jsxs(Fragment, { children: [
    /* @__PURE__ */ jsxs("p", { role: "status", children: [
      /* @__PURE__ */ jsx("b", { children: word }),
      " would be ",
      done,
      ".",
      target.filter !== void 0 && (target.filter === "" ? " All runs are meant." : /* @__PURE__ */ jsxs(Fragment, { children: [
        " All are meant that match ",
        /* @__PURE__ */ jsx("code", { children: target.filter }),
        "."
      ] })),
      preview.partial && " More match than one batch takes: repeat it for the rest."
    ] }),
    /* @__PURE__ */ jsx(Problems, { batch: preview }),
    preview.done > 0 && /* @__PURE__ */ jsxs(Fragment, { children: [
      (target.action === "terminate" || target.action === "cancel" || target.action === "purge") && /* @__PURE__ */ jsxs("label", { class: "field row", children: [
        /* @__PURE__ */ jsx("input", { type: "checkbox", checked: form.recursive, onChange: (e) => onChange({ ...form, recursive: e.currentTarget.checked }) }),
        " Their child runs too"
      ] }),
      /* @__PURE__ */ jsxs("label", { class: "field", children: [
        "Reason ",
        /* @__PURE__ */ jsx("span", { class: "dim", children: "for the record" }),
        /* @__PURE__ */ jsx("input", { value: form.reason, maxLength: 4e3, onInput: (e) => onChange({ ...form, reason: e.currentTarget.value }) })
      ] }),
      lasting.includes(target.action) && /* @__PURE__ */ jsxs("label", { class: "field", children: [
        "Type ",
        preview.done,
        " to go on ",
        /* @__PURE__ */ jsx("span", { class: "dim", children: "it cannot be taken back" }),
        /* @__PURE__ */ jsx("input", { inputMode: "numeric", autocomplete: "off", value: form.typed, onInput: (e) => onChange({ ...form, typed: e.currentTarget.value }) })
      ] })
    ] })
  ] });
}
function Progress({ batch, total, done, stage }) {
  const looked = batch ? batch.done + batch.skipped + batch.failed : 0;
  const of = batch?.total ?? total;
  return /* @__PURE__ */ jsxs(Fragment, { children: [
    /* @__PURE__ */ jsx("progress", { max: Math.max(1, of), value: looked, "aria-label": "Progress" }),
    /* @__PURE__ */ jsxs("p", { role: "status", children: [
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
    batch && stage !== "running" && /* @__PURE__ */ jsx(Problems, { batch })
  ] });
}
function Problems({ batch }) {
  const reasons = /* @__PURE__ */ new Map();
  for (const p of batch.problems) {
    reasons.set(p.detail, [...reasons.get(p.detail) ?? [], p]);
  }
  const left = batch.skipped + batch.failed;
  return left === 0 ? null : /* @__PURE__ */ jsxs("ul", { class: "plain batch-problems", "aria-label": "Left out", children: [
    [...reasons].map(([detail, all]) => /* @__PURE__ */ jsxs("li", { children: [
      /* @__PURE__ */ jsx("span", { class: "num", children: all.length }),
      /* @__PURE__ */ jsxs("span", { children: [
        detail,
        ":",
        " ",
        all.slice(0, 3).map((p, i) => /* @__PURE__ */ jsxs("span", { children: [
          i > 0 && ", ",
          /* @__PURE__ */ jsx("a", { href: links.run(p.id), class: "mono", children: p.id })
        ] }, p.id)),
        all.length > 3 && ` and ${all.length - 3} more`
      ] })
    ] }, detail)),
    left > batch.problems.length && /* @__PURE__ */ jsxs("li", { class: "dim", children: [
      "and ",
      left - batch.problems.length,
      " more"
    ] })
  ] });
}

// src/pages/runs/acts.tsx
import { jsx as jsx2 } from "./core.js";
function Acts({ asked, onBack, onClose, onPurged = onClose, onDone }) {
  if ("action" in asked && !("id" in asked)) {
    return /* @__PURE__ */ jsx2(BatchDialog, { target: asked, onClose, onDone });
  }
  return /* @__PURE__ */ jsx2(RowMenu, { asked, onBack, onClose, onPurged });
}
function RowMenu(props) {
  const run = useQuery(path`runs/${props.asked.id}`);
  const leave = () => (props.onBack(), props.onClose());
  if (run.error) {
    return /* @__PURE__ */ jsx2(MenuList, { label: `Actions of ${props.asked.id}`, at: props.asked.at, items: [{ label: "Nothing can be done", reason: run.error.message, run: leave }], onClose: leave });
  }
  return run.data ? /* @__PURE__ */ jsx2(Loaded, { run: run.data, ...props }) : null;
}
function Loaded({ run, asked, onBack, onClose, onPurged }) {
  const [chosen, setChosen] = useState2(false);
  const [rewinding, setRewinding] = useState2(false);
  const acts = useActions({ run, onApplied: onClose, onLeft: onClose, onPurged, onRewind: () => setRewinding(true) });
  const items = asked.action ? acts.items.filter((i) => i.action === asked.action) : acts.items;
  useEffect2(() => {
    const [only] = items;
    if (asked.action && only && only.reason === void 0) {
      setChosen(true);
      only.run();
    }
  }, []);
  if (rewinding) {
    return /* @__PURE__ */ jsx2(RewindDialog, { run, onClose, onDone: onClose });
  }
  if (chosen) {
    return /* @__PURE__ */ jsx2("div", { class: "acts", children: acts.shown });
  }
  return /* @__PURE__ */ jsx2(
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
