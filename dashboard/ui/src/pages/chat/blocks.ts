// A conversation as blocks, one for each turn, from its stored messages or from the
// stream of a turn that runs. Pure.

import type { Content, LogMessage, Message } from "../../api";
import type { Called, Part } from "../../lib/turnframes";

/** Spoken is a message of a person, or of whoever called the agent. */
export interface Spoken {
  kind: "user";
  offset: number;
  role: string;
  author?: string;
  at?: string;
  text: string;
  others: Content[];
}

/** Other is content that is no text: an image, a file, an error, what we do not know. */
export interface Other {
  kind: "other";
  offset: number;
  content: Content;
}

/** By says that another agent speaks from here on. */
export interface By {
  kind: "by";
  offset: number;
  author: string;
}

export type BlockPart = Part | Spoken | Other | By;

/** Block is a turn as the conversation shows it. */
export interface Block {
  turn: string;
  parts: BlockPart[];
}

/** blocksOf parts a conversation into its turns. */
export function blocksOf(messages: LogMessage[]): Block[] {
  const blocks: Block[] = [];
  let author = "";
  for (const m of messages) {
    let block = blocks[blocks.length - 1];
    if (!block || block.turn !== m.turn) {
      block = { turn: m.turn, parts: [] };
      blocks.push(block);
      author = "";
    }
    if (!m.message) {
      continue;
    }
    if (m.message.Role === "assistant" && (m.message.AuthorName ?? "") !== author) {
      author = m.message.AuthorName ?? "";
      block.parts.push({ kind: "by", offset: m.position, author });
    }
    addMessage(block.parts, m.message, m.position);
  }
  return blocks;
}

/** spokenIn returns only what people said. */
export function spokenIn(block: Block | undefined): Spoken[] {
  return (block?.parts ?? []).filter((p): p is Spoken => p.kind === "user");
}

function addMessage(parts: BlockPart[], m: Message, offset: number): void {
  if (m.Role === "user" || m.Role === "system") {
    // Results of the caller's own tools come in messages of the caller.
    const others = m.Contents.filter((c) => c.Type !== "text" && c.Type !== "functionResult");
    const text = m.Contents.map((c) => (c.Type === "text" ? c.Text : "")).join("");
    if (text !== "" || others.length > 0) {
      parts.push({ kind: "user", offset, role: m.Role, author: m.AuthorName, at: m.CreatedAt, text, others });
    }
  }
  for (const c of m.Contents) {
    switch (c.Type) {
      case "text":
      case "reasoning": {
        if (m.Role === "user" || m.Role === "system" || c.Text === "") {
          break;
        }
        const last = parts[parts.length - 1];
        if (last && last.kind === c.Type && last.step === offset) {
          parts[parts.length - 1] = { ...last, text: last.text + c.Text };
        } else {
          parts.push({ kind: c.Type, step: offset, offset, text: c.Text });
        }
        break;
      }
      case "functionCall":
      case "mcpServerToolCall":
        parts.push({ kind: "call", step: offset, offset, callId: c.CallID, tool: c.Name, args: c.Arguments });
        break;
      case "functionResult":
        settle(parts, c.CallID, c.Result, c.Error);
        break;
      case "usage":
        break;
      default:
        if (m.Role !== "user" && m.Role !== "system") {
          parts.push({ kind: "other", offset, content: c });
        }
    }
  }
}

// settle gives the newest open call with an id its result.
function settle(parts: BlockPart[], callId: string, result: unknown, error: string | undefined): void {
  for (let i = parts.length - 1; i >= 0; i--) {
    const p = parts[i];
    if (p?.kind === "call" && p.callId === callId && !p.ended) {
      parts[i] = { ...p, ended: true, result, error };
      return;
    }
  }
}

/** callsOf returns the calls of tools of a block. */
export function callsOf(block: Block): Called[] {
  return block.parts.filter((p): p is Called => p.kind === "call");
}

/** turnKey is the part of a turn's id that tells it from others of its session. */
export function turnKey(turn: string): string {
  return turn.slice(turn.lastIndexOf("~") + 1);
}
