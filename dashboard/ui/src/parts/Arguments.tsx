import { useMemo } from "preact/hooks";

import { Payload } from "./Payload";
import { Visible } from "./Visible";

/** Arguments lists the members of an object; anything else as JSON. */
export function Arguments({ value }: { value: unknown }) {
  const members = useMemo(() => flat(value), [value]);
  if (!members) {
    return <Payload value={value} label="arguments" />;
  }
  if (members.length === 0) {
    return <p class="dim">no arguments</p>;
  }
  return (
    <dl class="args">
      {members.map(([name, v]) => (
        <div key={name}>
          <dt><Visible text={name} exact /></dt>
          <dd>{typeof v === "string" && v.length < 400 ? <Visible text={v} exact /> : <Payload value={v} label={name} />}</dd>
        </div>
      ))}
    </dl>
  );
}

function flat(value: unknown): [string, unknown][] | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return null;
  }
  const members = Object.entries(value);
  return members.length > 40 ? null : members.map(([k, v]) => [k, typeof v === "string" && !ambiguous(v) ? v : JSON.stringify(v, null, 2)]);
}

/** ambiguous reports whether a text could be taken for something else, or for more than one member: it is shown as JSON. */
function ambiguous(text: string): boolean {
  if (/[\n\r]/.test(text) && text.length < 400) {
    return true;
  }
  try {
    JSON.parse(text);
    return true;
  } catch {
    return text.trim() !== text || text === "";
  }
}
