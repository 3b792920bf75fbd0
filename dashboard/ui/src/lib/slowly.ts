// Reads that follow what happens, and do not follow closer than anybody could look.
import { useEffect, useRef } from "preact/hooks";

/** How long a read waits for the next while much happens. */
const apart = 10_000;
/** How many times as long as a read takes it waits for the next, and how long at most for that. */
const times = 300;
const longest = 60_000;

/** How long a read that took so long waits for the next while much happens. */
export const pause = (took: number): number => Math.min(longest, Math.max(apart, took * times));

/**
 * useSlowly returns a function that calls read: at once, but while much happens (busy) at
 * most every 10 s, and once more at the end. A read that takes the server long, of which
 * took tells, is made less often.
 */
export function useSlowly(read: () => void, took: () => number = () => 0): (busy: boolean) => void {
  const newest = useRef(read);
  newest.current = read;
  const last = useRef(-apart);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const run = () => {
    last.current = performance.now();
    newest.current();
  };
  return (busy) => {
    clearTimeout(timer.current);
    const wait = busy ? last.current + pause(took()) - performance.now() : 0;
    if (wait <= 0) {
      run();
    } else {
      timer.current = setTimeout(run, wait);
    }
  };
}
