import { useState } from "preact/hooks";
import { Copy } from "./Copy";

const shown = 200; // entries of a list or object at a time
const longText = 2000; // characters of a string at a time

/** Any JSON as a tree. Texts are shown as they are, never as markup. */
export function JsonView({ value, open = 2, label = "JSON" }: { value: unknown; open?: number; label?: string }) {
  if (value === undefined) {
    return <span class="dim">nothing</span>;
  }
  return (
    <div class="json" role="group" aria-label={label}>
      <span class="json-copy">
        <Copy text={typeof value === "string" ? value : JSON.stringify(value, null, 2)} what={label} />
      </span>
      <Node value={value} open={open} />
    </div>
  );
}

function Node({ name, value, open }: { name?: string; value: unknown; open: number }) {
  const key = name === undefined ? null : <span class="json-key">{name}: </span>;
  if (value === null || typeof value !== "object") {
    return (
      <div class="json-line">
        {key}
        <Leaf value={value} />
      </div>
    );
  }
  const entries = Array.isArray(value) ? value.map((v, i) => [String(i), v] as const) : Object.entries(value);
  const [from, to] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) {
    return (
      <div class="json-line">
        {key}
        <span>{from + to}</span>
      </div>
    );
  }
  return <Branch key={name} label={key} entries={entries} from={from ?? ""} to={to ?? ""} open={open} />;
}

interface BranchProps {
  label: preact.ComponentChildren;
  entries: (readonly [string, unknown])[];
  from: string;
  to: string;
  open: number;
}

function Branch({ label, entries, from, to, open }: BranchProps) {
  const [opened, setOpened] = useState(open > 0);
  const [most, setMost] = useState(shown);
  return (
    <div class="json-branch">
      <button type="button" class="json-toggle" aria-expanded={opened} onClick={() => setOpened(!opened)}>
        <span aria-hidden="true">{opened ? "▾" : "▸"}</span> {label}
        <span class="dim">{opened ? from : `${from} ${entries.length} ${entries.length === 1 ? "entry" : "entries"} ${to}`}</span>
      </button>
      {opened && (
        <div class="json-inner">
          {entries.slice(0, most).map(([k, v]) => (
            <Node key={k} name={k} value={v} open={open - 1} />
          ))}
          {entries.length > most && (
            <button type="button" class="quiet" onClick={() => setMost(most + shown)}>
              {entries.length - most} more
            </button>
          )}
          <div class="dim">{to}</div>
        </div>
      )}
    </div>
  );
}

function Leaf({ value }: { value: unknown }) {
  const [all, setAll] = useState(false);
  if (typeof value !== "string") {
    return <span class={"json-" + typeof value}>{String(value)}</span>;
  }
  const cut = !all && value.length > longText;
  return (
    <span class="json-string">
      "{cut ? value.slice(0, longText) : value}"
      {cut && (
        <button type="button" class="quiet" onClick={() => setAll(true)}>
          … {value.length - longText} more characters
        </button>
      )}
    </span>
  );
}
