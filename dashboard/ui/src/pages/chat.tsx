import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import type { AgentInfo } from "../api";
import { path as route, readOnly, useQuery } from "../lib/api";
import type { PageProps } from "../app";
import { cost, count, shortened } from "../lib/format";
import { links } from "../lib/router";
import { Share } from "../parts/Share";
import { Visible } from "../parts/Visible";
import { blocksOf, spokenIn, type Block } from "./chat/blocks";
import { Composer } from "./chat/Composer";
import { useChat, type Chat as Session } from "./chat/session";
import { Turn } from "./chat/Turn";
import type { Unsent } from "./chat/unsent";

/** Chat is the page of a session. */
export function Chat({ params }: PageProps) {
  const agent = params.agent ?? "";
  const key = params.key ?? "";
  return <Conversation key={agent + "\n" + key} agent={agent} session={key} />;
}

function Conversation({ agent, session: key }: { agent: string; session: string }) {
  const chat = useChat(agent, key);
  const info = useQuery<AgentInfo>(route`agents/${agent}`);
  const path = route`agents/${agent}/sessions/${key}`;
  const blocks = useMemo(() => blocksOf(chat.messages), [chat.messages]);
  const running = !!chat.live && !chat.live.text.status;
  const s = chat.session;
  const empty = s !== undefined && blocks.length === 0 && chat.unsent.length === 0 && !chat.live;
  return (
    <section class="page chat">
      <header class="page-head chat-head">
        <h1><a href={links.agent(agent)}><Visible text={info.data?.name ?? agent} exact /></a> <span class="dim" title={key}>/ <Visible text={key.length > 24 ? key.slice(0, 8) + "…" : key} exact /></span></h1>
        <p class="dim chat-about">
          {s && <span>{s.turns} {s.turns === 1 ? "turn" : "turns"}</span>}
          {s && <span>{count(s.tokens.total)} tokens</span>}
          {!!s?.cost_usd && <span title="What the models of all its turns have cost">{cost(s.cost_usd * 1e6)}</span>}
          {s?.owner_run && <span>asked by <a href={links.run(s.owner_run)} title={s.owner_run}><Visible text={shortened(s.owner_run)} exact /></a></span>}
          {info.data?.model && <span><Visible text={info.data.model} exact /></span>}
          {s && <a href={links.entity("dafx-" + agent.toLowerCase(), key)}>state</a>}
          {s && <a href={links.runs('session:"' + s.id + '"')}>runs</a>}
          {s && <Share what="session" id={s.id} command={["agent chat", [info.data?.name ?? agent, key]]} json={{ path: path + "/export", file: `${agent}-${key}.json` }} />}
        </p>
      </header>
      {info.error?.status === 404 && <p class="problem" role="alert">{info.error.message}{info.error.hint && ". " + info.error.hint}</p>}
      <Log chat={chat} blocks={blocks} agent={agent} path={path}>
        {empty && <Welcome info={info.data} onPick={chat.send} />}
      </Log>
      {chat.error && <p class="problem" role="status">{chat.error.status === 0 ? "The server does not answer. It goes on as soon as it does." : chat.error.message}</p>}
      <Composer path={path} running={running} off={info.error?.status === 404 ? "there is no such agent" : readOnly ? "this dashboard is read-only" : ""} onSend={chat.send} onStop={chat.stop} />
    </section>
  );
}

interface LogProps {
  chat: Session;
  blocks: Block[];
  agent: string;
  path: string;
  children: ComponentChildren;
}

