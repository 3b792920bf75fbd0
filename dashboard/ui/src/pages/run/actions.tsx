// What may be done to a run. The server says what is legal; what is not says why.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Purged, Run } from "../../api";
import { path, post, ProblemError } from "../../lib/api";
import { hindered } from "../../lib/hindered";
import { jsonError } from "../../lib/jsontext";
import { go, links } from "../../lib/router";
import { runActions } from "../../lib/runactions";
import { Dialog } from "../../parts/Dialog";
import { Menu } from "../../parts/Menu";

/** Those that come first for a run, as buttons beside the menu. */
const buttons = ["event", "resume", "suspend", "rewind", "restart"];

interface Props {
  run: Run;
  /** Is called when the server has done something. */
  onApplied(): void;
  onRewind(): void;
  onFork(): void;
  /** Is called when the run is gone; absent = the list of runs is shown then. */
  onPurged?(): void;
  /** Is called when a dialog was left without doing anything. */
  onLeft?(): void;
}

/** What may be done to a run: as items of a menu, and the dialog that is open. */
export function useActions({ run, onApplied, onRewind, onFork, onPurged = () => go("runs"), onLeft }: Props) {
  const [dialog, setDialog] = useState("");
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<ProblemError>();
  const reason = (action: string): string | undefined => {
    const off = hindered();
    if (off) return off;
    if (run.actions.includes(action)) return undefined;
    return run.refused?.find((r) => r.action === action)?.reason ?? `Not while the run is ${run.status}.`;
  };
  const start = (action: string) => {
    setError(undefined);
    if (action === "rewind") return onRewind();
    if (action === "fork") return onFork();
    if (action !== "suspend" && action !== "resume") return setDialog(action);
    setBusy(action);
    post<Run>(path`runs/${run.id}/${action}`, {}).then(onApplied, setError).finally(() => setBusy(""));
  };
  const close = () => setDialog("");
  const leave = () => { close(); onLeft?.(); };
  const done = () => { close(); onApplied(); };
  const items = runActions.map(([action, label]) => ({ action, label, reason: reason(action), danger: action === "terminate" || action === "purge", run: () => start(action) }));
  const shown = (
    <>
      {error && <span class="bad" role="alert">{error.message} {error.hint}</span>}
      {dialog === "event" && <EventDialog run={run} onClose={leave} onDone={done} />}
      {dialog === "restart" && <RestartDialog run={run} onClose={leave} onDone={done} />}
      {(dialog === "cancel" || dialog === "terminate") && <StopDialog run={run} action={dialog} onClose={leave} onDone={done} />}
      {dialog === "purge" && <PurgeDialog run={run} onClose={leave} onDone={() => { close(); onPurged(); }} />}
    </>
  );
  return { items, busy, shown };
}

/** Shows the actions of a run. */
export function Actions(props: Props) {
  const { items, busy, shown } = useActions(props);
  const first = buttons.flatMap((a) => items.filter((i) => i.action === a && i.reason === undefined)).slice(0, 2);
  return (
    <div class="run-actions">
      {first.map((i) => (
        <button type="button" key={i.action} disabled={busy !== ""} onClick={i.run}>{busy === i.action ? "Applying…" : i.label}</button>
      ))}
      <Menu label="All actions" items={items}>⋯</Menu>
      {shown}
    </div>
  );
}

interface DialogProps {
  run: Run;
  onClose(): void;
  onDone(): void;
}

/** A form in a dialog: says what goes wrong, and sends no action twice. */
export function ActionForm({ title, button, danger = false, invalid = false, send, onClose, children }: { title: string; button: string; danger?: boolean; invalid?: boolean; send(key: string): Promise<void>; onClose(): void; children: ComponentChildren }) {
  const [key] = useState(() => crypto.randomUUID());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ProblemError>();
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (busy || invalid) return;
          setBusy(true);
          send(key).catch((x: unknown) => {
            setError(x instanceof ProblemError ? x : new ProblemError(0, { detail: String(x) }));
            setBusy(false);
          });
        }}
      >
        {children}
        {error && <p class="problem" role="alert">{error.message} {error.hint}</p>}
        <div class="row end">
          <button type="button" onClick={onClose}>Leave</button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={busy || invalid}>{busy ? "Applying…" : button}</button>
        </div>
      </form>
    </Dialog>
  );
}

function EventDialog({ run, onClose, onDone }: DialogProps) {
  const waits = run.wait_names ?? (run.wait_name ? [run.wait_name] : []);
  const [name, setName] = useState(run.wait_name ?? "");
  const [data, setData] = useState("");
  const bad = jsonError(data);
  return (
    <ActionForm title="Raise an event" button="Raise" invalid={bad !== undefined || name === ""} onClose={onClose}
      send={(key) => post(path`runs/${run.id}/events/${name}`, data.trim() === "" ? null : JSON.parse(data), key).then(onDone)}>
      <label class="field">Name {waits.length === 1 && <span class="dim">the run waits for {waits[0]}</span>}
        <input required value={name} list="waits" onInput={(e) => setName(e.currentTarget.value)} />
        <datalist id="waits">{waits.map((w) => <option key={w} value={w} />)}</datalist>
      </label>
      {waits.length > 1 && (
        <div class="chips" role="group" aria-label="The run waits for">
          <span class="dim">The run waits for</span>
          {waits.map((w) => <button type="button" key={w} aria-pressed={w === name} onClick={() => setName(w)}>{w}</button>)}
        </div>
      )}
      <label class="field">Data <span class="dim">JSON; nothing is null</span>
        <textarea rows={6} class="mono" spellcheck={false} aria-invalid={bad !== undefined} value={data} onInput={(e) => setData(e.currentTarget.value)} />
      </label>
      {bad && <p class="problem">{bad}</p>}
    </ActionForm>
  );
}

