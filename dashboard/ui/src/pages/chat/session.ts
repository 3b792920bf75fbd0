// What a chat shows, kept up to date: the stored conversation, the turn that runs, and
// what was sent but is not yet stored.

import { useEffect, useRef, useState } from "preact/hooks";

import type { AgentFrame, EntityPage, LogMessage, Posted, Session, SessionsFrame, Transcript, TurnAccount, TurnAccountItems } from "../../api";
import { call, path as route, ProblemError, query } from "../../lib/api";
import { randomKey } from "../../lib/randomkey";
import { useTopic } from "../../lib/live";
import { applyFrames, emptyTurn, type TurnText } from "../../lib/turnframes";
import { followTurn, type Attachment } from "../../lib/turnstream";
import { turnKey } from "./blocks";
import { loadUnsent, storeUnsent, type Unsent } from "./unsent";

/** How many messages are read at once. */
const pageSize = 200;

export interface Chat {
  /** null = there is none yet; undefined = it is not known yet. */
  session: Session | null | undefined;
  messages: LogMessage[];
  turns: Map<string, TurnAccount>;
  /** The turn that runs. */
  live: { turn: string; text: TurnText; state: Attachment } | null;
  unsent: Unsent[];
  /** What turns had said that have not come to their end, as it was streamed. */
  partials: Map<string, TurnText>;
  /** Position of the first message that was read: earlier ones may be read too. */
  first: number;
  error: ProblemError | null;
  send: (text: string) => void;
  stop: () => Promise<void>;
  again: (key: string) => void;
  drop: (key: string) => void;
  earlier: () => void;
}

