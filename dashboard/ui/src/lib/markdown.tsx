// Markdown of models and users, which may be hostile, as Preact nodes: HTML is shown as
// text, nothing is loaded, a link says where it leads, and the work is bounded.

import type { ComponentChild, ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { lexer, type Token, type Tokens } from "marked";

import { Visible } from "../parts/Visible";
import { partEnd, sizeText } from "./cut";

/** How deep lists and quotes nest before the rest is shown as text. */
const maxDepth = 12;

/**
 * Markdown shows a text in parts; each further one is asked for.
 */
export function Markdown({ text }: { text: string }) {
  const [shown, setShown] = useState(1);
  const parts: ComponentChild[] = [];
  let at = 0;
  while (at < text.length && parts.length < shown) {
    const end = partEnd(text, at);
    parts.push(<MarkdownPart key={at} text={text.slice(at, end)} />);
    at = end;
  }
  return (
    <div class="md" dir="auto">
      {parts}
      {at < text.length && (
        <button type="button" class="quiet more" onClick={() => setShown(shown + 1)}>
          Show more ({sizeText(text.length - at)} left)
        </button>
      )}
    </div>
  );
}

// Lines that open many blocks within each other cost time that grows with their
// square; nobody writes them to be read.
const tower = /^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])){16}/m;
// So do long rows of marks that open and never close.
const openers = /(?:[[*_~`!<(][^\n]{0,3}){300}/;

/** MarkdownPart shows a text that is short, at once. */
export function MarkdownPart({ text }: { text: string }) {
  if (tower.test(text) || openers.test(text)) {
    return <Raw text={text} />;
  }
  let tokens: Token[];
  try {
    tokens = lexer(text, { gfm: true });
  } catch {
    return <Raw text={text} />;
  }
  return <>{blocks(tokens, 0)}</>;
}

function Raw({ text }: { text: string }) {
  return <p class="md-raw"><Visible text={text} /></p>;
}

function blocks(tokens: Token[], depth: number): ComponentChildren {
  return tokens.map((t, i) => <Block key={i} token={t} depth={depth} />);
}

function Block({ token, depth }: { token: Token; depth: number }) {
  if (depth > maxDepth) {
    return <Raw text={token.raw} />;
  }
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "paragraph":
      return <p dir="auto">{inlines(token.tokens ?? [], depth)}</p>;
    case "heading":
      return <p class={"md-h md-h" + (token as Tokens.Heading).depth} dir="auto">{inlines(token.tokens ?? [], depth)}</p>;
    case "code":
      return <Code token={token as Tokens.Code} />;
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [], depth + 1)}</blockquote>;
    case "list":
      return <List token={token as Tokens.List} depth={depth} />;
    case "table":
      return <Table token={token as Tokens.Table} depth={depth} />;
    case "hr":
      return <hr />;
    case "text":
      return <>{token.tokens ? inlines(token.tokens, depth) : <Visible text={entities(token.raw)} />}</>;
    case "checkbox":
      return <>{(token as Tokens.Checkbox).checked ? "☑ " : "☐ "}</>;
    default: // HTML, and what we do not know
      return <Raw text={token.raw} />;
  }
}

function Code({ token }: { token: Tokens.Code }) {
  return (
    <figure class="md-code">
      {token.lang && <figcaption><Visible text={token.lang.slice(0, 40)} /></figcaption>}
      <pre tabIndex={0} role="group" aria-label={"code" + (token.lang ? ", " + token.lang.slice(0, 40) : "")}><code><Visible text={token.text} /></code></pre>
    </figure>
  );
}

function List({ token, depth }: { token: Tokens.List; depth: number }) {
  const items = token.items.map((item, i) => (
    <li key={i} dir="auto">
      {item.task && !item.tokens.some(hasCheckbox) && (item.checked ? "☑ " : "☐ ")}
      {blocks(item.tokens, depth + 1)}
    </li>
  ));
  return token.ordered ? <ol start={Number(token.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function hasCheckbox(t: Token): boolean {
  return t.type === "checkbox" || ((t as Tokens.Generic).tokens ?? []).some((c) => c.type === "checkbox");
}

function Table({ token, depth }: { token: Tokens.Table; depth: number }) {
  return (
    <div class="md-table" tabIndex={0} role="group" aria-label="table">
      <table>
        <thead>
          <tr>{token.header.map((c, i) => <th key={i} scope="col">{inlines(c.tokens, depth)}</th>)}</tr>
        </thead>
        <tbody>
          {token.rows.map((row, r) => (
            <tr key={r}>{row.map((c, i) => <td key={i} class={c.align ? "md-" + c.align : undefined}>{inlines(c.tokens, depth)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inlines(tokens: Token[], depth: number): ComponentChildren {
  return tokens.map((t, i) => <Inline key={i} token={t} depth={depth + 1} />);
}

function Inline({ token, depth }: { token: Token; depth: number }) {
  if (depth > 2 * maxDepth) {
    return <Visible text={token.raw} />;
  }
  const inner = () => inlines((token as Tokens.Generic).tokens ?? [], depth);
  switch (token.type) {
    case "text":
      return <>{token.tokens ? inner() : <Visible text={entities(token.raw)} />}</>;
    case "escape":
      return <Visible text={token.raw.slice(1)} />;
    case "strong":
      return <strong>{inner()}</strong>;
    case "em":
      return <em>{inner()}</em>;
    case "del":
      return <del>{inner()}</del>;
    case "codespan":
      return <code><Visible text={(token as Tokens.Codespan).text} /></code>;
    case "br":
      return <br />;
    case "link":
      return <Link href={(token as Tokens.Link).href} text={plain(token)}>{inner()}</Link>;
    case "image":
      return <Image token={token as Tokens.Image} />;
    case "checkbox":
      return <>{(token as Tokens.Checkbox).checked ? "☑ " : "☐ "}</>;
    default: // HTML, and what we do not know
      return <Visible text={token.raw} />;
  }
}

function plain(token: Token): string {
  return "text" in token && typeof token.text === "string" ? token.text : token.raw;
}

/** Where a link leads: its host, or null if it is none that may be followed. */
export function hostOf(href: string): string | null {
  let url: URL;
  try {
    url = new URL(href);
  } catch {
    return null;
  }
  if (url.protocol === "mailto:") {
    return url.pathname;
  }
  return url.protocol === "http:" || url.protocol === "https:" ? url.host : null;
}

// A link shows its host unless its text is nothing but the address itself.
function Link({ href, text, children }: { href: string; text: string; children: ComponentChildren }) {
  const host = hostOf(href);
  if (host === null) {
    return <span class="md-nolink">{children} <span class="md-host">(<Visible text={href.slice(0, 200)} />)</span></span>;
  }
  const obvious = text === href && !text.includes("@") && text.includes("//" + host);
  return (
    <>
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">{children}</a>
      {!obvious && <span class="md-host"> (<Visible text={host.slice(0, 200)} exact />)</span>}
    </>
  );
}

// An image is never loaded: its address could tell a stranger what was said here.
function Image({ token }: { token: Tokens.Image }) {
  const name = token.text || "image";
  return <Link href={token.href} text=""><span class="md-image">image: <Visible text={name} /></span></Link>;
}

const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", hellip: "…", mdash: "—", ndash: "–" };

/** entities decodes the few character references that models write. */
export function entities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, (all, decimal: string, hex: string, name: string) => {
    if (name) {
      return named[name] ?? all;
    }
    const code = decimal ? parseInt(decimal, 10) : parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
