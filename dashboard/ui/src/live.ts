// The shared worker: one connection to the server for all tabs of the browser.
import { Connection, type LinkState, type LiveEvent } from "./lib/connection";

interface Tab {
  port: MessagePort;
  topics: string[];
  seen: number;
}

const tabs = new Set<Tab>();
let state: LinkState = "connecting";

const base = new URL(".", location.href).href;
const link = new Connection(
  base,
  (e: LiveEvent) => {
    for (const t of tabs) {
      if (e.topic === "" || t.topics.includes(e.topic)) {
        t.port.postMessage({ event: e });
      }
    }
  },
  (s) => {
    state = s;
    for (const t of tabs) {
      t.port.postMessage({ state });
    }
  },
);

function refresh(since: string): void {
  link.follow([...tabs].flatMap((t) => t.topics), since);
}

(globalThis as unknown as { onconnect: (e: MessageEvent) => void }).onconnect = (e) => {
  const port = e.ports[0];
  if (!port) {
    return;
  }
  const tab: Tab = { port, topics: [], seen: Date.now() };
  tabs.add(tab);
  port.onmessage = (m: MessageEvent<{ topics?: string[]; since?: string; nudge?: boolean; leave?: boolean }>) => {
    tab.seen = Date.now();
    if (m.data.leave) {
      tabs.delete(tab);
      refresh("");
    } else if (m.data.topics) {
      tab.topics = m.data.topics;
      refresh(m.data.since ?? "");
    } else if (m.data.nudge) {
      link.nudge();
    }
  };
  port.postMessage({ state });
};

// A tab that is gone without a word says nothing any more.
setInterval(() => {
  let gone = false;
  for (const t of tabs) {
    if (Date.now() - t.seen > 90_000) {
      tabs.delete(t);
      gone = true;
    }
  }
  if (gone) {
    refresh("");
  }
}, 30_000);
