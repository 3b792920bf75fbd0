import { useMemo, useState } from "preact/hooks";

import { partEnd, sizeText } from "../lib/cut";
import { Visible } from "./Visible";

/**
 * Payload shows JSON, or a text that may hold JSON, so that no character of it stays
 * unseen; a long one in parts.
 */
export function Payload({ value, label }: { value: unknown; label: string }) {
  const text = useMemo(() => pretty(value), [value]);
  const [shown, setShown] = useState(1);
  let end = 0;
  for (let i = 0; i < shown && end < text.length; i++) {
    end = partEnd(text, end, 8000);
  }
  return (
    <div class="payload">
      <pre tabIndex={0} role="group" aria-label={label}><Visible text={text.slice(0, end)} exact /></pre>
      {end < text.length && (
        <button type="button" class="quiet more" onClick={() => setShown(shown + 1)}>Show more ({sizeText(text.length - end)} left)</button>
      )}
    </div>
  );
}

/** Texts beyond this are not looked at as JSON. */
const maxParsed = 1_000_000;

/** pretty is a value as indented JSON; of a text that holds JSON that JSON. */
export function pretty(value: unknown): string {
  if (typeof value !== "string") {
    return value === undefined ? "" : JSON.stringify(value, null, 2);
  }
  if (value.length <= maxParsed && /^\s*[[{]/.test(value)) {
    try {
      return JSON.stringify(JSON.parse(value), null, 2);
    } catch {
      return value;
    }
  }
  return value;
}
