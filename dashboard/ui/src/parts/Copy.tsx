import { useState } from "preact/hooks";
import { announce } from "./Announcer";

/** Two sheets: fonts often lack a sign for it. */
export function CopyIcon() {
  return (
    <svg class="copy-icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linejoin="round" />
    </svg>
  );
}

function LinkIcon() {
  return (
    <svg class="copy-icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d="M6.5 9.5a2.5 2.5 0 0 0 3.6 0l2.6-2.6a2.5 2.5 0 0 0-3.6-3.6L8 4.4M9.5 6.5a2.5 2.5 0 0 0-3.6 0L3.3 9.1a2.5 2.5 0 0 0 3.6 3.6L8 11.6" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linecap="round" />
    </svg>
  );
}

/** A button that copies a text, or a link. */
export function Copy({ text, what, link = false }: { text: string; what: string; link?: boolean }) {
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
      {done ? "✓" : link ? <LinkIcon /> : <CopyIcon />}
    </button>
  );
}
