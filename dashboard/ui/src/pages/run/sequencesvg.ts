// A sequence as an SVG document that stands alone. Pure.

import { duration } from "../../lib/format";
import type { Sequence } from "./messages";

/** The most messages that are drawn. */
const most = 2000;
const row = 26;
const gap = 190;
const left = 90;
const top = 56;

/** Draws a sequence; began is the time that its times count from. */
export function sequenceSVG(sequence: Sequence, began: number): string {
  const messages = sequence.messages.slice(0, most);
  const width = left + gap * sequence.lines.length;
  const height = top + row * (messages.length + 1) + (messages.length < sequence.messages.length ? row : 0);
  const at = (line: number) => left + gap * line + gap / 2;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
  ];
  sequence.lines.forEach((l, i) => {
    out.push(`<line x1="${at(i)}" y1="${top - 14}" x2="${at(i)}" y2="${height}" stroke="#ccd" stroke-dasharray="3 3"/>`);
    out.push(`<rect x="${at(i) - gap / 2 + 8}" y="10" width="${gap - 16}" height="30" rx="6" fill="#eef1f6" stroke="#8a93a3"/>`);
    out.push(`<text x="${at(i)}" y="29" text-anchor="middle" font-weight="600">${escape(cut(l.label, 24))}</text>`);
  });
  messages.forEach((m, n) => {
    const y = top + row * n + row / 2;
    const color = m.failed ? "#b3261e" : m.answer ? "#5a6372" : "#1b1f27";
    const [a, b] = [at(m.from), at(m.to)];
    out.push(`<text x="8" y="${y + 4}" fill="#5a6372">+${escape(duration(Math.max(0, m.time - began)))}</text>`);
    if (m.from === m.to) {
      out.push(`<path d="M${a} ${y - 5}h26v10h-20" fill="none" stroke="${color}"/>`, arrow(a + 4, y + 5, -1, color));
      out.push(`<text x="${a + 34}" y="${y + 4}">${escape(cut(m.text, 30))}</text>`);
      return;
    }
    const dash = m.answer || m.open ? ` stroke-dasharray="4 3"` : "";
    out.push(`<line x1="${a}" y1="${y + 4}" x2="${b}" y2="${y + 4}" stroke="${color}"${dash}/>`, arrow(b, y + 4, b > a ? 1 : -1, color));
    out.push(`<text x="${(a + b) / 2}" y="${y - 1}" text-anchor="middle" fill="${color}">${escape(cut(m.text, 60))}</text>`);
  });
  if (messages.length < sequence.messages.length) {
    out.push(`<text x="8" y="${height - 10}" fill="#5a6372">${sequence.messages.length - messages.length} more messages are left out.</text>`);
  }
  out.push("</svg>");
  return out.join("\n");
}

function arrow(x: number, y: number, to: 1 | -1, color: string): string {
  return `<path d="M${x} ${y}l${-7 * to} -4v8z" fill="${color}"/>`;
}

function cut(text: string, length: number): string {
  return text.length > length ? text.slice(0, length - 1) + "…" : text;
}

/** Text as XML, without characters that XML does not have. */
function escape(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "�")
    .replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}
