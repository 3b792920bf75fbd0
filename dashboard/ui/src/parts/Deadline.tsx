import { absolute, duration, now, utc } from "../lib/format";

/** Deadline counts down to a moment, and says what happens then. */
export function Deadline({ at, then }: { at: string | undefined; then?: string }) {
  if (!at) {
    return <span class="dim">no deadline</span>;
  }
  const left = Date.parse(at) - now.value;
  const tone = left < 60_000 ? "deadline late" : left < 3_600_000 ? "deadline soon" : "deadline";
  return (
    <span class={tone} title={absolute(Date.parse(at), utc.value)}>
      {left > 0 ? duration(Math.ceil(left / 1000) * 1000) + " left" : "time is over"}
      {then && <span class="dim">, {then}</span>}
    </span>
  );
}
