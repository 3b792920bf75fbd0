// Reads that follow what happens, and do not follow closer than anybody could look.
import { useEffect, useRef } from "preact/hooks";

/** How long a read waits for the next while much happens. */
const apart = 10_000;

/**
 * useSlowly returns a function that calls read: at once, but while much happens (busy) at
 * most every 10 s, and once more at the end.
 */
export function useSlowly(read: () => void): (busy: boolean) => void {
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
    const wait = busy ? last.current + apart - performance.now() : 0;
    if (wait <= 0) {
      run();
    } else {
      timer.current = setTimeout(run, wait);
    }
  };
}
