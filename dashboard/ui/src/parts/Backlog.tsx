import type { BacklogItems } from "../api";
import { count } from "../lib/format";
import { Time } from "./Time";

/** What is ready and waits for a worker, what nobody serves first. */
export function Backlog({ items, most = Infinity }: { items: BacklogItems["items"] | undefined; most?: number }) {
  if (items === undefined || items.length === 0) {
    return items && <p class="dim">Nothing waits for a worker.</p>;
  }
  return (
    <ul class="plain">
      {items.slice(0, most).map((b) => (
        <li key={b.kind + b.name + (b.version ?? "")}>
          <span class={b.served ? "dim" : "bad"}>{b.served ? "✓ served" : "! no worker"}</span>
          <span>
            {b.kind} <strong>{b.name}</strong> {b.version}
          </span>
          <span class="num">
            {count(b.waiting)} waiting, {count(b.running)} running
          </span>
          {b.oldest && b.waiting > 0 && (
            <span class="dim">
              oldest <Time at={b.oldest} />
            </span>
          )}
        </li>
      ))}
      {items.length > most && (
        <li>
          <a href="workers">{items.length - most} more</a>
        </li>
      )}
    </ul>
  );
}
