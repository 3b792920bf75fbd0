// src/pages/runs/acts.tsx
import { useEffect as useEffect3, useState as useState4 } from "./core.js";
import { path as path3, useQuery } from "./core.js";
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
function ActionForm({ title, button, danger = false, invalid = false, send, onClose, children }) {
  const [key] = useState(() => crypto.randomUUID());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState();
  return /* @__PURE__ */ jsx(Dialog, { title, onClose, children: /* @__PURE__ */ jsxs(
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
import { useEffect, useState as useState2 } from "./core.js";
import { path as path2, post as post2 } from "./core.js";
import { Fragment as Fragment2, jsx as jsx2, jsxs as jsxs2 } from "./core.js";
function RewindDialog({ run, onClose, onDone }) {
  const [reason, setReason] = useState2("");
  const [dry, setDry] = useState2();
  useEffect(() => {
    let current = true;
    post2(path2`runs/${run.id}/rewind` + "?dry_run=1").then(
      (preview) => current && setDry({ preview }),
      (error) => current && setDry({ error })
    );
    return () => {
      current = false;
    };
  }, [run.id, run.row_version]);
  return /* @__PURE__ */ jsxs2(ActionForm, { title: "Rewind the run", button: "Rewind", invalid: !dry?.preview, onClose, send: (key) => post2(path2`runs/${run.id}/rewind`, reason ? { reason } : {}, key).then(onDone), children: [
    /* @__PURE__ */ jsx2("p", { children: "The run goes on from before the first step that failed. What it has done is served from its history." }),
    /* @__PURE__ */ jsx2("div", { class: "rewind-plan", role: "status", children: !dry ? /* @__PURE__ */ jsx2("span", { class: "dim", children: "Looking…" }) : dry.error ? /* @__PURE__ */ jsxs2("p", { class: "bad", children: [
      dry.error.message,
      " ",
      dry.error.hint
    ] }) : /* @__PURE__ */ jsx2(Plan, { preview: dry.preview }) }),
    /* @__PURE__ */ jsxs2("label", { class: "field", children: [
      "Reason ",
      /* @__PURE__ */ jsx2("span", { class: "dim", children: "for the record" }),
      /* @__PURE__ */ jsx2("input", { value: reason, maxLength: 4e3, onInput: (e) => setReason(e.currentTarget.value) })
    ] })
  ] });
}
function Plan({ preview }) {
  const again = preview.steps_run_again;
  return /* @__PURE__ */ jsxs2("p", { children: [
    /* @__PURE__ */ jsxs2("b", { children: [
      preview.steps_reused,
      " step",
      preview.steps_reused === 1 ? "" : "s",
      " reused, ",
      again.length,
      " run again"
    ] }),
    again.length > 0 && /* @__PURE__ */ jsxs2(Fragment2, { children: [
      ": ",
      tally(again)
    ] })
  ] });
}
function tally(names) {
  const counts = /* @__PURE__ */ new Map();
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  const all = [...counts].map(([n, c]) => c > 1 ? `${n} ×${c}` : n);
  return all.length > 8 ? `${all.slice(0, 8).join(", ")} and ${all.length - 8} more` : all.join(", ");
}

// src/pages/runs/batch.tsx
import { useEffect as useEffect2, useRef, useState as useState3 } from "./core.js";
import { ProblemError as ProblemError3 } from "./core.js";
import { previewBatch, runBatch } from "./core.js";
import { links as links2 } from "./core.js";
import { announce } from "./core.js";
import { Dialog as Dialog2 } from "./core.js";
import { Fragment as Fragment3, jsx as jsx3, jsxs as jsxs3 } from "./core.js";
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
  const [preview, setPreview] = useState3();
  const [going, setGoing] = useState3();
  const [stage, setStage] = useState3("asking");
  const [error, setError] = useState3();
  const [form, setForm] = useState3({ reason: "", recursive: false, typed: "" });
  const [key] = useState3(() => crypto.randomUUID());
  const stop = useRef(new AbortController());
  useEffect2(() => {
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
  return /* @__PURE__ */ jsx3(Dialog2, { title: `${verb} ${preview ? runs(preview.done) : "runs"}`, onClose, children: /* @__PURE__ */ jsxs3(
    "form",
    {
      onSubmit: (e) => {
        e.preventDefault();
        if (ready && stage === "asking") {
          start();
        }
      },
      children: [
        stage === "asking" && /* @__PURE__ */ jsx3(Question, { target, preview, failed: error !== void 0, done, form, onChange: setForm }),
        stage !== "asking" && /* @__PURE__ */ jsx3(Progress, { batch: going, total: preview?.total ?? 0, done, stage }),
        error && /* @__PURE__ */ jsxs3("p", { class: "problem", role: "alert", children: [
          error.message,
          " ",
          error.hint
        ] }),
        /* @__PURE__ */ jsxs3("div", { class: "row end", children: [
          /* @__PURE__ */ jsx3("button", { type: "button", onClick: () => stage === "running" ? stop.current.abort() : onClose(), children: closeWord }),
          stage === "asking" && /* @__PURE__ */ jsx3("button", { type: "submit", class: lasting.includes(target.action) ? "danger" : "primary", disabled: !ready, children: verb })
        ] })
      ]
    }
  ) });
}
function Question({ target, preview, failed, done, form, onChange }) {
  if (!preview) {
    return failed ? null : /* @__PURE__ */ jsx3("p", { class: "dim", children: "Counting…" });
  }
  const word = `${preview.done.toLocaleString("en")} of ${runs(preview.total)}`;
  return /* @__PURE__ */ jsxs3(Fragment3, { children: [
    /* @__PURE__ */ jsxs3("p", { role: "status", children: [
      /* @__PURE__ */ jsx3("b", { children: word }),
      " would be ",
      done,
      ".",
      target.filter !== void 0 && (target.filter === "" ? " All runs are meant." : /* @__PURE__ */ jsxs3(Fragment3, { children: [
        " All are meant that match ",
        /* @__PURE__ */ jsx3("code", { children: target.filter }),
        "."
      ] })),
      preview.partial && " More match than one batch takes: repeat it for the rest."
    ] }),
    /* @__PURE__ */ jsx3(Problems, { batch: preview }),
    preview.done > 0 && /* @__PURE__ */ jsxs3(Fragment3, { children: [
      (target.action === "terminate" || target.action === "cancel" || target.action === "purge") && /* @__PURE__ */ jsxs3("label", { class: "field row", children: [
        /* @__PURE__ */ jsx3("input", { type: "checkbox", checked: form.recursive, onChange: (e) => onChange({ ...form, recursive: e.currentTarget.checked }) }),
        " Their child runs too"
      ] }),
      /* @__PURE__ */ jsxs3("label", { class: "field", children: [
        "Reason ",
        /* @__PURE__ */ jsx3("span", { class: "dim", children: "for the record" }),
        /* @__PURE__ */ jsx3("input", { value: form.reason, maxLength: 4e3, onInput: (e) => onChange({ ...form, reason: e.currentTarget.value }) })
      ] }),
      lasting.includes(target.action) && /* @__PURE__ */ jsxs3("label", { class: "field", children: [
        "Type ",
        preview.done,
        " to go on ",
        /* @__PURE__ */ jsx3("span", { class: "dim", children: "it cannot be taken back" }),
        /* @__PURE__ */ jsx3("input", { inputMode: "numeric", autocomplete: "off", value: form.typed, onInput: (e) => onChange({ ...form, typed: e.currentTarget.value }) })
      ] })
    ] })
  ] });
}
function Progress({ batch, total, done, stage }) {
  const looked = batch ? batch.done + batch.skipped + batch.failed : 0;
  const of = batch?.total ?? total;
  return /* @__PURE__ */ jsxs3(Fragment3, { children: [
    /* @__PURE__ */ jsx3("progress", { max: Math.max(1, of), value: looked, "aria-label": "Progress" }),
    /* @__PURE__ */ jsxs3("p", { role: "status", children: [
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
    batch && stage !== "running" && /* @__PURE__ */ jsx3(Problems, { batch })
  ] });
}
function Problems({ batch }) {
  const reasons = /* @__PURE__ */ new Map();
  for (const p of batch.problems) {
    reasons.set(p.detail, [...reasons.get(p.detail) ?? [], p]);
  }
  const left = batch.skipped + batch.failed;
  return left === 0 ? null : /* @__PURE__ */ jsxs3("ul", { class: "plain batch-problems", "aria-label": "Left out", children: [
    [...reasons].map(([detail, all]) => /* @__PURE__ */ jsxs3("li", { children: [
      /* @__PURE__ */ jsx3("span", { class: "num", children: all.length }),
      /* @__PURE__ */ jsxs3("span", { children: [
        detail,
        ":",
        " ",
        all.slice(0, 3).map((p, i) => /* @__PURE__ */ jsxs3("span", { children: [
          i > 0 && ", ",
          /* @__PURE__ */ jsx3("a", { href: links2.run(p.id), class: "mono", children: p.id })
        ] }, p.id)),
        all.length > 3 && ` and ${all.length - 3} more`
      ] })
    ] }, detail)),
    left > batch.problems.length && /* @__PURE__ */ jsxs3("li", { class: "dim", children: [
      "and ",
      left - batch.problems.length,
      " more"
    ] })
  ] });
}

// src/pages/runs/acts.tsx
import { jsx as jsx4 } from "./core.js";
function Acts({ asked, onBack, onClose, onDone }) {
  if ("action" in asked && !("id" in asked)) {
    return /* @__PURE__ */ jsx4(BatchDialog, { target: asked, onClose, onDone });
  }
  return /* @__PURE__ */ jsx4(RowMenu, { asked, onBack, onClose });
}
function RowMenu(props) {
  const run = useQuery(path3`runs/${props.asked.id}`);
  const leave = () => (props.onBack(), props.onClose());
  if (run.error) {
    return /* @__PURE__ */ jsx4(MenuList, { label: `Actions of ${props.asked.id}`, at: props.asked.at, items: [{ label: "Nothing can be done", reason: run.error.message, run: leave }], onClose: leave });
  }
  return run.data ? /* @__PURE__ */ jsx4(Loaded, { run: run.data, ...props }) : null;
}
function Loaded({ run, asked, onBack, onClose }) {
  const [chosen, setChosen] = useState4(false);
  const [rewinding, setRewinding] = useState4(false);
  const acts = useActions({ run, onApplied: onClose, onLeft: onClose, onPurged: onClose, onRewind: () => setRewinding(true) });
  const items = asked.action ? acts.items.filter((i) => i.action === asked.action) : acts.items;
  useEffect3(() => {
    const [only] = items;
    if (asked.action && only && only.reason === void 0) {
      setChosen(true);
      only.run();
    }
  }, []);
  if (rewinding) {
    return /* @__PURE__ */ jsx4(RewindDialog, { run, onClose, onDone: onClose });
  }
  if (chosen) {
    return /* @__PURE__ */ jsx4("div", { class: "acts", children: acts.shown });
  }
  return /* @__PURE__ */ jsx4(
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
