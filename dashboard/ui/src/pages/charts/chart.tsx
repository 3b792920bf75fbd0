import { absolute, utc } from "../../lib/format";
import { go } from "../../lib/router";
import { NumberTable } from "../../parts/NumberTable";
import { plotHeight as height, plotPath as path, plotWidth as width, roof } from "../../lib/plot";

/** Line is what a chart draws; its look is a colour and a kind of dashes. */
export interface Line {
  name: string;
  tone: string;
  dash?: string;
  /** One for each point; undefined = nothing to tell. */
  values: (number | undefined)[];
  /** All points together, as text. */
  total?: string;
}

interface ChartProps {
  title: string;
  note?: string;
  /** The begins of the points, and the end of the last. */
  times: number[];
  end: number;
  lines: Line[];
  format: (v: number) => string;
  empty: string;
  /** The address of what lies between two times; absent = there is none. */
  href?: (from: string, to: string) => string;
}

/** A chart of lines over time, with all its numbers in a table below. */
export function Chart({ title, note, times, end, lines, format, empty, href }: ChartProps) {
  const id = "chart-" + title.toLowerCase().replaceAll(/[^a-z]+/g, "-");
  const largest = Math.max(0, ...lines.flatMap((l) => l.values.map((v) => v ?? 0)));
  const top = roof(largest);
  const filled = lines.some((l) => l.values.some((v) => v !== undefined && v !== 0));
  const bounds = (i: number): [string, string] => [iso(times[i] ?? end), iso(times[i + 1] ?? end)];
  return (
    <section class="card chart" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {href && filled && <a href={href(iso(times[0] ?? end), iso(end))}>Open these runs</a>}
      </header>
      {note && <p class="dim">{note}</p>}
      {!filled && <p class="dim pad">{empty}</p>}
      {filled && (
        <>
          <Legend lines={lines} />
          <div class="plot">
            <span class="y num" aria-hidden="true">
              {format(top)}
            </span>
            <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={summary(title, lines, format)}>
              <line class="grid" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
              <line class="grid" x1="0" x2={width} y1={height / 2} y2={height / 2} />
              {lines.map((l) => (
                <path key={l.name} class={"line tone-" + l.tone} stroke-dasharray={l.dash} d={path(l.values, top)} />
              ))}
              {times.map((t, i) => (
                <rect
                  key={t}
                  class={"hit" + (href ? " opens" : "")}
                  x={(i * width) / times.length}
                  width={width / times.length}
                  y="0"
                  height={height}
                  onClick={href && (() => go(href(...bounds(i))))}
                >
                  <title>{`${shown(t)}\n${lines.map((l) => `${l.name}: ${cell(l.values[i], format)}`).join("\n")}`}</title>
                </rect>
              ))}
            </svg>
          </div>
          <p class="x dim num" aria-hidden="true">
            <span>{shown(times[0] ?? end)}</span>
            <span>{shown(end)}</span>
          </p>
          <Numbers title={title} times={times} lines={lines} format={format} href={href && ((i) => href(...bounds(i)))} />
        </>
      )}
    </section>
  );
}

function Legend({ lines }: { lines: Line[] }) {
  return (
    <ul class="legend">
      {lines.map((l) => (
        <li key={l.name}>
          <svg width="26" height="8" aria-hidden="true">
            <line class={"line tone-" + l.tone} stroke-dasharray={l.dash} x1="0" x2="26" y1="4" y2="4" />
          </svg>
          {l.name} {l.total && <strong class="num">{l.total}</strong>}
        </li>
      ))}
    </ul>
  );
}

/** The numbers of a chart, where there are any. */
function Numbers({ title, times, lines, format, href }: { title: string; times: number[]; lines: Line[]; format: (v: number) => string; href: ((i: number) => string) | undefined }) {
  const rows = times.map((t, i) => ({ t, i })).filter(({ i }) => lines.some((l) => l.values[i]));
  return (
    <details>
      <summary>Numbers</summary>
      <NumberTable label={title} class="numbers" heads={["From", ...lines.map((l) => l.name)]}
        rows={rows.map(({ t, i }) => ({ key: t, cells: [href ? <a href={href(i)}>{shown(t)}</a> : shown(t), ...lines.map((l) => cell(l.values[i], format))] }))} />
    </details>
  );
}

const iso = (t: number) => new Date(t).toISOString();
const cell = (v: number | undefined, format: (v: number) => string) => (v === undefined ? "–" : format(v));
/** 2026-11-28 08:15 */
export const shown = (t: number) => absolute(t, utc.value).slice(0, 16);

function summary(title: string, lines: Line[], format: (v: number) => string): string {
  const of = (l: Line) => {
    const known = l.values.filter((v) => v !== undefined);
    return known.length === 0 ? `${l.name}: nothing` : `${l.name}: at most ${format(Math.max(...known))}`;
  };
  return `${title}. ${lines.map(of).join("; ")}.`;
}
