import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../lib/keys";

export interface Column<T> {
  id: string;
  title: string;
  /** Its title is said, not shown. */
  quiet?: boolean;
  /** The name of the order by it; a press on its title asks for that, or its reverse. */
  sort?: string;
  /** CSS class of its cells: num, grow, narrow */
  class?: string;
  cell: (row: T) => ComponentChildren;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  /** Opens a row; Enter and a click do. */
  open?: (row: T) => void;
  total?: number | undefined;
  selected?: Set<string>;
  select?: (ids: Set<string>) => void;
  /** Keys that do something with the row that has the focus. */
  keys?: Record<string, (row: T, e: KeyboardEvent) => void>;
  rowClass?: (row: T) => string;
  /** The order: the name of a column's, "-" before it for the reverse. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** The first or last rows are about to be seen. */
  onEdge?: (edge: "start" | "end") => void;
  /** The rows from one to before another are painted now. */
  onSeen?: (from: number, to: number) => void;
}

/** Where the person was when a row was opened. */
interface Place {
  row: string;
  top: number;
}

/** Rows are painted around what is seen; each is that high. */
const rowHeight = 28;
const around = 20;

/**
 * A grid with one place in the tab order: j, k and arrows move, Enter opens, x selects, X
 * or a press with shift selects all from the last one on.
 */
