// Who speaks in a conversation: initials, and a colour for each.

import type { SaidEvent } from "../../api";
import { bytes } from "../../lib/format";

/** Colours that styles know, as .voice-0 and so on. */
export const voices = 8;

/** One or two letters of a name: "SupportDesk" gives SD, "joker" J. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+|(?<=\p{Ll})(?=\p{Lu})/u).filter(Boolean);
  const letters = words.length > 1 ? words[0]!.charAt(0) + words[words.length - 1]!.charAt(0) : (words[0] ?? "?").charAt(0);
  return letters.toUpperCase();
}

/** Numbers the agents of a conversation in the order in which they come: as many as there are colours have one of their own. */
export function voicesOf(names: string[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const n of names) if (n && !all.has(n)) all.set(n, all.size % voices);
  return all;
}

/** What an event was raised with, in a line. */
export function raisedText(e: SaidEvent): string {
  if (e.data === undefined) return e.bytes ? bytes(e.bytes) : "raised";
  const text = JSON.stringify(e.data);
  return text.length > 200 ? text.slice(0, 199) + "…" : text;
}
