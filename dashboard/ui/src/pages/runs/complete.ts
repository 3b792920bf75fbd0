// What may come next in a filter: only as much is read of it as completion needs, the
// server alone understands it.
import type { FilterField } from "../../api";

/** The piece of a filter that is being written. */
export interface Piece {
  /** Where it stands in the text. */
  from: number;
  to: number;
  /** Of a term with an operator; "" = the name of a field, or a word, is being written. */
  field: string;
  text: string;
  /** The other terms, if they are a filter without this one. */
  rest: string;
}

/** Finds the piece at a place of the text. */
export function pieceAt(text: string, caret: number): Piece {
  let start = 0;
  let quoted = false;
  for (let i = 0; i < caret; i++) {
    if (text[i] === "\\" && quoted) {
      i++;
    } else if (text[i] === '"') {
      quoted = !quoted;
    } else if (!quoted && /[\s()]/.test(text[i]!)) {
      start = i + 1;
    }
  }
  const tail = text.slice(caret).search(/[\s()]/);
  const end = quoted || tail < 0 ? text.length : caret + tail;
  const others = `${text.slice(0, start).trim()} ${text.slice(end).trim()}`.trim();
  const rest = /[()]|(^|\s)or(\s|$)/i.test(others) ? "" : others; // what is left of alternatives may not be a filter
  const sign = text[start] === "-" ? 1 : 0;
  const term = text.slice(start + sign, caret);
  const op = /^([\w.]+)(:|=|~)(.*)$/s.exec(term);
  if (!op) {
    return { from: start + sign, to: end, field: "", text: term, rest };
  }
  const values = op[3]!;
  const comma = quoted ? values.lastIndexOf(',"') : values.lastIndexOf(",");
  const value = values.slice(comma + 1);
  return { from: caret - value.length, to: end, field: op[1]!.toLowerCase(), text: value.replace(/^"/, ""), rest };
}

/** A value as a filter has it. */
export function quotedValue(value: string): string {
  return value === "" || /[\s,"()*\\]/.test(value) ? JSON.stringify(value) : value;
}

export interface Suggestion {
  /** What is put in the place of the piece. */
  insert: string;
  label: string;
  hint: string;
}

const samples: Record<FilterField["type"], [string, string][]> = {
  text: [],
  choice: [],
  time: [[">-1h", "in the last hour"], [">-24h", "in the last day"], [":today", "today"], ["<-7d", "more than a week ago"]],
  duration: [[">1m", "longer than a minute"], [">1h", "longer than an hour"], ["<1s", "shorter than a second"]],
  money: [[">0.1", "more than 10 cents"], [">1", "more than a dollar"]],
  integer: [[">1", "more than 1"], [">1000", "more than 1,000"]],
};

/** The fields, and conditions on them, that begin as the piece does. */
export function fieldSuggestions(fields: FilterField[], text: string): Suggestion[] {
  const all = fields.flatMap((f): Suggestion[] => {
    if (f.type === "text" || f.type === "choice") {
      const more = f.choices ? f.choices.slice(0, 3).join(", ") + " …" : f.name === "tag." ? "and a key, such as tag.team:" : "";
      return [{ insert: f.name === "tag." ? f.name : f.name + ":", label: f.name, hint: more }];
    }
    return samples[f.type].map(([condition, hint]) => ({ insert: f.name + condition + " ", label: f.name + condition, hint }));
  });
  const written = text.toLowerCase();
  return all.filter((s) => s.insert.startsWith(written) && s.insert.trim() !== written);
}
