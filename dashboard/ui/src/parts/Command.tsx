import { Copy } from "./Copy";

/** A command to copy. */
export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <Copy text={text} what="command" />
    </div>
  );
}
