// Numbers and times as people read them.
import { signal } from "@preact/signals";
import { read, write } from "./theme";

/** Whether times are shown in UTC. */
export const utc = signal(read("perdure.utc") === "1");

export function chooseUTC(on: boolean): void {
  utc.value = on;
  write("perdure.utc", on ? "1" : null);
}

/** The time, which moves once a second while the page is seen. */
export const now = signal(Date.now());
if (typeof document !== "undefined") {
  setInterval(() => {
    if (document.visibilityState === "visible") {
      now.value = Date.now();
    }
  }, 1000);
}

/** 950 ms, 3.2 s, 4 min 5 s, 2 h 3 min, 5 d 2 h */
export function duration(ms: number): string {
  const n = Math.max(0, ms);
  if (n < 1) {
    return n === 0 ? "0 ms" : "<1 ms";
  }
  if (n < 1000) {
    return `${Math.round(n)} ms`;
  }
  if (n < 60_000) {
    return `${(n / 1000).toFixed(n < 9_950 ? 1 : 0)} s`;
  }
  const s = Math.floor(n / 1000);
  const two = (a: number, x: string, b: number, y: string) => (b ? `${a} ${x} ${b} ${y}` : `${a} ${x}`);
  if (s < 3600) {
    return two(Math.floor(s / 60), "min", s % 60, "s");
  }
  if (s < 86_400) {
    return two(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  }
  return two(Math.floor(s / 86_400), "d", Math.floor((s % 86_400) / 3600), "h");
}

/** 3 s ago, in 5 min; "now" within a second. */
export function relative(time: number, at: number): string {
  const d = at - time;
  if (Math.abs(d) < 1000) {
    return "now";
  }
  const s = Math.floor(Math.abs(d) / 1000);
  const text = s < 60 ? `${s} s` : duration(s * 1000).split(" ").slice(0, 2).join(" ");
  return d > 0 ? `${text} ago` : `in ${text}`;
}

/** 2026-11-28 08:15:02.123, local or UTC */
export function absolute(time: number, inUTC: boolean): string {
  const d = new Date(inUTC ? time : time - new Date(time).getTimezoneOffset() * 60_000);
  return d.toISOString().replace("T", " ").replace("Z", "") + (inUTC ? " UTC" : "");
}

/** 08:15:02, or with the day if that is another one */
export function clock(time: number, at: number, inUTC: boolean): string {
  const text = absolute(time, inUTC);
  return absolute(at, inUTC).slice(0, 10) === text.slice(0, 10) ? text.slice(11, 19) : text.slice(0, 16);
}

/** 1,234; 12.4k; 3.1M */
export function count(n: number): string {
  if (n < 10_000) {
    return n.toLocaleString("en");
  }
  return n < 1_000_000 ? `${(n / 1000).toFixed(1)}k` : `${(n / 1_000_000).toFixed(1)}M`;
}

/** 12 B, 3.4 KB, 1.2 MB */
export function bytes(n: number): string {
  return n < 1024 ? `${n} B` : n < 1024 ** 2 ? `${(n / 1024).toFixed(1)} KB` : `${(n / 1024 ** 2).toFixed(1)} MB`;
}

/** $0.0042 of millionths of a dollar */
export function cost(micros: number): string {
  const d = micros / 1e6;
  return "$" + (d >= 1 ? d.toFixed(2) : d >= 0.01 ? d.toFixed(3) : d.toFixed(5));
}

/** the beginning of an id that is too long for its place */
export function shortened(id: string): string {
  return id.length > 24 ? id.slice(0, 16) + "…" : id;
}
