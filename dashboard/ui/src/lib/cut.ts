// Long texts are shown in parts: no page waits for a line of a megabyte.

/** partSize is about how many characters of a text are shown at once. */
export const partSize = 16_000;

/**
 * partEnd returns where the part of a text that begins at from ends: at an empty line,
 * else a line's end, else a blank, if there is one in its second half.
 */
export function partEnd(text: string, from: number, size = partSize): number {
  let end = from + size;
  if (end >= text.length) {
    return text.length;
  }
  for (const mark of ["\n\n", "\n", " "]) {
    const at = text.lastIndexOf(mark, end - mark.length);
    if (at >= from + size / 2) {
      return at + mark.length;
    }
  }
  // Not between the two halves of a character.
  const code = text.charCodeAt(end - 1);
  if (code >= 0xd800 && code <= 0xdbff) {
    end++;
  }
  return end;
}

/** sizeText is a number of characters in words. */
export function sizeText(n: number): string {
  if (n < 1000) {
    return n + " characters";
  }
  return n < 1_000_000 ? (n / 1000).toFixed(n < 10_000 ? 1 : 0) + " k characters" : (n / 1_000_000).toFixed(1) + " M characters";
}
