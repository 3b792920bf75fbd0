// src/pages/run/actions.tsx
import { useState } from "./core.js";
import { path, post, ProblemError } from "./core.js";
import { hindered } from "./core.js";
import { jsonError } from "./core.js";
import { go, links } from "./core.js";
import { runActions } from "./core.js";
import { Dialog } from "./core.js";
import { Menu } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
var buttons = ["event", "resume", "suspend", "rewind", "restart"];
function useActions({ run, onApplied, onRewind, onFork, onPurged = () => go("runs"), onLeft }) {
  const [dialog, setDialog] = useState("");
  const [busy, setBusy] = useState("");
  const [error, setError] = useState();
  const reason = (action) => {
    const off = hindered();
    if (off) return off;
    if (run.actions.includes(action)) return void 0;
    return run.refused?.find((r) => r.action === action)?.reason ?? `Not while the run is ${run.status}.`;
  };
  const start = (action) => {
    setError(void 0);
    if (action === "rewind") return onRewind();
    if (action === "fork") return onFork();
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
  const items = runActions.map(([action, label]) => ({ action, label, reason: reason(action), danger: action === "terminate" || action === "purge", run: () => start(action) }));
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
function Actions(props) {
  const { items, busy, shown } = useActions(props);
  const first = buttons.flatMap((a) => items.filter((i) => i.action === a && i.reason === void 0)).slice(0, 2);
  return /* @__PURE__ */ jsxs("div", { class: "run-actions", children: [
    first.map((i) => /* @__PURE__ */ jsx("button", { type: "button", disabled: busy !== "", onClick: i.run, children: busy === i.action ? "Applying…" : i.label }, i.action)),
    /* @__PURE__ */ jsx(Menu, { label: "All actions", items, children: "⋯" }),
    shown
  ] });
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
  const waits = run.wait_names ?? (run.wait_name ? [run.wait_name] : []);
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
          waits.length === 1 && /* @__PURE__ */ jsxs("span", { class: "dim", children: [
            "the run waits for ",
            waits[0]
          ] }),
          /* @__PURE__ */ jsx("input", { required: true, value: name, list: "waits", onInput: (e) => setName(e.currentTarget.value) }),
          /* @__PURE__ */ jsx("datalist", { id: "waits", children: waits.map((w) => /* @__PURE__ */ jsx("option", { value: w }, w)) })
        ] }),
        waits.length > 1 && /* @__PURE__ */ jsxs("div", { class: "chips", role: "group", "aria-label": "The run waits for", children: [
          /* @__PURE__ */ jsx("span", { class: "dim", children: "The run waits for" }),
          waits.map((w) => /* @__PURE__ */ jsx("button", { type: "button", "aria-pressed": w === name, onClick: () => setName(w), children: w }, w))
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
  const [id, setID] = useState("");
  const [version, setVersion] = useState(run.version ?? "");
  const bad = jsonError(input);
  const body = () => ({
    new_id: newID,
    ...newID && id !== "" ? { id } : {},
    ...version !== (run.version ?? "") ? { version } : {},
    ...input.trim() === "" ? {} : { input: JSON.parse(input) }
  });
  return /* @__PURE__ */ jsxs(
    ActionForm,
    {
      title: "Restart the run",
      button: "Restart",
      invalid: bad !== void 0,
      onClose,
      send: (key) => post(path`runs/${run.id}/restart`, body(), key).then((r) => {
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
        /* @__PURE__ */ jsxs("label", { class: "field", children: [
          "Version ",
          /* @__PURE__ */ jsx("span", { class: "dim", children: "of the code; nothing is none" }),
          /* @__PURE__ */ jsx("input", { value: version, onInput: (e) => setVersion(e.currentTarget.value) })
        ] }),
        /* @__PURE__ */ jsxs("label", { class: "field row", children: [
          /* @__PURE__ */ jsx("input", { type: "checkbox", checked: newID, onChange: (e) => setNewID(e.currentTarget.checked) }),
          " Under a new id"
        ] }),
        newID && /* @__PURE__ */ jsxs("label", { class: "field", children: [
          "Id ",
          /* @__PURE__ */ jsx("span", { class: "dim", children: "nothing has one made" }),
          /* @__PURE__ */ jsx("input", { value: id, onInput: (e) => setID(e.currentTarget.value) })
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
  const [held, setHeld] = useState([]);
  const [force, setForce] = useState(false);
  const [counted, setCounted] = useState();
  const ready = counted?.recursive === recursive && counted.force === force;
  return /* @__PURE__ */ jsxs(
    ActionForm,
    {
      title: "Purge the run",
      button: ready ? `Purge ${counted.count} run${counted.count === 1 ? "" : "s"}` : "Count first",
      danger: true,
      onClose,
      send: async (key) => {
        if (!ready) {
          const dry = await post(path`runs/${run.id}/purge` + "?dry_run=1", { recursive, force }).catch((x) => {
            setHeld(x instanceof ProblemError ? x.problem.held ?? [] : []);
            throw x;
          });
          setCounted({ recursive, force, count: dry.count });
          throw new ProblemError(0, { detail: `${dry.count} run${dry.count === 1 ? "" : "s"} would be deleted with all that they hold.`, hint: "Press again to do it." });
        }
        await post(path`runs/${run.id}/purge`, { recursive, force }, key);
        onDone();
      },
      children: [
        /* @__PURE__ */ jsx("p", { children: "What is purged is gone: history, payloads and outcomes." }),
        /* @__PURE__ */ jsxs("label", { class: "field row", children: [
          /* @__PURE__ */ jsx("input", { type: "checkbox", checked: recursive, onChange: (e) => setRecursive(e.currentTarget.checked) }),
          " Its child runs too"
        ] }),
        held.length > 0 && /* @__PURE__ */ jsxs("label", { class: "field row", children: [
          /* @__PURE__ */ jsx("input", { type: "checkbox", checked: force, onChange: (e) => setForce(e.currentTarget.checked) }),
          " Give up ",
          held.length === 1 ? "this call" : `these ${held.length} calls`,
          ". What became of ",
          held.length === 1 ? "it" : "them",
          " is lost for ever, with the decision about it; the audit tells who has done so."
        ] })
      ]
    }
  );
}
export {
  ActionForm,
  Actions,
  useActions
};
