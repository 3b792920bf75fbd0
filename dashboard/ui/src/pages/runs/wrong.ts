// Where a filter is wrong, as the server says: by bytes.

import type { WrongPlace } from "../../api";

/** A part of a filter's text, wrong if it is marked. */
export interface Part {
  from: number;
  text: string;
  mark: boolean;
}

/** marked parts the text of a filter at what is wrong in it. */
export function marked(filter: string, marks: WrongPlace[]): Part[] {
  const bytes = new TextEncoder().encode(filter);
  const parts: Part[] = [];
  const add = (from: number, to: number, mark: boolean) => {
    if (from < to) parts.push({ from, text: new TextDecoder().decode(bytes.slice(from, to)), mark });
  };
  let end = 0;
  for (const m of marks) {
    if (m.from < end || m.to > bytes.length) continue; // of another text, which is on its way
    add(end, m.from, false);
    add(m.from, m.to, true);
    end = m.to;
  }
  add(end, bytes.length, false);
  return parts;
}

/** mended is the filter with the known name in place of each wrong one, undefined if one is like none. */
export function mended(filter: string, marks: WrongPlace[]): string | undefined {
  if (marks.length === 0 || marks.some((m) => !m.nearest)) return undefined;
  const nearest = new Map(marks.map((m) => [m.from, m.nearest]));
  return marked(filter, marks).map((p) => (p.mark ? nearest.get(p.from) : p.text)).join("");
}
