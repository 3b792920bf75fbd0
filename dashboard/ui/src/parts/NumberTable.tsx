import type { ComponentChildren } from "preact";

export interface NumberRow {
  key: string | number;
  /** As many as there are heads. */
  cells: ComponentChildren[];
}

interface Props {
  label: string;
  heads: string[];
  /** How many columns at the beginning are words; the others are numbers. */
  words?: number;
  rows: NumberRow[];
  class?: string;
}

/** A table of numbers, which scrolls by itself where there is little room. */
export function NumberTable({ label, heads, words = 1, rows, class: more = "" }: Props) {
  const kind = (i: number) => (i < words ? undefined : "num");
  return (
    <div class={"scroll " + more} tabIndex={0} role="region" aria-label={label + " as a table"}>
      <table class="plain-table">
        <thead>
          <tr>
            {heads.map((h, i) => (
              <th key={h} class={kind(i)}>
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.key}>
              {r.cells.map((c, i) => (
                <td key={i} class={kind(i)}>
                  {c}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
