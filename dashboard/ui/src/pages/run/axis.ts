// The time axis of the timeline: from times to pixels, with long idle times folded.
// Pure: times are milliseconds, lengths are pixels.

/** A time in which nothing was queued or ran. */
export interface Gap {
  from: number;
  to: number;
}

/** A stretch of the axis on which time runs evenly. */
export interface Segment extends Gap {
  x0: number;
  x1: number;
  /** a folded gap */
  folded: boolean;
}

/** A mark on the axis. */
export interface Tick {
  x: number;
  time: number;
}

/** Gaps are folded when together they take more than this part of the span. */
export const foldOver = 0.7;

const foldedWidth = 44;
/** A gap at the end holds what the run waits for. */
const tailWidth = 132;
/** A gap shorter than this part of the span stays as it is. */
const foldEach = 0.04;

/** An axis over a span of time, width pixels wide. */
export class Axis {
  readonly segments: Segment[];

  constructor(
    readonly begin: number,
    readonly end: number,
    readonly width: number,
    gaps: Gap[],
  ) {
    this.segments = lay(begin, Math.max(end, begin + 1), width, folded(begin, end, width, gaps));
  }

  /** The place of a time; times outside of the span lie at its ends. */
  x(time: number): number {
    for (const s of this.segments) {
      if (time < s.to) return s.x0 + ((Math.max(time, s.from) - s.from) / (s.to - s.from)) * (s.x1 - s.x0);
    }
    return this.width;
  }

  /** The time at a place. */
  time(x: number): number {
    for (const s of this.segments) {
      if (x < s.x1) return s.from + ((Math.max(x, s.x0) - s.x0) / (s.x1 - s.x0)) * (s.to - s.from);
    }
    return this.end;
  }

  /** Marks at round distances from origin, at least space pixels apart. */
  ticks(origin: number, space: number): Tick[] {
    const rate = this.rate();
    if (rate === 0) return [];
    const step = roundStep(space / rate);
    const ticks: Tick[] = [];
    for (const s of this.segments) {
      if (s.folded) continue;
      for (let n = Math.ceil((s.from - origin) / step); origin + n * step < s.to; n++) {
        const time = origin + n * step;
        const x = this.x(time);
        const last = ticks[ticks.length - 1];
        // A label needs room after its mark.
        if (s.x1 - x >= space * 0.6 && (!last || x - last.x >= space * 0.6)) ticks.push({ x, time });
      }
    }
    return ticks;
  }

  /** Pixels for a millisecond where time is not folded. */
  private rate(): number {
    const s = this.segments.find((s) => !s.folded);
    return s ? (s.x1 - s.x0) / (s.to - s.from) : 0;
  }
}

/** The gaps that are folded: none, unless all together are most of the span. */
export function folded(begin: number, end: number, width: number, gaps: Gap[]): Gap[] {
  const span = end - begin;
  const inside = gaps
    .map((g) => ({ from: Math.max(g.from, begin), to: Math.min(g.to, end) }))
    .filter((g) => g.to > g.from);
  const idle = inside.reduce((sum, g) => sum + g.to - g.from, 0);
  if (span <= 0 || idle <= foldOver * span) return [];
  // Folded gaps must leave most of the width to what happened.
  const most = Math.max(1, Math.floor(width / 3 / foldedWidth));
  return inside
    .filter((g) => g.to - g.from >= foldEach * span)
    .sort((a, b) => b.to - b.from - (a.to - a.from))
    .slice(0, most)
    .sort((a, b) => a.from - b.from);
}

function lay(begin: number, end: number, width: number, gaps: Gap[]): Segment[] {
  const busy = end - begin - gaps.reduce((sum, g) => sum + g.to - g.from, 0);
  const wished = gaps.map((g) => (g.to >= end ? tailWidth : foldedWidth));
  const all = wished.reduce((sum, w) => sum + w, 0);
  const scale = busy <= 0 ? width / Math.max(all, 1) : Math.min(1, width / 3 / Math.max(all, 1));
  const rate = busy <= 0 ? 0 : (width - all * scale) / busy;
  const segments: Segment[] = [];
  let at = begin;
  let x = 0;
  const add = (to: number, fold: number) => {
    if (to <= at) return;
    const x1 = fold > 0 ? x + fold : x + (to - at) * rate;
    segments.push({ from: at, to, x0: x, x1, folded: fold > 0 });
    at = to;
    x = x1;
  };
  gaps.forEach((g, i) => {
    add(g.from, 0);
    add(g.to, wished[i]! * scale);
  });
  add(end, 0);
  return segments;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const roundSteps = [10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour, day];

/** The smallest round time of at least ms. */
export function roundStep(ms: number): number {
  for (const unit of [1, 10, 100, second]) {
    for (const n of [1, 2, 5]) {
      if (n * unit >= ms) return n * unit;
    }
  }
  for (const n of roundSteps) {
    if (n >= ms) return n;
  }
  return Math.ceil(ms / day) * day;
}
