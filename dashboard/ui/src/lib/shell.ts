// Commands of perdure as a shell takes them. Pure.

/**
 * word writes a text so that a shell takes it as one word, whatever it is: as it is if it is
 * plain, else in quotes. Control characters are written by their number, so that a terminal
 * into which it is pasted does not obey them.
 */
export function word(text: string): string {
  if (/^[\w./:,@%+=-]+$/.test(text) && !text.startsWith("=")) {
    return text;
  }
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) {
    const escaped = text.replace(/[\\']/g, "\\$&").replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => {
      const n = c.charCodeAt(0);
      return n < 0x80 ? "\\x" + n.toString(16).padStart(2, "0") : "\\u" + n.toString(16).padStart(4, "0");
    });
    return `$'${escaped}'`;
  }
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * commandOf is the command with these arguments and options, at the server that hub names
 * (" --hub URL", or "" where commands look by themselves). Arguments that begin with a dash
 * come last, where they are no options.
 */
export function commandOf(verb: string, args: string[], hub: string, options: Record<string, string | undefined> = {}): string {
  const flags = Object.entries(options).flatMap(([k, v]) => (v ? [` --${k} ${word(v)}`] : [])).join("") + hub;
  const words = args.map((a) => " " + word(a)).join("");
  return "perdure " + verb + (args.some((a) => a.startsWith("-")) ? flags + " --" + words : words + flags);
}
