import assert from "node:assert/strict";
import test from "node:test";

import { entities, hostOf, MarkdownPart } from "../../src/lib/markdown";

interface Node {
  type: string | ((props: object) => unknown);
  props: Record<string, unknown> & { children?: unknown };
}

// show expands components without state into the tags that they end up as.
function show(n: unknown): string {
  if (n === null || n === undefined || typeof n === "boolean") {
    return "";
  }
  if (typeof n === "string" || typeof n === "number") {
    return String(n).replaceAll("<", "&lt;");
  }
  if (Array.isArray(n)) {
    return n.map(show).join("");
  }
  const { type, props } = n as Node;
  if (typeof type === "function") {
    return show(type(props));
  }
  const attributes = Object.entries(props)
    .filter(([k]) => k === "href" || k === "src" || k.startsWith("on"))
    .map(([k, v]) => ` ${k}="${v}"`)
    .join("");
  return `<${type}${attributes}>${show(props.children)}</${type}>`;
}

const md = (text: string) => show(<MarkdownPart text={text} />);

test("HTML is text", () => {
  for (const text of [
    "<script>alert(1)</script>",
    "hi <img src=x onerror=alert(1)> there",
    "<svg><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<iframe srcdoc='<script>1</script>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<style>*{display:none}</style>",
    "```html\n<script>1</script>\n```",
    "[a](<javascript:alert(1)> \"t\")",
    "[a](java\tscript:alert(1)) [b](data:text/html,<script>1</script>) [c](vbscript:x)",
  ]) {
    const html = md(text);
    assert.doesNotMatch(html, /<(script|img|svg|iframe|style|object|embed)|href="(?!https?:|mailto:)|<[a-z][^>]*\son/i, text + " became " + html);
  }
});

test("images are not loaded and links say where they lead", () => {
  assert.equal(md("![pixel](https://t.example/p?secret)"),
    '<p><a href="https://t.example/p?secret"><span>image: pixel</span></a><span> (t.example)</span></p>');
  assert.match(md("[https://bank.example](https://evil.example)"), /evil\.example\)/);
  assert.match(md("https://bank.example@evil.example/"), /\(evil\.example\)/);
  assert.match(md("[b\u0430nk](https://b\u0430nk.example)"), /\(xn--[a-z0-9-]+\.example\)/);
  assert.equal(md("https://good.example/a"), '<p><a href="https://good.example/a">https://good.example/a</a></p>');
  assert.match(md("[x](javascript:alert(1))"), /javascript:alert\(1\)\)/);
});

test("the usual becomes what it means", () => {
  assert.equal(md("a **b** `c<d` ~~e~~ &amp; f"), "<p>a <strong>b</strong> <code>c&lt;d</code> <del>e</del> & f</p>");
  assert.equal(md("- a\n- b\n"), "<ul><li>a</li><li>b</li></ul>");
  assert.match(md("|a|b|\n|-|-|\n|1|2|"), /<th>a<\/th>.*<td>2<\/td>/);
  assert.match(md("pay \u202e001"), /U\+202E/);
});

test("what is deep or endless costs no time", () => {
  for (const unit of ["[", "*", "_", "`", ">", "> ", "- ", "1. ", "![", "<", "(", "**a ", "[a](", "<a ", "|a|\n|-|\n", "- a\n  ", "***", "[[a]", "\\", "&#"]) {
    const began = performance.now();
    md(unit.repeat(16_000 / unit.length));
    const took = performance.now() - began;
    assert.ok(took < 5000, JSON.stringify(unit) + " took " + took.toFixed(0) + " ms");
  }
});

test("references and hosts", () => {
  assert.equal(entities("&lt;&#60;&#x3C;&bogus;&#0;&#x110000;"), "<<<&bogus;&#0;&#x110000;");
  assert.equal(hostOf("mailto:a@b.example"), "a@b.example");
  assert.equal(hostOf("/relative"), null);
});
