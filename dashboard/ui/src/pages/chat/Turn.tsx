import { Component } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { Content, Decision, DecisionItems, TurnAccount, TurnStep, TurnStepItems } from "../../api";
import { get, path as route, query } from "../../lib/api";
import { count, duration } from "../../lib/format";
import { links } from "../../lib/router";
import { Markdown } from "../../lib/markdown";
import { applyFrames, emptyTurn, type TurnText } from "../../lib/turnframes";
import { followTurn, type Attachment } from "../../lib/turnstream";
import { Payload } from "../../parts/Payload";
import { Time } from "../../parts/Time";
import { Visible } from "../../parts/Visible";
import { callsOf, turnKey, type Block, type BlockPart } from "./blocks";
import { openTurn } from "./session";
import { Tool, Waiting } from "./Tool";

interface Props {
  agent: string;
  path: string;
  block: Block;
  account?: TurnAccount;
  /** Of the turn that runs. */
  live?: { text: TurnText; state: Attachment };
  /** What it had said when it was stopped or failed, if that was seen. */
  partial?: TurnText;
}

/** Turn shows a turn: what was asked, what was done, what was answered, what it took. */
export function Turn({ agent, path, block: stored, account, live, partial }: Props) {
  const block = usePartial(path, stored, live ? undefined : account, partial);
  const extra = useSteps(path, block, !live);
  const last = block.parts[block.parts.length - 1];
  return (
    <article class="turn" aria-label={"turn " + turnKey(block.turn)} data-turn={turnKey(block.turn)}>
      {block.parts.map((p, i) => (
        <Part key={i} part={p} agent={agent} running={!!live} writing={!!live && p === last && !live.text.status} extra={extra} />
      ))}
      {live && !live.text.status && (!last || last.kind !== "text") && !isWaiting(last) && <p class="thinking" role="status"><span class="dots" aria-hidden="true" /> {live.state === "live" ? "thinking" : live.state === "attaching" ? "attaching" : "reconnecting"}</p>}
      {account?.error && !live && account.status !== "canceled" && <p class="turn-error"><strong>Failed:</strong> <Visible text={account.error.slice(0, 2000)} exact /></p>}
      <Foot account={account} live={live} turn={block.turn} waits={block.parts.some(isWaiting)} />
    </article>
  );
}

function isWaiting(p: BlockPart | undefined): boolean {
  return p?.kind === "decision" ? !p.decided : p?.kind === "call" && !!p.decision && !p.decided && !p.ended;
}

function Foot({ account, live, turn, waits }: { account?: TurnAccount; live?: Props["live"]; turn: string; waits: boolean }) {
  const run = links.run(turn);
  if (live && !live.text.status) {
    return (
      <p class="turn-foot">
        <span>{live.state === "lost" ? "○ connection lost, attaching again" : waits ? "◆ waits for a person, at no cost" : "● running"}</span>
        {live.text.step > 1 && <span>step {live.text.step}</span>}
        {live.text.attempt > 1 && <span>attempt {live.text.attempt}</span>}
        <a href={run}>run</a>
      </p>
    );
  }
  if (!account?.ended) {
    return <p class="turn-foot"><span>✓ saving</span></p>;
  }
  return (
    <p class="turn-foot">
      <span class={"committed" + (account.status === "completed" ? "" : " broken")} title={"committed " + account.ended}>{account.status === "completed" ? "✓ committed" : account.status === "canceled" ? "■ stopped" : "✕ " + account.status}</span>
      <Time at={account.ended} />
      {account.duration_ms !== undefined && <span>{duration(account.duration_ms)}</span>}
      {account.tokens.total > 0 && <span title={`${account.tokens.in} tokens read, ${account.tokens.out} written, ${account.tokens.cached ?? 0} of those read from a cache`}>{count(account.tokens.in)} → {count(account.tokens.out)} tokens</span>}
      {account.cost_usd > 0 && <span>${account.cost_usd.toFixed(account.cost_usd < 0.01 ? 5 : 3)}</span>}
      {account.steps > 1 && <span>{account.steps} model steps</span>}
      {account.model && <span>{account.model}</span>}
      <a href={run}>run</a>
    </p>
  );
}

interface PartProps {
  part: BlockPart;
  agent: string;
  running: boolean;
  writing: boolean;
  extra: Extra | null;
}

// Parts that have not changed are not drawn again while others stream.
class Part extends Component<PartProps> {
  override shouldComponentUpdate(next: PartProps): boolean {
    const now = this.props;
    return now.part !== next.part || now.running !== next.running || now.writing !== next.writing || now.extra !== next.extra;
  }

