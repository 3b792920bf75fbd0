import { useEffect, useRef, useState } from "preact/hooks";
import type { Facets } from "../../api";
import { get, type ProblemError, query, useQuery } from "../../lib/api";
import { count } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { setParams } from "../../lib/router";
import { fieldSuggestions, type Piece, pieceAt, quotedValue, type Suggestion } from "./complete";
import { marked, mended } from "./wrong";

const pause = 60; // ms without a key before the server is asked

/**
 * The filter, which the server reads: where it is wrong is marked. While it is written,
 * fields are offered, and the values that runs have, the most frequent first.
 */
export function FilterBar({ filter, error }: { filter: string; error: ProblemError | undefined }) {
  const box = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [piece, setPiece] = useState<Piece>(); // undefined = nothing is offered
  const [at, setAt] = useState(-1);
  const offered = useSuggestions(piece);
  const bad = error?.status === 400 ? error : undefined;
  const instead = bad && mended(filter, bad.problem.marks ?? []);
  const replace = (text: string) => {
    if (box.current) box.current.value = text;
    setParams({ filter: text, at: undefined });
  };
  useKeys({ "/": () => box.current?.focus() });
  useEffect(() => {
    if (box.current && document.activeElement !== box.current) {
      box.current.value = filter;
    }
  }, [filter]);
  const look = () => {
    const b = box.current;
    if (b) {
      setPiece(pieceAt(b.value, b.selectionStart ?? b.value.length));
      setAt(-1);
    }
  };
  const apply = () => {
    const text = box.current?.value ?? "";
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setParams({ filter: text.trim() || undefined, at: undefined }), pause);
  };
  const choose = (s: Suggestion) => {
    const b = box.current;
    if (!b || !piece) {
      return;
    }
    const after = b.value.slice(piece.to);
    b.value = b.value.slice(0, piece.from) + s.insert + after.replace(/^\s+/, s.insert.endsWith(" ") ? "" : " ");
    b.setSelectionRange(piece.from + s.insert.length, piece.from + s.insert.length);
    b.focus();
    look();
    if (!/[:.]$/.test(s.insert)) {
      apply();
    }
  };
  const key = (e: KeyboardEvent) => {
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    const chosen = offered[at];
    if (step && offered.length > 0) {
      e.preventDefault();
      setAt(at + step < -1 ? offered.length - 1 : at + step >= offered.length ? -1 : at + step);
    } else if (step) {
      e.preventDefault();
      look();
    } else if (e.key === "Enter" && chosen) {
      e.preventDefault();
      choose(chosen);
    } else if (e.key === "Escape" && piece && offered.length > 0) {
      e.preventDefault();
      e.stopPropagation();
      setPiece(undefined);
    } else if (e.key === "Escape" || e.key === "Enter") {
      setPiece(undefined);
      box.current?.blur();
    }
  };
  return (
    <div class="filter">
      <input
        ref={box}
        type="search"
        spellcheck={false}
        autocomplete="off"
        aria-label="Filter"
        aria-invalid={bad !== undefined}
        aria-describedby={bad ? "filter-error" : undefined}
        aria-autocomplete="list"
        aria-controls="filter-offers"
        aria-activedescendant={at >= 0 ? "filter-offer-" + at : undefined}
        placeholder="status:failed name:Order* created>-24h   ( / )"
        defaultValue={filter}
        onFocus={look}
        onClick={look}
        onBlur={() => setPiece(undefined)}
        onInput={(e) => {
          look();
          if (!/[\w.](?:[:=~]|[<>]=?)$/.test(e.currentTarget.value)) { // a value is to come
            apply();
          }
        }}
        onKeyDown={key}
      />
      <ul id="filter-offers" class="offers" role="listbox" aria-label="Completions" hidden={offered.length === 0}>
        {offered.map((s, i) => (
          <li
            key={s.label}
            id={"filter-offer-" + i}
            role="option"
            aria-selected={i === at}
            onMouseDown={(e) => {
              e.preventDefault(); // the focus stays
              choose(s);
            }}
          >
            <span class="mono">{s.label}</span>
            <span class="dim num">{s.hint}</span>
          </li>
        ))}
      </ul>
      {bad && (
        <p id="filter-error" class="bad" role="alert">
          {marked(filter, bad.problem.marks ?? []).map((p) => (p.mark ? <mark key={p.from}>{p.text}</mark> : <span key={p.from} class="mono">{p.text}</span>))}
          {" "}{bad.message} {bad.hint}
          {instead !== undefined && <button type="button" class="link" onClick={() => replace(instead)}>Search {instead}</button>}
        </p>
      )}
    </div>
  );
}

/** What may be put in the place of a piece. */
function useSuggestions(piece: Piece | undefined): Suggestion[] {
  const known = useQuery<Facets>(piece ? "run-facets" : undefined).data?.fields ?? [];
  const [values, setValues] = useState<{ field: string; items: Facets["items"] }>();
  const field = piece?.field === "tag." ? "" : (piece?.field ?? "");
  const tags = piece?.field === "" && piece.text.toLowerCase().startsWith("tag.");
  const asked = tags ? "tag." : field;
  const prefix = tags ? piece.text.slice(4) : (piece?.text ?? "");
  const isKnown = known.some((f) => f.name === asked || (f.name === "tag." && asked.startsWith("tag.")));
  useEffect(() => {
    if (!asked || !isKnown) {
      setValues(undefined);
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const ask = (filter: string) => get<Facets>("run-facets" + query({ field: asked, prefix, filter }), stop.signal);
      ask(piece?.rest ?? "").then((f) => setValues({ field: asked, items: f.items }), () => !stop.signal.aborted && setValues(undefined));
    }, pause);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [asked, isKnown, prefix, piece?.rest]);
  if (!piece) {
    return [];
  }
  const items = values?.field === asked ? values.items : [];
  if (tags) {
    return items.slice(0, 12).map((i) => ({ insert: `tag.${i.value}:`, label: `tag.${i.value}`, hint: count(i.count) }));
  }
  if (!field) {
    return fieldSuggestions(known, piece.text).slice(0, 40);
  }
  const choices = known.find((f) => f.name === field)?.choices ?? [];
  const counted = items.map((i) => ({ value: i.value, hint: count(i.count) }));
  const others = choices.filter((c) => c.startsWith(piece.text.toLowerCase()) && !items.some((i) => i.value === c)).map((value) => ({ value, hint: "0" }));
  return [...counted, ...others].slice(0, 12).filter((v) => v.value !== piece.text).map((v) => ({ insert: quotedValue(v.value) + " ", label: v.value, hint: v.hint }));
}