function RestartDialog({ run, onClose, onDone }: DialogProps) {
  const [input, setInput] = useState(run.input === undefined ? "" : JSON.stringify(run.input, null, 2));
  const [newID, setNewID] = useState(false);
  const [id, setID] = useState("");
  const [version, setVersion] = useState(run.version ?? "");
  const bad = jsonError(input);
  const body = () => ({
    new_id: newID,
    ...(newID && id !== "" ? { id } : {}),
    ...(version !== (run.version ?? "") ? { version } : {}),
    ...(input.trim() === "" ? {} : { input: JSON.parse(input) }),
  });
  return (
    <ActionForm title="Restart the run" button="Restart" invalid={bad !== undefined} onClose={onClose}
      send={(key) => post<Run>(path`runs/${run.id}/restart`, body(), key).then((r) => {
        onDone();
        if (r.id !== run.id) go(links.run(r.id));
      })}>
      <p>It begins anew from its input. {newID ? "This run stays as it is." : "What was before stays readable as an older execution."}</p>
      <label class="field">Input <span class="dim">JSON</span>
        <textarea rows={8} class="mono" spellcheck={false} aria-invalid={bad !== undefined} value={input} onInput={(e) => setInput(e.currentTarget.value)} />
      </label>
      {bad && <p class="problem">{bad}</p>}
      <label class="field">Version <span class="dim">of the code; nothing is none</span>
        <input value={version} onInput={(e) => setVersion(e.currentTarget.value)} />
      </label>
      <label class="field row"><input type="checkbox" checked={newID} onChange={(e) => setNewID(e.currentTarget.checked)} /> Under a new id</label>
      {newID && (
        <label class="field">Id <span class="dim">nothing has one made</span>
          <input value={id} onInput={(e) => setID(e.currentTarget.value)} />
        </label>
      )}
    </ActionForm>
  );
}

function StopDialog({ run, action, onClose, onDone }: DialogProps & { action: string }) {
  const [reason, setReason] = useState("");
  const [recursive, setRecursive] = useState(true);
  const verb = action === "cancel" ? "Cancel" : "Terminate";
  return (
    <ActionForm title={`${verb} the run`} button={verb} danger onClose={onClose}
      send={(key) => post(path`runs/${run.id}/${action}`, { reason, recursive }, key).then(onDone)}>
      <p>{action === "cancel" ? "The run is told and may clean up." : "The run ends at once; nothing of it runs any more."}</p>
      <label class="field">Reason
        <input value={reason} maxLength={4000} onInput={(e) => setReason(e.currentTarget.value)} />
      </label>
      <label class="field row"><input type="checkbox" checked={recursive} onChange={(e) => setRecursive(e.currentTarget.checked)} /> Its child runs too{run.pending_counts?.children ? ` (${run.pending_counts.children} go on)` : ""}</label>
    </ActionForm>
  );
}

function PurgeDialog({ run, onClose, onDone }: DialogProps) {
  const [recursive, setRecursive] = useState(false);
  const [held, setHeld] = useState<string[]>([]);
  const [force, setForce] = useState(false);
  const [counted, setCounted] = useState<{ recursive: boolean; force: boolean; count: number }>();
  const ready = counted?.recursive === recursive && counted.force === force;
  return (
    <ActionForm title="Purge the run" button={ready ? `Purge ${counted.count} run${counted.count === 1 ? "" : "s"}` : "Count first"} danger onClose={onClose}
      send={async (key) => {
        if (!ready) {
          const dry = await post<Purged>(path`runs/${run.id}/purge` + "?dry_run=1", { recursive, force }).catch((x: unknown) => {
            setHeld(x instanceof ProblemError ? x.problem.held ?? [] : []);
            throw x;
          });
          setCounted({ recursive, force, count: dry.count });
          throw new ProblemError(0, { detail: `${dry.count} run${dry.count === 1 ? "" : "s"} would be deleted with all that they hold.`, hint: "Press again to do it." });
        }
        await post<Purged>(path`runs/${run.id}/purge`, { recursive, force }, key);
        onDone();
      }}>
      <p>What is purged is gone: history, payloads and outcomes.</p>
      <label class="field row"><input type="checkbox" checked={recursive} onChange={(e) => setRecursive(e.currentTarget.checked)} /> Its child runs too</label>
      {held.length > 0 && (
        <label class="field row"><input type="checkbox" checked={force} onChange={(e) => setForce(e.currentTarget.checked)} /> Give up {held.length === 1 ? "this call" : `these ${held.length} calls`}. What became of {held.length === 1 ? "it" : "them"} is lost for ever, with the decision about it; the audit tells who has done so.</label>
      )}
    </ActionForm>
  );
}
