import { Copy } from "./Copy";

/** How commands are told of this server, if it is not where they look by themselves. */
export function hubFlag(): string {
  const { origin } = location;
  return origin.endsWith("//127.0.0.1:8080") ? "" : " --hub " + origin;
}

/** A command to copy. */
export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <Copy text={text} what="command" />
    </div>
  );
}
