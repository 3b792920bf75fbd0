import { signal } from "@preact/signals";

const message = signal("");
let last = 0;

/** Has a screen reader say something, politely; summaries of lists at most every 5 s. */
export function announce(text: string, summary = false): void {
  const t = Date.now();
  if (summary && t - last < 5000) {
    return;
  }
  last = t;
  message.value = "";
  requestAnimationFrame(() => (message.value = text));
}

/** The live region of the page. */
export function Announcer() {
  return (
    <div class="hidden-text" role="status" aria-live="polite">
      {message.value}
    </div>
  );
}
