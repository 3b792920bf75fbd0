// Whether the work of runs is queued or executed right now. Nothing stores it, so that
// no row has it: whoever carries the runs on is asked, for what is seen.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Overlay, OverlayItems } from "../api";
import { get, ProblemError } from "./api";
import { paused } from "./live";
import { isStuck } from "./status";

/** What is known of runs, by id. */
export const overlays = signal<ReadonlyMap<string, Overlay>>(new Map());

/** How long what was told is shown before it is asked again, also for other runs. */
const every = 2000;
let last = -every; // when it was asked
const most = 100;

let unknown = false; // the server cannot tell it: another one carries the runs on

/** Keeps overlays up to date for some runs while the component is shown. */
export function useOverlays(ids: string[], steps = false): void {
  const wanted = [...new Set(ids)].slice(0, most).sort().join("\n");
  useEffect(() => {
    if (wanted === "" || unknown) {
      return undefined;
    }
    const stop = new AbortController();
    const asked = wanted.split("\n");
    const where = "run-overlay?" + asked.map((id) => "id=" + encodeURIComponent(id)).join("&") + (steps ? "&steps=1" : "");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      if (document.visibilityState === "visible" && !paused.value) {
        last = performance.now();
        try {
          const told = await get<OverlayItems>(where, stop.signal);
          tell(asked, told.items);
        } catch (e) {
          unknown ||= e instanceof ProblemError && e.status === 501;
          tell(asked, []);
        }
      }
      if (!stop.signal.aborted && !unknown) {
        timer = setTimeout(() => void ask(), every);
      }
    };
    timer = setTimeout(() => void ask(), Math.max(100, last + every - performance.now())); // what is seen may be gone by then
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [wanted, steps]);
}

function tell(asked: string[], items: Overlay[]): void {
  const next = new Map(overlays.value);
  asked.forEach((id) => next.delete(id));
  items.forEach((o) => next.set(o.id, o));
  overlays.value = next;
}

/** Whether the overlay has something to tell of a run: while it is active. */
export const isActive = (r: { status: string; phase?: string }): boolean =>
  (r.status === "pending" && !isStuck(r)) || (r.status === "running" && r.phase === "active");
