/** What is wrong with a text that should be JSON or empty, with line and column. */
export function jsonError(text: string): string | undefined {
  if (text.trim() === "") {
    return undefined;
  }
  try {
    JSON.parse(text);
    return undefined;
  } catch (e) {
    const message = String((e as Error).message);
    const m = /position (\d+)/.exec(message);
    const at = m ? Number(m[1]) : text.length;
    const before = text.slice(0, at).split("\n");
    return `This is no JSON: line ${before.length}, column ${(before.at(-1) ?? "").length + 1}. A text stands in "quotes".`;
  }
}
