// What a text really holds: characters that hide, reorder or control others are
// shown by their number, so that what a person reads is what a program will get.

/** Piece is a part of a text: as it is, or a character that is shown by its number. */
export interface Piece {
  text: string;
  /** The name of what was replaced; absent = text is as it was. */
  hidden?: string;
}

const names: Record<number, string> = {
  0x00ad: "soft hyphen",
  0x061c: "Arabic letter mark",
  0x200b: "zero width space",
  0x200c: "zero width non-joiner",
  0x200d: "zero width joiner",
  0x200e: "left-to-right mark",
  0x200f: "right-to-left mark",
  0x202a: "left-to-right embedding",
  0x202b: "right-to-left embedding",
  0x202c: "pop directional formatting",
  0x202d: "left-to-right override",
  0x202e: "right-to-left override",
  0x2060: "word joiner",
  0x2066: "left-to-right isolate",
  0x2067: "right-to-left isolate",
  0x2068: "first strong isolate",
  0x2069: "pop directional isolate",
  0x2028: "line separator",
  0x2029: "paragraph separator",
  0xfeff: "zero width no-break space",
};

// Controls but tab and newline, what changes the direction of text, separators that
// no font shows, lone surrogates, and the tag characters in which text can hide.
const controls =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\p{Cs}";
const loose = new RegExp("[" + controls + "]", "gu");
// Joiners are part of emoji and of several scripts: only where each character counts
// are they shown too.
const strict = new RegExp("[" + controls + "\\u00ad\\u180e\\u200b-\\u200d\\u3164\\uffa0]", "gu");

const word = /[\p{L}\p{M}]+/gu;
const latin = /(?![\uff00-\uffef])\p{Script=Latin}/u;
// Letters that look like Latin ones: of scripts that share their shapes, of mathematics
// and of full width.
const likeLatin = /(?=\p{L})[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Lisu}\p{Script=Common}\uff00-\uffef]/gu;

/** exactly finds what is to be shown by its number where each character counts. */
function exactly(text: string): RegExpMatchArray[] {
  const all: RegExpMatchArray[] = [...text.matchAll(strict)];
  for (const w of text.matchAll(word)) {
    if (latin.test(w[0])) {
      for (const m of w[0].matchAll(likeLatin)) {
        m.index += w.index;
        all.push(m);
      }
    }
  }
  return all.sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
}

/**
 * pieces parts a text where characters have to be shown by their number. With exact
 * these are also joiners and blanks of no width, which ordinary text may need, and letters
 * in a Latin word that are none.
 */
export function pieces(text: string, exact = false): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const m of exact ? exactly(text) : text.matchAll(loose)) {
    m.index ??= 0;
    if (m[0] === "\r" && text[m.index + 1] === "\n") {
      continue;
    }
    if (m.index > at) {
      found.push({ text: text.slice(at, m.index) });
    }
    const code = m[0].codePointAt(0) ?? 0;
    found.push({ text: "U+" + code.toString(16).toUpperCase().padStart(4, "0"), hidden: names[code] ?? kind(code) });
    at = m.index + m[0].length;
  }
  if (at < text.length || found.length === 0) {
    found.push({ text: text.slice(at) });
  }
  return found;
}

function kind(code: number): string {
  if (code >= 0xe0000) {
    return "invisible tag character";
  }
  if (code >= 0xd800 && code <= 0xdfff) {
    return "half of a character";
  }
  return /\p{L}/u.test(String.fromCodePoint(code)) ? "looks like a Latin letter, and is none" : "control character";
}

/** escaped is a text in which such characters are written as their numbers. */
export function escaped(text: string): string {
  return pieces(text, true)
    .map((p) => (p.hidden ? "<" + p.text + ">" : p.text))
    .join("");
}
