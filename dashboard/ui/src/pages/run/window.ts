// Which rows of a long list are drawn.

/** Rows from first to before last. */
export interface Range {
  first: number;
  last: number;
}

/** How many rows are scrolled before others are drawn; fewer than visible draws beyond the viewport. */
const stride = 4;

/** A place to scroll to, to the last full stride: between two of them the same rows are drawn, and nothing is to be done. */
export function stepped(scrollTop: number, row: number): number {
  return Math.floor(scrollTop / (row * stride)) * row * stride;
}

/** The rows that a viewport shows, and over more above and below. */
export function visible(scrollTop: number, height: number, row: number, total: number, over = 8): Range {
  const first = Math.max(0, Math.min(total, Math.floor(scrollTop / row)) - over);
  return { first, last: Math.min(total, Math.max(first, Math.ceil((scrollTop + height) / row) + over)) };
}

/**
 * The slot of a row: no two rows that are drawn at once have the same, and a row that comes
 * into view has that of one that has left it. As its key it spares making elements anew.
 */
export function slot(index: number, height: number, row: number, over = 8): number {
  return index % (Math.ceil(height / row) + 2 * over + 2);
}

/** Where to scroll so that a row is seen, with margin rows around it where they fit; the same place if it is. */
export function reveal(scrollTop: number, height: number, row: number, index: number, margin = 1): number {
  const top = index * row;
  if (top - margin * row < scrollTop) return Math.max(0, top - margin * row);
  const bottom = top + (1 + margin) * row;
  return bottom > scrollTop + height ? bottom - height : scrollTop;
}

/** The pages of size rows that a range touches, by number from 0. */
export function pages(range: Range, size: number): number[] {
  const all: number[] = [];
  for (let p = Math.floor(range.first / size); p * size < range.last; p++) all.push(p);
  return all;
}
