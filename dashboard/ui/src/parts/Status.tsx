import { look } from "../lib/status";

/** A state as icon, word and colour. */
export function Status({ state, word }: { state: string; word?: string | undefined }) {
  const l = look(state);
  return (
    <span class={"status tone-" + l.tone}>
      <span class="icon" aria-hidden="true">
        {l.icon}
      </span>
      <span>{word ?? l.word}</span>
    </span>
  );
}
