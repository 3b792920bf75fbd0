// Live topics for components: what the stream tells, once per animation frame.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Connection, type LinkState, type LiveEvent } from "./connection";
import type { FromTab, ToTab } from "./exchange";
import { led } from "./led";

/** How the connection is; shown by the shell. */
export const linkState = signal<LinkState>("connecting");
/** Whether the person has paused what changes on its own. */
export const paused = signal(false);

interface Follower {
  topic: string;
  take: (events: LiveEvent[]) => void;
  held: () => string[];
}

const followers = new Set<Follower>();
let queue: LiveEvent[] = [];
let scheduled = false;

function flush(): void {
  scheduled = false;
  if (paused.value) {
    return;
  }
  const events = queue;
  queue = [];
  for (const f of [...followers]) {
    const mine = events.filter((e) => e.topic === f.topic || e.topic === "");
    if (mine.length > 0) {
      f.take(mine);
    }
  }
}

function receive(e: LiveEvent): void {
  position = e.position || position;
  if (e.kind === "hello") {
    return;
  }
  queue.push(e);
  if (queue.length > 5000) {
    queue = [{ topic: "", kind: "reset", position: e.position, data: {} }];
  }
  if (!scheduled && !paused.value) {
    scheduled = true;
    requestAnimationFrame(flush);
  }
}

/** Goes on after a pause with what came meanwhile. */
export function unpause(): void {
  paused.value = false;
  flush();
}

interface Link {
  follow: (topics: string[], since: string, held: string[]) => void;
  nudge: () => void;
}

/** How long a hidden page goes on following. */
const patience = 60_000;

let link: Link | undefined;
/** The newest position of what is shown; "" = not known. */
let position = "";
/** The page was hidden for so long that it follows nothing. */
let detached = false;

function open(): Link {
  if (link) {
    return link;
  }
  link = joined() ?? new Connection(document.baseURI, receive, (s) => (linkState.value = s));
  const made = link;
  let leaving: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (document.visibilityState === "hidden") {
      leaving = setTimeout(() => {
        detached = true;
        made.follow([], "", []);
      }, patience);
      return;
    }
    if (detached) {
      detached = false;
      rejoin();
    }
    made.nudge();
  });
  addEventListener("online", () => made.nudge());
  return link;
}

/** Follows again what is shown, from where it stands. */
function rejoin(): void {
  if (position === "") {
    receive({ topic: "", kind: "reset", position: "", data: {} });
  }
  refresh(position);
}

/** The link that the tabs of the browser share, if it has what that takes. */
function joined(): Link | undefined {
  const name = "perdure " + document.baseURI;
  const hear = (m: ToTab) => {
    if (m.event) {
      receive(m.event);
    }
    if (m.state) {
      linkState.value = m.state;
    }
  };
  const say = shared(name, hear) ?? led(name, document.baseURI, hear, rejoin);
  if (!say) {
    return undefined;
  }
  addEventListener("pagehide", () => say({ leave: true }));
  addEventListener("pageshow", (e) => e.persisted && rejoin());
  setInterval(() => say({}), 30_000);
  return { follow: (topics, since, held) => say({ topics, since, held }), nudge: () => say({ nudge: true }) };
}

/** Speaks with the shared worker. */
function shared(name: string, hear: (m: ToTab) => void): ((m: FromTab) => void) | undefined {
  if (typeof SharedWorker === "undefined") {
    return undefined;
  }
  try {
    const { port } = new SharedWorker(new URL("live.js", document.baseURI), { name });
    port.onmessage = (m: MessageEvent<ToTab>) => hear(m.data);
    port.start();
    return (m) => port.postMessage(m);
  } catch {
    return undefined;
  }
}

/** Has the stream go on from a position: rows that were read there are held from now on. */
export function refresh(since: string): void {
  position = since || position;
  if (!detached) {
    const all = [...followers];
    open().follow([...new Set(all.map((f) => f.topic))], since, all.flatMap((f) => f.held()));
  }
}

/**
 * Follows a topic while the component is shown. take is given what has come since the last
 * frame, in order, with kind "reset" when all must be read anew. since is the position of
 * what is shown already (as_of), from which on nothing is missed: who shows a list waits
 * for it with following. No topic = nothing. held returns the ids of the rows that a list
 * shows, which are told however much happens.
 */
export function useTopic(topic: string | undefined, since: string | undefined, take: (events: LiveEvent[]) => void, held: () => string[] = () => []): void {
  const newest = useRef({ take, held });
  newest.current = { take, held };
  useEffect(() => {
    if (!topic) {
      return undefined;
    }
    const f: Follower = { topic, take: (events) => newest.current.take(events), held: () => newest.current.held() };
    followers.add(f);
    refresh(since ?? "");
    return () => {
      followers.delete(f);
      refresh("");
    };
  }, [topic]);
}

/** A row that the stream may replace. */
export interface Row {
  id: string;
  incarnation: string;
  row_version: number;
}

/** Whether b is newer than a: another incarnation, or a higher version of the same. */
export function newer(a: Row, b: Row): boolean {
  return a.incarnation !== b.incarnation || b.row_version > a.row_version;
}
