// The steps that decided how long a run took. Pure.

import type { RunStep } from "../../api";
import { isOpen, ms } from "./bars";

/** The steps of a critical path, and how long they took together. */
export interface Critical {
  steps: Set<RunStep>;
  took: number;
}

/**
 * The critical path of a run: the step that ended last, before it the one whose end let it
 * be scheduled, and so on to the beginning. What is open ends at until.
 */
export function criticalPath(steps: RunStep[], until: number): Critical {
  const spans = steps
    .map((step, place) => ({ step, place, from: ms(step.attempts?.[0]?.scheduled_at) ?? ms(step.scheduled_at), to: isOpen(step) ? until : ms(step.completed_at) }))
    .filter((s): s is Span => s.from !== undefined && s.to !== undefined && s.step.status !== "canceled")
    .sort((a, b) => a.to - b.to || a.place - b.place);
  const path: Critical = { steps: new Set(), took: 0 };
  for (let at = spans.length - 1; at >= 0; ) {
    const { step, place, from, to } = spans[at]!;
    path.steps.add(step);
    path.took += to - from;
    at = lastBefore(spans, from, at);
    while (at >= 0 && spans[at]!.place >= place) at--; // it was scheduled later: not by that
  }
  return path;
}

interface Span {
  step: RunStep;
  place: number;
  from: number;
  to: number;
}

/** The last of the first n spans that ended by then, -1 = none. */
function lastBefore(spans: Span[], time: number, n: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.to <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
