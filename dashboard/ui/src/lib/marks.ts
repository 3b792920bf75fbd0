// What the server is told of the rows that are held: 24 bits of each id.

/** How many of them an address has room for; the newest are told. */
const most = 1000;

/** The mark of an id: FNV-1a of 32 bits, folded, as the server makes it. */
export function markOf(id: string): number {
  let sum = 2166136261;
  for (const byte of new TextEncoder().encode(id)) {
    sum = Math.imul(sum ^ byte, 16777619);
  }
  return (sum >>> 24) ^ (sum & 0xffffff);
}

/** The parameter `held` for ids, of which the last are the newest. */
export function heldParam(ids: Iterable<string>): string {
  const bytes = [...ids].slice(-most).flatMap((id) => {
    const m = markOf(id);
    return [m >> 16, (m >> 8) & 255, m & 255];
  });
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