// Log scrolls with what is written as long as its end is in sight.
function Log({ chat, blocks, agent, path, children }: LogProps) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [away, setAway] = useState(false);
  const { live, unsent } = chat;
  const shown = blocks.filter((b) => b.turn !== live?.turn);
  const stored = blocks.find((b) => b.turn === live?.turn);
  const open = unsent.filter((u) => !u.turn || (u.turn !== live?.turn && !blocks.some((b) => b.turn === u.turn)));
  const own = live && !stored ? unsent.find((u) => u.turn === live.turn) : undefined;

  useLayoutEffect(() => {
    if (atEnd.current && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  });
  useEffect(() => {
    // What grows by itself, such as a card that loads, keeps the end in sight too.
    const inner = box.current?.firstElementChild;
    if (!inner) {
      return;
    }
    const o = new ResizeObserver(() => {
      if (atEnd.current && box.current) {
        box.current.scrollTop = box.current.scrollHeight;
      }
    });
    o.observe(inner);
    return () => o.disconnect();
  }, []);

  function onScroll() {
    const b = box.current;
    if (b) {
      atEnd.current = b.scrollHeight - b.scrollTop - b.clientHeight < 40;
      setAway(!atEnd.current);
    }
  }
  return (
    <div class="chat-log" ref={box} onScroll={onScroll} tabIndex={0} role="region" aria-label="Conversation">
      <div class="chat-inner">
        {chat.session === undefined && !chat.error && <p class="dim">…</p>}
        {chat.first > 0 && <button type="button" class="quiet more" onClick={chat.earlier}>Show earlier messages</button>}
        {children}
        {shown.map((b) => <Turn key={b.turn} agent={agent} path={path} block={b} account={chat.turns.get(b.turn)} partial={chat.partials.get(b.turn)} />)}
        {live && <Turn key={live.turn} agent={agent} path={path} block={liveBlock(live, stored, own)} account={chat.turns.get(live.turn)} live={live} />}
        {open.map((u) => <Sending key={u.key} message={u} chat={chat} />)}
      </div>
      {away && (
        <button type="button" class="chat-down" onClick={() => { atEnd.current = true; setAway(false); if (box.current) { box.current.scrollTop = box.current.scrollHeight; } }}>↓ To the end</button>
      )}
    </div>
  );
}

// liveBlock is the turn that runs: what was asked from the conversation, the rest from
// the stream.
function liveBlock(live: NonNullable<Session["live"]>, stored: Block | undefined, own: Unsent | undefined): Block {
  const said = spokenIn(stored);
  const asked: Block["parts"] = said.length > 0 || !own ? said : [{ kind: "user", offset: -1, role: "user", text: own.text, others: [] }];
  return { turn: live.turn, parts: [...asked.slice(0, 1), ...live.text.parts, ...asked.slice(1)] };
}

function Sending({ message: u, chat }: { message: Unsent; chat: Session }) {
  return (
    <div class="msg msg-user sending">
      <div class="bubble" dir="auto"><Visible text={u.text.slice(0, 4000)} /></div>
      <p class="turn-foot">
        {u.error ? (
          <>
            <span class="field-error" role="alert">not sent: {u.error}</span>
            <button type="button" class="link" onClick={() => chat.again(u.key)}>Send again</button>
            <button type="button" class="link" onClick={() => chat.drop(u.key)}>Drop</button>
          </>
        ) : <span>{u.turn ? "✓ queued" : u.waits ? "the server does not answer; sent again by itself" : "sending"}</span>}
      </p>
    </div>
  );
}

function Welcome({ info, onPick }: { info: AgentInfo | undefined; onPick: (text: string) => void }) {
  if (!info) {
    return null;
  }
  const tools = info.tools.slice(0, 2).map((t) => "What can you do with " + t.Name + "?");
  return (
    <section class="empty welcome">
      <h2><Visible text={info.name} exact /></h2>
      {info.description && <p><Visible text={info.description} /></p>}
      <p class="dim">The conversation is durable: a reload, a crash or a second browser lose nothing.</p>
      <div class="suggestions">
        {["Hello! What can you do?", "Show me an example of what you do best.", ...tools].map((t) => (
          <button key={t} type="button" onClick={() => onPick(t)}>{t}</button>
        ))}
      </div>
    </section>
  );
}
