"use strict";
(() => {
  // src/lib/sse.ts
  function eventReader() {
    let rest = [];
    let id = "";
    let event = "message";
    let data = [];
    return (piece) => {
      const found = [];
      const lines = piece.split("\n");
      const open = lines.pop() ?? "";
      for (let line of lines) {
        if (rest.length > 0) {
          line = rest.join("") + line;
          rest = [];
        }
        line = line.endsWith("\r") ? line.slice(0, -1) : line;
        if (line === "") {
          if (data.length > 0) {
            found.push({ id, event, data: data.join("\n") });
          }
          event = "message";
          data = [];
          continue;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
        if (field === "data") {
          data.push(value);
        } else if (field === "event") {
          event = value;
        } else if (field === "id") {
          id = value;
        }
      }
      if (open !== "") {
        rest.push(open);
      }
      return found;
    };
  }

  // src/lib/connection.ts
  var debounce = 250;
  var lastPause = 2e3;
  var Connection = class {
    constructor(base2, onEvent, onState) {
      this.base = base2;
      this.onEvent = onEvent;
      this.onState = onState;
    }
    base;
    onEvent;
    onState;
    topics = [];
    position = "";
    stop;
    timer;
    failures = 0;
    state = "connecting";
    /**
     * Follows these topics from now on; since is the position from which on somebody new needs
     * them, "" = nobody does. What the others get again they have in that version.
     */
    follow(topics, since) {
      const wanted = [...new Set(topics)].sort();
      if (!since && wanted.join("\n") === this.topics.join("\n")) {
        return;
      }
      this.topics = wanted;
      if (since) {
        this.position = since;
      }
      this.again(debounce);
    }
    /** Connects anew, such as when the page is seen again. */
    nudge() {
      if (this.state !== "live" && this.topics.length > 0) {
        this.failures = 0;
        this.again(0);
      }
    }
    close() {
      clearTimeout(this.timer);
      this.stop?.abort();
      this.topics = [];
    }
    again(pause) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.connect(), pause);
    }
    set(s) {
      if (s !== this.state) {
        this.state = s;
        this.onState(s);
      }
    }
    async connect() {
      this.stop?.abort();
      const stop = new AbortController();
      this.stop = stop;
      if (this.topics.length === 0) {
        this.position = "";
        return;
      }
      const q = new URLSearchParams();
      for (const t of this.topics) {
        q.append("topics", t);
      }
      if (this.position) {
        q.set("since", this.position);
      }
      try {
        const response = await fetch(new URL("api/v1/stream?" + q.toString(), this.base), {
          headers: { Accept: "text/event-stream", "X-Perdure": "1" },
          signal: stop.signal,
          credentials: "same-origin",
          cache: "no-store"
        });
        if (!response.ok || !response.body) {
          throw new Error(String(response.status));
        }
        const read = eventReader();
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (; ; ) {
          const { done, value } = await reader.read();
          if (done) {
            break;
          }
          for (const e of read(value)) {
            this.take(e);
          }
        }
      } catch {
      }
      if (stop.signal.aborted) {
        return;
      }
      this.failures++;
      this.set(this.failures > 3 ? "offline" : "reconnecting");
      this.again(Math.min(lastPause, 150 * 2 ** Math.min(this.failures, 5)) * (0.5 + Math.random() / 2));
    }
    take(e) {
      if (e.event === "hello") {
        this.failures = 0;
        this.set("live");
      }
      if (e.id) {
        this.position = e.id;
      }
      let data;
      try {
        data = JSON.parse(e.data);
      } catch {
        return;
      }
      this.onEvent({ topic: data.topic ?? "", kind: e.event, position: e.id, data });
    }
  };

  // src/live.ts
  var tabs = /* @__PURE__ */ new Set();
  var state = "connecting";
  var base = new URL(".", location.href).href;
  var link = new Connection(
    base,
    (e) => {
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
    }
  );
  function refresh(since) {
    link.follow([...tabs].flatMap((t) => t.topics), since);
  }
  globalThis.onconnect = (e) => {
    const port = e.ports[0];
    if (!port) {
      return;
    }
    const tab = { port, topics: [], seen: Date.now() };
    tabs.add(tab);
    port.onmessage = (m) => {
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
  setInterval(() => {
    let gone = false;
    for (const t of tabs) {
      if (Date.now() - t.seen > 9e4) {
        tabs.delete(t);
        gone = true;
      }
    }
    if (gone) {
      refresh("");
    }
  }, 3e4);
})();
