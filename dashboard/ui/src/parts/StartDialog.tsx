import { useState } from "preact/hooks";
import type { StartBody, Started } from "../api";
import { post, ProblemError } from "../lib/api";
import { utc } from "../lib/format";
import { useInfo } from "../lib/info";
import { isPlain, jsonError } from "../lib/jsontext";
import { go, links } from "../lib/router";
import { Dialog } from "./Dialog";

/** Starts a run. */
export function StartDialog({ onClose, name = "", input = "" }: { onClose: () => void; name?: string; input?: string }) {
  const info = useInfo();
  const [form, setForm] = useState({ name, id: "", input, version: "", tags: "", at: "", policy: "" });
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [key] = useState(() => crypto.randomUUID());
  const tags = tagsOf(form.tags);
  const at = form.at ? new Date(form.at + (utc.value ? "Z" : "")) : undefined;
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
          if (bad || busy || typeof tags === "string") {
            return;
          }
          setBusy(true);
          const body: StartBody = {
            name: named,
            ...(form.id ? { id: form.id } : {}),
            ...(form.id && form.policy ? { id_policy: form.policy } : {}),
            ...(form.version.trim() ? { version: form.version.trim() } : {}),
            ...(Object.keys(tags).length > 0 ? { tags } : {}),
            ...(at ? { start_at: at.toISOString() } : {}),
            ...(form.input.trim() ? { input: plain ? form.input.trim() : JSON.parse(form.input) } : {}),
          };
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
        <details class="start-more">
          <summary>Tags, version, time, what happens if the id exists</summary>
          <label class="field">
            Tags <span class="dim">key=value, one in a line</span>
            <textarea rows={2} spellcheck={false} class="mono" aria-invalid={typeof tags === "string"} value={form.tags} onInput={(e) => setForm({ ...form, tags: e.currentTarget.value })} />
            {typeof tags === "string" && <span class="field-error" role="alert">{tags}</span>}
          </label>
          <label class="field">
            Version <span class="dim">of its code, to which it is pinned; empty = none</span>
            <input value={form.version} onInput={(e) => setForm({ ...form, version: e.currentTarget.value })} />
          </label>
          <label class="field">
            Begin at <span class="dim">{utc.value ? "UTC" : "local time"}; empty = at once</span>
            <input type="datetime-local" value={form.at} onInput={(e) => setForm({ ...form, at: e.currentTarget.value })} />
          </label>
          <label class="field">
            If the id exists {form.id === "" && <span class="dim">needs an id</span>}
            <select value={form.policy} disabled={form.id === ""} onChange={(e) => setForm({ ...form, policy: e.currentTarget.value })}>
              <option value="">Refuse</option>
              <option value="get">Leave the run alone, and show it</option>
              <option value="replace_ended">Replace it if it has ended</option>
              <option value="replace_failed">Replace it if it has failed or was stopped</option>
            </select>
          </label>
        </details>
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
          <button type="submit" class="primary" disabled={bad !== undefined || busy || typeof tags === "string"}>
            {busy ? "Starting…" : "Start"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The tags that are written, or what is wrong with them. */
function tagsOf(text: string): Record<string, string> | string {
  const tags: Record<string, string> = {};
  for (const [i, line] of text.split("\n").entries()) {
    const at = line.indexOf("=");
    if (line.trim() === "") {
      continue;
    }
    if (at < 1) {
      return `Line ${i + 1}: a tag is key=value`;
    }
    tags[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return tags;
}
