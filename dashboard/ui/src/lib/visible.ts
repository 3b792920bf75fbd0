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

// Letters of other scripts that are drawn as Latin letters are.
const alike =
  "\u0430\u0441\u0501\u0435\u04bb\u0456\u0458\u04cf\u043e\u0440\u051b\u0455\u051d\u0445\u0443\u04af\u0475\u0461\u0410\u0412" +
  "\u0421\u0415\u041d\u0406\u0408\u04c0\u041a\u041c\u041e\u0420\u0405\u0422\u0425\u0423\u04ae\u051a\u051c\u0474\u03b1\u03b3" +
  "\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c9\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1" +
  "\u03a4\u03a5\u03a7\u0563\u0566\u0570\u0578\u057d\u0581\u0582\u0584\u0585\u0555\u054d\u053c\u054f\u13a0\u13a1\u13a2\u13aa" +
  "\u13ab\u13ac\u13b3\u13b7\u13bb\u13bd\u13c0\u13c3\u13cf\u13da\u13d9\u13de\u13df\u13e2\u13e6\u13f4\u13c2\u13d2";
// Latin letters in a form for mathematics or of full width.
const forms = "\\u{1d400}-\\u{1d7ff}\\uff21-\\uff3a\\uff41-\\uff5a";
const form = new RegExp("[" + forms + "]", "u");
const wholly = new RegExp("^[" + alike + forms + "]+$", "u");

/** isForeign tells a text of a script that shares shapes with Latin: it has a word that cannot be taken for a Latin one. */
function isForeign(words: string[]): boolean {
  return words.some((w) => !latin.test(w) && !wholly.test(w) && w.search(likeLatin) >= 0);
}

/** exactly finds what is to be shown by its number where each character counts. */
function exactly(text: string): RegExpMatchArray[] {
  const all: RegExpMatchArray[] = [...text.matchAll(strict)];
  const words = [...text.matchAll(word)];
  const foreign = isForeign(words.map((w) => w[0]));
  for (const w of words) {
    if (!latin.test(w[0]) && wholly.test(w[0])) {
      for (const m of w[0].matchAll(/./gsu)) {
        if (!foreign || form.test(m[0])) {
          m.index += w.index;
          all.push(m);
        }
      }
    } else if (latin.test(w[0])) {
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
 * these are also joiners and blanks of no width, which ordinary text may need, letters in
 * a Latin word that are none, and words of another script that could be taken for Latin.
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
