import { useState } from "preact/hooks";
import { announce } from "./Announcer";

/** A button that copies a text. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  return (
    <button
      type="button"
      class="quiet copy"
      title={"Copy " + what}
      aria-label={"Copy " + what}
      onClick={async (e) => {
        e.preventDefault();
        e.stopPropagation();
        try {
          await navigator.clipboard.writeText(text);
          setDone(true);
          announce("Copied");
          setTimeout(() => setDone(false), 1200);
        } catch {
          announce("The browser does not let this page copy");
        }
      }}
    >
      {done ? "✓" : "⧉"}
    </button>
  );
}
