import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { hindered } from "../../lib/hindered";

interface Props {
  path: string;
  running: boolean;
  /** Why nothing can be sent now; "" = it can. */
  off: string;
  onSend: (text: string) => void;
  onStop: () => Promise<void>;
}

/** Composer is where a message is written. Enter sends, Shift-Enter makes a line. */
export function Composer({ path, running, off, onSend, onStop }: Props) {
  const [text, setText] = useState(() => sessionStorage.getItem("draft:" + path) ?? "");
  const [stopping, setStopping] = useState(false);
  const stuck = hindered();
  const area = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    area.current?.focus({ preventScroll: true });
  }, [path]);
  useEffect(() => {
    if (!running) {
      setStopping(false);
    }
  }, [running]);
  useLayoutEffect(() => {
    const el = area.current;
    if (el) {
      el.style.height = "auto";
      el.style.height = Math.min(el.scrollHeight, innerHeight * 0.4) + "px";
    }
  }, [text]);

  function write(to: string) {
    setText(to);
    try {
      sessionStorage.setItem("draft:" + path, to);
    } catch {
      // It is kept until the page is left.
    }
  }

  function send() {
    if (text.trim() !== "" && off === "") {
      onSend(text);
      write("");
    }
  }

  return (
    <form class="composer" onSubmit={(e) => { e.preventDefault(); send(); }}>
      <textarea ref={area} rows={1} value={text} placeholder={running ? "Write on; it is queued" : "Write a message"} aria-label="Message" dir="auto"
        onInput={(e) => write(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === "Enter" && !e.shiftKey && !e.isComposing) {
            e.preventDefault();
            send();
          } else if (e.key === "Escape") {
            e.currentTarget.blur(); // the keys of the page are within reach
          }
        }} />
      <div class="composer-foot">
        <span class="dim small">{off || <><kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> makes a line</>}</span>
        {running && (
          <button type="button" disabled={stopping || stuck !== ""} title={stuck || undefined} onClick={() => { setStopping(true); void onStop(); }}>{stopping ? "Stopping…" : "■ Stop"}</button>
        )}
        <button type="submit" class="primary" disabled={text.trim() === "" || off !== ""}>{running ? "Queue" : "Send"}</button>
      </div>
    </form>
  );
}
