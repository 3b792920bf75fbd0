import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";

/** A component whose file is loaded when it is first shown. */
export function lazily<P extends object>(load: () => Promise<FunctionComponent<P>>): FunctionComponent<P> {
  let loaded: FunctionComponent<P> | undefined;
  return (props: P) => {
    const [, redraw] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (!loaded) {
        load().then(
          (c) => {
            loaded = c;
            redraw((n) => n + 1);
          },
          () => setFailed(true),
        );
      }
    }, []);
    if (failed) {
      return (
        <p class="problem" role="alert">
          This part of the dashboard could not be loaded. Reload the page.
        </p>
      );
    }
    const C = loaded;
    return C ? <C {...props} /> : <p class="dim pad">Loading…</p>;
  };
}
