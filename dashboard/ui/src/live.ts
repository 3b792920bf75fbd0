// The shared worker: one connection to the server for all tabs of the browser.
import { Exchange, type FromTab, type ToTab } from "./lib/exchange";

const exchange = new Exchange<MessagePort>(new URL(".", location.href).href);

(globalThis as unknown as { onconnect: (e: MessageEvent) => void }).onconnect = (e) => {
  const port = e.ports[0];
  if (!port) {
    return;
  }
  const tell = (m: ToTab) => port.postMessage(m);
  port.onmessage = (m: MessageEvent<FromTab>) => exchange.take(port, m.data, tell);
  exchange.take(port, {}, tell);
};