  override render() {
    return shown(this.props);
  }
}

function shown({ part: p, agent, running, writing, extra }: PartProps) {
  switch (p.kind) {
    case "user":
      return (
        <div class={"msg msg-" + p.role}>
          {p.author && <span class="msg-by"><Visible text={p.author} exact /></span>}
          {p.text && <div class="bubble" dir="auto"><Markdown text={p.text} /></div>}
          {p.others.map((c, i) => <Other key={i} content={c} />)}
        </div>
      );
    case "by":
      return p.author && p.author.toLowerCase() !== agent.toLowerCase() ? <p class="msg-by"><Visible text={p.author} exact /></p> : null;
    case "text":
      return <div class={"msg msg-assistant" + (writing ? " writing" : "")}><Markdown text={p.text} /></div>;
    case "reasoning":
      return (
        <details class="thought">
          <summary>{writing ? "Reasoning…" : "Reasoning"} <span class="dim">{count(p.text.split(/\s+/).length)} words</span></summary>
          <Markdown text={p.text} />
        </details>
      );
    case "call":
      return <Tool call={p} running={running} step={extra?.steps.get(p.callId)} decision={extra?.decisions.get(p.callId)} />;
    case "agent":
      return <p class="handoff">→ <strong><Visible text={p.agent} exact /></strong> has the conversation{p.run && <>, <a href={links.run(p.run)}>its run</a></>}</p>;
    case "decision":
      return p.decided ? <p class="handoff">decided</p> : <div class="call call-waits"><div class="call-body"><Waiting id={p.decision} /></div></div>;
    case "other":
      return <Other content={p.content} />;
  }
}

/** Images up to this size are shown, characters of the data URI. */
const maxImage = 8_000_000;

function Other({ content: c }: { content: Content }) {
  if (c.Type === "data" && /^data:image\/(png|jpeg|gif|webp);base64,/.test(c.URI) && c.URI.length < maxImage) {
    return <img class="msg-image" src={c.URI} alt={c.Name ?? "image"} />;
  }
  if (c.Type === "error") {
    return <p class="turn-error"><Visible text={c.Message} exact /></p>;
  }
  return (
    <details class="thought">
      <summary>{c.Type}</summary>
      <Payload value={c} label={c.Type} />
    </details>
  );
}

// usePartial adds what a turn had said that was stopped or has failed: the conversation
// does not have it, but its stream, for a day.
function usePartial(path: string, block: Block, account: TurnAccount | undefined, seen: TurnText | undefined): Block {
  const [read, setRead] = useState<TurnText | undefined>(seen);
  const broken = !!account?.ended && account.status !== "completed" && block.parts.every((p) => p.kind === "user");
  useEffect(() => {
    if (!broken || read || account?.folded) {
      return;
    }
    const c = new AbortController();
    let text = emptyTurn();
    followTurn({
      offset: 0,
      signal: c.signal,
      open: (offset, signal) => openTurn(path, block.turn, offset, signal),
      onFrames: (frames) => {
        text = applyFrames(text, frames);
        if (text.status) {
          setRead(text);
        }
      },
    }).catch(() => {}); // it is gone
    return () => c.abort();
  }, [broken, block.turn]);
  return broken && read ? { ...block, parts: [...block.parts, ...read.parts] } : block;
}

interface Extra {
  steps: Map<string, TurnStep>;
  decisions: Map<string, Decision>;
}

// useSteps reads what the journal says of the calls of a turn, if it has any.
function useSteps(path: string, block: Block, ended: boolean): Extra | null {
  const [extra, setExtra] = useState<Extra | null>(null);
  const calls = callsOf(block).length;
  useEffect(() => {
    if (calls === 0 || !ended) {
      return;
    }
    const c = new AbortController();
    Promise.all([
      get<TurnStepItems>(path + route`/turns/${turnKey(block.turn)}/steps`, c.signal),
      get<DecisionItems>("decisions" + query({ run: block.turn }), c.signal),
    ]).then(
      ([steps, decisions]) => setExtra({
        steps: new Map(steps.items.flatMap((s) => (s.call_id ? [[s.call_id, s]] : []))),
        decisions: new Map(decisions.items.flatMap((d) => (d.call_id ? [[d.call_id, d]] : []))),
      }),
      () => {}, // after a day the journal of a turn is folded: the conversation stays
    );
    return () => c.abort();
  }, [block.turn, calls, ended]);
  return extra;
}
