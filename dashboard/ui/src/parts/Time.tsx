import { absolute, clock, duration, now, relative, utc } from "../lib/format";

/** A time, relative to now, with the exact one in its tooltip. */
export function Time({ at, exact = false }: { at: string | undefined; exact?: boolean }) {
  if (!at) {
    return <span class="dim">–</span>;
  }
  const t = Date.parse(at);
  const full = absolute(t, utc.value);
  return (
    <time dateTime={at} title={full}>
      {exact ? clock(t, now.value, utc.value) : relative(t, now.value)}
    </time>
  );
}

/** How long something took, or takes so far. */
export function Duration({ from, to, ms }: { from?: string | undefined; to?: string | undefined; ms?: number | undefined }) {
  if (ms !== undefined) {
    return <span class="num">{duration(ms)}</span>;
  }
  if (!from) {
    return <span class="dim">–</span>;
  }
  const end = to ? Date.parse(to) : now.value;
  return <span class="num">{duration(end - Date.parse(from))}</span>;
}