/** useChat returns a session of an agent. */
export function useChat(agent: string, key: string): Chat {
  const path = route`agents/${agent}/sessions/${key}`;
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [messages, setMessages] = useState<LogMessage[]>([]);
  const [turns, setTurns] = useState<Map<string, TurnAccount>>(new Map());
  const [live, setLive] = useState<Chat["live"]>(null);
  const [unsent, setUnsent] = useState<Unsent[]>(() => loadUnsent(path));
  const [error, setError] = useState<ProblemError | null>(null);
  const next = useRef(-1); // position of the next message to read; -1 = none was read
  const reading = useRef<Promise<void> | null>(null);
  const ended = useRef(new Set<string>());
  const partials = useRef(new Map<string, TurnText>());
  const page = useRef(new AbortController());
  const messagesNow = useRef<LogMessage[]>([]);
  messagesNow.current = messages;

  // read reads the session and what was said since; only one such reading runs, and one
  // that is asked for meanwhile follows.
  const wanted = useRef(false);
  async function read(): Promise<void> {
    wanted.current = true;
    reading.current ??= (async () => {
      try {
        while (wanted.current && !page.current.signal.aborted) {
          wanted.current = false;
          await readOnce();
        }
      } finally {
        reading.current = null;
      }
    })();
    await reading.current;
  }

  async function readOnce(): Promise<void> {
    const signal = page.current.signal;
    try {
      if (next.current < 0 && !(await exists(agent, key, signal))) {
        setSession(null); // it begins with its first message
        setError(null);
        return;
      }
      const s = await call<Session>("GET", path, { signal });
      if (next.current < 0) {
        next.current = Math.max(0, s.messages - pageSize);
      }
      for (;;) {
        const t = await call<Transcript>("GET", `${path}/messages?from=${next.current}&limit=${pageSize}`, { signal });
        const last = t.items[t.items.length - 1];
        if (last) {
          next.current = last.position + 1;
          setMessages((old) => [...old, ...t.items]);
        }
        if (t.next === undefined) {
          break;
        }
      }
      const accounts = await call<TurnAccountItems>("GET", `${path}/turns?limit=100`, { signal });
      setTurns((old) => new Map([...old, ...accounts.items.map((a): [string, TurnAccount] => [a.turn, a])]));
      setSession(s);
      setError(null);
      // The session may still name a turn whose end was seen.
      if (s.running && !ended.current.has(s.running)) {
        setLive((l) => (l?.turn === s.running ? l : { turn: s.running!, text: emptyTurn(), state: "attaching" }));
      } else if (!s.running) {
        setLive((l) => (l && ended.current.has(l.turn) ? null : l));
      }
      setUnsent((list) => storeUnsent(path, list.filter((u) => !(u.turn && (accounts.items.some((a) => a.turn === u.turn && a.ended) || messagesNow.current.some((m) => m.turn === u.turn))))));
    } catch (err) {
      if (signal.aborted) {
        return;
      }
      const e = err as ProblemError;
      if (e.status === 404) {
        setSession(null);
        setError(null);
      } else {
        setError(e);
        // The server may be back in a moment.
        setTimeout(() => void read(), 1000);
      }
    }
  }

  useEffect(() => {
    page.current = new AbortController();
    void read();
    for (const u of loadUnsent(path)) {
      if (!u.turn) {
        void post(u);
      }
    }
    return () => page.current.abort();
  }, [path]);

  useTopic("sessions:" + agent, undefined, (events) => {
    if (events.some((e) => e.kind === "reset" || (e.data as SessionsFrame).upsert?.some((s) => s.key === key))) {
      void read();
    }
  });

  // Follow the turn that runs.
  const running = live?.turn;
  useEffect(() => {
    if (!running) {
      return;
    }
    const c = new AbortController();
    let text = emptyTurn();
    let waiting: AgentFrame[] = [];
    let drawn = 0;
    const draw = () => {
      drawn = 0;
      text = applyFrames(text, waiting);
      waiting = [];
      const now = text;
      setLive((l) => (l?.turn === running ? { ...l, text: now } : l));
      if (now.status) {
        ended.current.add(running);
        if (now.status !== "completed") {
          partials.current.set(running, now);
        }
        void read().then(() => setLive((l) => (l?.turn === running ? null : l)));
      }
    };
    followTurn({
      offset: 0,
      signal: c.signal,
      open: (offset, signal) => openTurn(path, running, offset, signal),
      onState: (state) => setLive((l) => (l?.turn === running ? { ...l, state } : l)),
      onFrames: (frames) => {
        waiting.push(...frames);
        // A page in the background draws nothing, but goes on all the same.
        drawn ||= document.hidden ? window.setTimeout(draw, 100) : requestAnimationFrame(draw);
      },
    }).catch(() => {
      ended.current.add(running);
      void read().then(() => setLive((l) => (l?.turn === running ? null : l)));
    });
    return () => c.abort();
  }, [running]);

  function change(key: string, by: Partial<Unsent>) {
    setUnsent((list) => storeUnsent(path, list.map((u) => (u.key === key ? { ...u, ...by } : u))));
  }

  // post sends a message until the server has answered: with the same key, so that it
  // is taken once, whatever happens to the connection or the server.
  async function post(u: Unsent): Promise<void> {
    const signal = page.current.signal;
    for (let pause = 250; !signal.aborted; pause = Math.min(2000, pause * 2)) {
      try {
        const p = await call<Posted>("POST", path + "/messages", { body: { message: u.text }, signal, key: u.key });
        change(u.key, { turn: p.turn, error: undefined, waits: undefined });
        if (!ended.current.has(p.turn)) {
          setLive((l) => l ?? { turn: p.turn, text: emptyTurn(), state: "attaching" });
        }
        void read();
        return;
      } catch (err) {
        if (signal.aborted) {
          return;
        }
        const e = err as ProblemError;
        if (e.status !== 0 && e.status < 500 && e.status !== 429) {
          change(u.key, { error: e.message });
          return;
        }
        change(u.key, { waits: true });
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  return {
    session, messages, turns, live, unsent, error, partials: partials.current,
    first: messages[0]?.position ?? 0,
    send(text) {
      const u: Unsent = { key: randomKey(), text };
      setUnsent((list) => storeUnsent(path, [...list, u]));
      void post(u);
    },
    async stop() {
      try {
        await call("POST", path + "/stop", { body: live ? { turn: live.turn } : {} });
      } catch (err) {
        setError(err as ProblemError);
      }
    },
    again(key) {
      const u = unsent.find((x) => x.key === key);
      if (u) {
        change(key, { error: undefined });
        void post(u);
      }
    },
    drop: (key) => setUnsent((list) => storeUnsent(path, list.filter((u) => u.key !== key))),
    earlier() {
      const first = messages[0]?.position ?? 0;
      const from = Math.max(0, first - pageSize);
      void call<Transcript>("GET", `${path}/messages?from=${from}&limit=${first - from}`).then(
        (t) => setMessages((old) => [...t.items.filter((m) => m.position < (old[0]?.position ?? 0)), ...old]),
        (err) => setError(err as ProblemError),
      );
    },
  };
}

// exists looks for a session in the list of entities, as browsers complain of what is
// not found.
async function exists(agent: string, key: string, signal: AbortSignal): Promise<boolean> {
  const where = "entities" + query({ name: "dafx-" + agent.toLowerCase(), key, limit: 1 });
  const found = await call<EntityPage>("GET", where, { signal });
  return found.items.some((e) => e.key === key);
}

/** openTurn opens the stream of a turn of a session from an offset on. */
export function openTurn(path: string, turn: string, offset: number, signal: AbortSignal): Promise<Response> {
  return fetch("api/v1/" + path + route`/turns/${turnKey(turn)}/stream` + "?offset=" + offset, {
    signal, headers: { Accept: "text/event-stream", "X-Perdure": "1" }, credentials: "same-origin", cache: "no-store",
  });
}
