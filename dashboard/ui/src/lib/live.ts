// Live topics for components: what the stream tells, once per animation frame.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Connection, type LinkState, type LiveEvent } from "./connection";

/** How the connection is; shown by the shell. */
export const linkState = signal<LinkState>("connecting");
/** Whether the person has paused what changes on its own. */
export const paused = signal(false);

interface Follower {
  topic: string;
  take: (events: LiveEvent[]) => void;
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
  follow: (topics: string[], since: string) => void;
  nudge: () => void;
}

let link: Link | undefined;

function open(): Link {
  if (link) {
    return link;
  }
  link = shared() ?? new Connection(document.baseURI, receive, (s) => (linkState.value = s));
  const made = link;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      made.nudge();
    }
  });
  addEventListener("online", () => made.nudge());
  return link;
}

/** The link over the shared worker, if the browser has such. */
function shared(): Link | undefined {
  if (typeof SharedWorker === "undefined") {
    return undefined;
  }
  try {
    const worker = new SharedWorker(new URL("live.js", document.baseURI), { name: "perdure " + document.baseURI });
    const { port } = worker;
    port.onmessage = (m: MessageEvent<{ event?: LiveEvent; state?: LinkState }>) => {
      if (m.data.event) {
        receive(m.data.event);
      }
      if (m.data.state) {
        linkState.value = m.data.state;
      }
    };
    port.start();
    addEventListener("pagehide", () => port.postMessage({ leave: true }));
    setInterval(() => port.postMessage({}), 30_000);
    return {
      follow: (topics, since) => port.postMessage({ topics, since }),
      nudge: () => port.postMessage({ nudge: true }),
    };
  } catch {
    return undefined;
  }
}

function refresh(since: string): void {
  open().follow([...new Set([...followers].map((f) => f.topic))], since);
}

/**
 * Follows a topic while the component is shown. take is given what has come since the last
 * frame, in order, with kind "reset" when all must be read anew. since is the position of
 * what is shown already (as_of), from which on nothing is missed: who shows a list waits
 * for it with following. No topic = nothing.
 */
export function useTopic(topic: string | undefined, since: string | undefined, take: (events: LiveEvent[]) => void): void {
  const newest = useRef(take);
  newest.current = take;
  useEffect(() => {
    if (!topic) {
      return undefined;
    }
    const f: Follower = { topic, take: (events) => newest.current(events) };
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
