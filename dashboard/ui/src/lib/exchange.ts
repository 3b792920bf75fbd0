// The exchange between the tabs of a browser and the one connection that they share. It
// runs in the shared worker or, where there is none, in the tab that leads.
import { Connection, type LinkState, type LiveEvent } from "./connection";

/** What a tab says: what it wants to follow, that somebody looks again, that it leaves. */
export interface FromTab {
  topics?: string[];
  since?: string;
  /** Ids of the rows that it holds. */
  held?: string[];
  nudge?: boolean;
  leave?: boolean;
}

/** What a tab is told. */
export interface ToTab {
  event?: LiveEvent;
  state?: LinkState;
}

interface Tab {
  tell: (m: ToTab) => void;
  topics: string[];
  seen: number;
}

export class Exchange<Key> {
  private readonly tabs = new Map<Key, Tab>();
  private readonly link: Connection;
  private state: LinkState = "connecting";

  constructor(base: string) {
    this.link = new Connection(
      base,
      (event) => {
        for (const t of this.tabs.values()) {
          if (event.topic === "" || t.topics.includes(event.topic)) {
            t.tell({ event });
          }
        }
      },
      (state) => {
        this.state = state;
        for (const t of this.tabs.values()) {
          t.tell({ state });
        }
      },
    );
    // A tab that is gone without a word says nothing any more.
    setInterval(() => {
      const before = this.tabs.size;
      for (const [key, t] of this.tabs) {
        if (Date.now() - t.seen > 90_000) {
          this.tabs.delete(key);
        }
      }
      if (this.tabs.size < before) {
        this.refresh("", []);
      }
    }, 30_000);
  }

  /** Takes what a tab says. The first time, tell is kept to answer with. */
  take(key: Key, m: FromTab, tell: (m: ToTab) => void): void {
    let tab = this.tabs.get(key);
    if (!tab && !m.leave) {
      tab = { tell, topics: [], seen: 0 };
      this.tabs.set(key, tab);
      tell({ state: this.state });
    }
    if (m.leave) {
      this.tabs.delete(key);
      this.refresh("", []);
      return;
    }
    if (tab) {
      tab.seen = Date.now();
    }
    if (tab && m.topics) {
      tab.topics = m.topics;
      this.refresh(m.since ?? "", m.held ?? []);
    } else if (m.nudge) {
      this.link.nudge();
    }
  }

  private refresh(since: string, held: string[]): void {
    this.link.follow([...this.tabs.values()].flatMap((t) => t.topics), since, held);
  }
}
