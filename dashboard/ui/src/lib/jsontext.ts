// JSON that people type.

/** Typed is a text as JSON, or where it is wrong; lines and columns count from 1. */
export type Typed = { ok: true; value: unknown } | { ok: false; message: string; line: number; column: number };

/**
 * parseJson reads JSON. Unlike JSON.parse it says in every browser where the first
 * error is, in a sentence.
 */
export function parseJson(text: string): Typed {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    const at = new Finder(text).find();
    const before = text.slice(0, at.place);
    const line = before.split("\n").length;
    return { ok: false, message: at.message, line, column: at.place - before.lastIndexOf("\n") };
  }
}

/** jsonError says what is wrong with a text that should be JSON or empty. */
export function jsonError(text: string): string | undefined {
  const typed = text.trim() === "" ? undefined : parseJson(text);
  return !typed || typed.ok ? undefined : `Line ${typed.line}, column ${typed.column}: ${typed.message}`;
}

/** Whether a text is no JSON and was not meant to be: it needs no quotes then. */
export const isPlain = (text: string): boolean => jsonError(text) !== undefined && !/^\s*["[{]/.test(text);

class Found extends Error {
  constructor(readonly place: number, message: string) {
    super(message);
  }
}

// Finder walks a text that is no JSON to its first error.
class Finder {
  private at = 0;

  constructor(private readonly text: string) {}

  find(): { place: number; message: string } {
    try {
      this.value(0);
      this.blank();
      if (this.at < this.text.length) {
        this.fail("nothing may follow the value");
      }
    } catch (err) {
      if (err instanceof Found) {
        return { place: err.place, message: err.message };
      }
    }
    return { place: this.at, message: "this is no JSON" };
  }

  private fail(message: string): never {
    throw new Found(this.at, message);
  }

  private blank(): void {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) {
      this.at++;
    }
  }

  private value(depth: number): void {
    this.blank();
    const c = this.text[this.at];
    if (c === undefined) {
      this.fail(this.at === 0 || this.text.trim() === "" ? "a value is missing" : "it ends too early");
    }
    if (depth > 500) {
      this.fail("it is nested too deeply");
    }
    if (c === "{") {
      this.list("}", () => {
        this.blank();
        if (this.text[this.at] !== '"') {
          this.fail('a name in double quotes is missing');
        }
        this.string();
        this.blank();
        if (this.text[this.at] !== ":") {
          this.fail("a colon is missing");
        }
        this.at++;
        this.value(depth + 1);
      });
    } else if (c === "[") {
      this.list("]", () => this.value(depth + 1));
    } else if (c === '"') {
      this.string();
    } else {
      const word = /^[^\s,:\[\]{}"]*/.exec(this.text.slice(this.at, this.at + 60))?.[0] ?? "";
      if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(word)) {
        this.fail(word === "" ? "a value is missing" : c === "'" ? "texts stand in double quotes" : word + " is no value; texts stand in double quotes");
      }
      this.at += word.length;
    }
  }

  private list(close: string, member: () => void): void {
    this.at++;
    this.blank();
    if (this.text[this.at] === close) {
      this.at++;
      return;
    }
    for (;;) {
      member();
      this.blank();
      if (this.text[this.at] === close) {
        this.at++;
        return;
      }
      if (this.text[this.at] !== ",") {
        this.fail(this.at >= this.text.length ? close + " is missing at the end" : "a comma or " + close + " is missing");
      }
      this.at++;
      this.blank();
      if (this.text[this.at] === close) {
        this.fail("no comma may stand before " + close);
      }
    }
  }

  private string(): void {
    for (this.at++; ; this.at++) {
      const c = this.text[this.at];
      if (c === undefined) {
        this.fail("a text has no end");
      }
      if (c === '"') {
        this.at++;
        return;
      }
      if (c < " ") {
        this.fail(c === "\n" ? "a text may not go over lines: write \\n" : "a control character in a text: write \\u and its number");
      }
      if (c === "\\") {
        if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(this.text.slice(this.at, this.at + 6))) {
          this.fail("a backslash begins no known escape");
        }
        this.at++;
      }
    }
  }
}
