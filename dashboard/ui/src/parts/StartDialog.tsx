import { useState } from "preact/hooks";
import type { Started } from "../api";
import { post, ProblemError } from "../lib/api";
import { useInfo } from "../lib/info";
import { isPlain, jsonError } from "../lib/jsontext";
import { go, links } from "../lib/router";
import { Dialog } from "./Dialog";

/** Starts a run. */
export function StartDialog({ onClose, name = "", input = "" }: { onClose: () => void; name?: string; input?: string }) {
  const info = useInfo();
  const [form, setForm] = useState({ name, id: "", input });
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [key] = useState(() => crypto.randomUUID());
  const plain = isPlain(form.input);
  const bad = plain ? undefined : jsonError(form.input);
  const names = (info.data?.orchestrations ?? []).filter((n) => !n.startsWith("perdure."));
  const [listed, setListed] = useState(true); // whether the name is chosen from those that are known
  const named = form.name || (listed ? (names[0] ?? "") : "");
  return (
    <Dialog title="Start a run" onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (bad || busy) {
            return;
          }
          setBusy(true);
          const body = { name: named, ...(form.id ? { id: form.id } : {}), ...(form.input.trim() ? { input: plain ? form.input.trim() : JSON.parse(form.input) } : {}) };
          post<Started>("runs", body, key).then(
            (s) => {
              onClose();
              go(links.run(s.id));
            },
            (x: unknown) => {
              setBusy(false);
              setError(x instanceof ProblemError ? `${x.message} ${x.hint}` : String(x));
            },
          );
        }}
      >
        <label class="field">
          Orchestration
          {listed && (names.length > 0 || info.loading) ? (
            <select value={named} onChange={(e) => (e.currentTarget.value === "" ? setListed(false) : setForm({ ...form, name: e.currentTarget.value }))}>
              {named !== "" && !names.includes(named) && <option value={named}>{named}</option>}
              {names.map((n) => (
                <option value={n} key={n}>
                  {n}
                </option>
              ))}
              <option value="">Another name…</option>
            </select>
          ) : (
            <input required value={form.name} placeholder="Name" onInput={(e) => setForm({ ...form, name: e.currentTarget.value })} />
          )}
        </label>
        <label class="field">
          Id <span class="dim">made up if empty</span>
          <input value={form.id} onInput={(e) => setForm({ ...form, id: e.currentTarget.value })} />
        </label>
        <label class="field">
          Input <span class="dim">JSON, or plain text</span>
          <textarea rows={6} spellcheck={false} class="mono" aria-invalid={bad !== undefined} value={form.input} onInput={(e) => setForm({ ...form, input: e.currentTarget.value })} />
        </label>
        {plain && <p class="dim">It is no JSON, and goes as the text “{form.input.trim()}”.</p>}
        {(bad ?? error) && (
          <p class="problem" role="alert">
            {bad ?? error}
            {bad && (
              <button type="button" onClick={() => setForm({ ...form, input: JSON.stringify(form.input) })}>
                Take it as text
              </button>
            )}
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={bad !== undefined || busy}>
            {busy ? "Starting…" : "Start"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
