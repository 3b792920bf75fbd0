/** randomKey returns 128 random bits in hex: keys of new sessions and of requests. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