export function Table<T>({ label, columns, rows, id, open, total, selected, select, keys = {}, rowClass, sort, onSort, onEdge, onSeen }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [focused, paintFocused] = useState({ n: -1, id: "" });
  const found = focused.n < 0 ? -1 : rows.findIndex((r) => id(r) === focused.id);
  const at = found >= 0 ? found : Math.min(focused.n, rows.length - 1); // it stays with its row
  const cursor = useRef(-1); // as at, at once: keys may come quicker than frames
  cursor.current = at;
  const setAt = (n: number) => {
    const row = rows[n];
    cursor.current = n;
    paintFocused({ n, id: row === undefined ? "" : id(row) });
  };
  const [seen, setSeen] = useState<[number, number]>([0, 80]);
  const look = () => {
    const b = box.current;
    if (!b) {
      return;
    }
    const from = Math.max(0, Math.floor(b.scrollTop / rowHeight) - around);
    const to = Math.ceil((b.scrollTop + b.clientHeight) / rowHeight) + around;
    setSeen((s) => (s[0] === from && s[1] === to ? s : [from, to]));
    if (to >= rows.length) {
      onEdge?.("end");
    }
    if (from === 0 && b.scrollTop > 0) {
      onEdge?.("start");
    }
  };
  useEffect(look, [rows.length]);
  const [place] = useState(() => history.state?.[label] as Place | undefined); // where it was left
  const back = useRef(place === undefined);
  useLayoutEffect(() => {
    if (back.current || rows.length === 0) {
      return;
    }
    back.current = true;
    const n = rows.findIndex((r) => id(r) === place?.row);
    if (n >= 0 && box.current) {
      box.current.scrollTop = place?.top ?? 0;
      move(n, document.activeElement === document.body);
    }
  });
  const keep = (row: T) => history.replaceState({ ...history.state, [label]: { row: id(row), top: box.current?.scrollTop ?? 0 } satisfies Place }, "");
  const leave = (row: T) => {
    keep(row);
    open?.(row);
  };
  useEffect(() => {
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, []);
  const move = (to: number, focus = true) => {
    const n = Math.max(0, Math.min(rows.length - 1, to));
    setAt(n);
    const b = box.current;
    if (b) {
      const top = n * rowHeight;
      if (top < b.scrollTop) {
        b.scrollTop = top;
      } else if (top + 3 * rowHeight > b.scrollTop + b.clientHeight) {
        b.scrollTop = top + 3 * rowHeight - b.clientHeight;
      }
      look();
      if (focus) {
        requestAnimationFrame(() => b.querySelector<HTMLElement>(`[data-row="${n}"]`)?.focus({ preventScroll: true }));
      }
    }
  };
  const anchor = useRef<string>(undefined); // the row that was selected last
  const toggle = (row: T | undefined, range = false) => {
    if (!row || !select) {
      return;
    }
    const next = new Set(selected);
    const from = range ? rows.findIndex((r) => id(r) === anchor.current) : -1;
    const to = rows.indexOf(row);
    if (from >= 0) {
      rows.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((r) => next.add(id(r)));
    } else if (!next.delete(id(row))) {
      next.add(id(row));
    }
    anchor.current = id(row);
    select(next);
  };
  const all = rows.length > 0 && rows.every((r) => selected?.has(id(r)));
  const withRow = (f: (row: T, e: KeyboardEvent) => void) => (e: KeyboardEvent) => {
    const row = rows[cursor.current];
    if (row) {
      e.preventDefault();
      f(row, e);
    }
  };
  useKeys({
    ...Object.fromEntries(Object.entries(keys).map(([k, f]) => [k, withRow(f)])),
    j: () => move(cursor.current + 1),
    k: () => move(cursor.current - 1),
    Enter: () => {
      const row = rows[cursor.current];
      const focused = document.activeElement;
      if (row && (focused === document.body || (box.current?.contains(focused) && !focused?.matches("button, input")))) {
        leave(row);
      }
    },
    x: () => toggle(rows[cursor.current]),
    X: () => toggle(rows[cursor.current], true),
  });
  const key = (e: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 300) / rowHeight) - 2);
    const at = cursor.current;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 }[e.key];
    if (to !== undefined) {
      e.preventDefault();
      move(to);
    }
  };
  const [from, to] = [Math.min(seen[0], rows.length), Math.min(seen[1], rows.length)];
  useEffect(() => onSeen?.(from, to), [from, to]);
  return (
    <div class="table" ref={box} onScroll={look} onKeyDown={key} role="grid" aria-label={label} aria-rowcount={(total ?? rows.length) + 1} tabIndex={at < 0 ? 0 : -1} onFocus={(e) => e.target === box.current && rows.length > 0 && move(0)}>
      <div class="tr head" role="row" aria-rowindex={1}>
        {select && (
          <span class="td check" role="columnheader">
            <input type="checkbox" tabIndex={-1} checked={all} aria-label="Select all that are shown" onChange={() => select(new Set(all ? [] : rows.map(id)))} />
          </span>
        )}
        {columns.map((c) => (
          <span class={"td " + (c.class ?? "")} role="columnheader" key={c.id} aria-sort={c.sort && sort === c.sort ? "ascending" : c.sort && sort === "-" + c.sort ? "descending" : undefined}>
            {c.sort && onSort ? (
              <button type="button" class="sort" onClick={() => onSort(sort === "-" + c.sort ? c.sort! : "-" + c.sort)}>
                {c.title}
                <span aria-hidden="true">{sort === c.sort ? " ↑" : sort === "-" + c.sort ? " ↓" : ""}</span>
              </button>
            ) : c.quiet ? <span class="hidden-text">{c.title}</span> : c.title}
          </span>
        ))}
      </div>
      <Space rows={from} />
      {rows.slice(from, to).map((row, i) => {
        const n = from + i;
        const marked = selected?.has(id(row)) ?? false;
        return (
          <div
            class={"tr" + (n === at ? " at" : "") + (marked ? " marked" : "") + (rowClass ? " " + rowClass(row) : "")}
            role="row"
            key={id(row)}
            data-row={n}
            data-id={id(row)}
            aria-rowindex={n + 2}
            aria-selected={select ? marked : undefined}
            tabIndex={n === at ? 0 : -1}
            onFocus={() => setAt(n)}
            onClick={(e) => {
              if ((e.target as Element).closest("a")) {
                keep(row);
              } else if (!(e.target as Element).closest("button, input") && !String(getSelection() ?? "")) {
                leave(row);
              }
            }}
          >
            {select && (
              <span class="td check" role="gridcell">
                <input type="checkbox" tabIndex={-1} checked={marked} aria-label="Select" onClick={(e) => toggle(row, e.shiftKey)} />
              </span>
            )}
            {columns.map((c) => (
              <span class={"td " + (c.class ?? "")} role="gridcell" key={c.id}>
                {c.cell(row)}
              </span>
            ))}
          </div>
        );
      })}
      <Space rows={rows.length - to} />
    </div>
  );
}

/** The room of rows that are not painted. */
function Space({ rows }: { rows: number }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current) {
      box.current.style.height = `${rows * rowHeight}px`;
    }
  }, [rows]);
  return <div ref={box} aria-hidden="true" />;
}
