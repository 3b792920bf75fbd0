import { pieces } from "../lib/visible";

/**
 * Visible shows a text as it is, and characters that hide or reorder others by their
 * number. With exact no character of no width stays unseen.
 */
export function Visible({ text, exact }: { text: string; exact?: boolean }) {
  const all = pieces(text, exact);
  if (all.length === 1 && !all[0]?.hidden) {
    return <>{text}</>;
  }
  return (
    <>
      {all.map((p) => (p.hidden ? <span class="hidden-char" title={p.hidden}>{p.text}</span> : p.text))}
    </>
  );
}
