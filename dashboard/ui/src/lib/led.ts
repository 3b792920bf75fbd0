// Tabs of a browser without shared workers: the one that holds a lock leads. It has the
// connection, and all speak with it over a channel.
import { Exchange, type FromTab, type ToTab } from "./exchange";

interface Said {
  /** Of a tab, to the leader. */
  from?: string;
  said?: FromTab;
  /** Of the leader, to a tab; "" = to all, that it leads now. */
  to?: string;
  told?: ToTab;
}

/**
 * Joins the tabs: returns how to speak to the leader, undefined if the browser has no locks
 * or channels. again is called when another tab leads, which knows nothing of this one.
 */
export function led(name: string, base: string, hear: (m: ToTab) => void, again: () => void): ((m: FromTab) => void) | undefined {
  if (!navigator.locks || typeof BroadcastChannel === "undefined") {
    return undefined;
  }
  const id = crypto.randomUUID();
  const channel = new BroadcastChannel(name);
  channel.onmessage = (m: MessageEvent<Said>) => {
    if (m.data.to === id && m.data.told) {
      hear(m.data.told);
    } else if (m.data.to === "") {
      again();
    }
  };
  void navigator.locks.request(name, () => {
    const exchange = new Exchange<string>(base);
    const desk = new BroadcastChannel(name); // another one, so that this tab hears it as well
    desk.onmessage = (m: MessageEvent<Said>) => {
      const { from, said } = m.data;
      if (from !== undefined && said) {
        exchange.take(from, said, (told) => desk.postMessage({ to: from, told } satisfies Said));
      }
    };
    desk.postMessage({ to: "" } satisfies Said);
    return new Promise<never>(() => undefined); // it leads until it is closed
  });
  return (said) => channel.postMessage({ from: id, said } satisfies Said);
}
