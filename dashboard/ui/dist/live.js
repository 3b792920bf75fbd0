"use strict";
(() => {
  // src/lib/marks.ts
  var most = 1e3;
  function markOf(id) {
    let sum = 2166136261;
    for (const byte of new TextEncoder().encode(id)) {
      sum = Math.imul(sum ^ byte, 16777619);
    }
    return sum >>> 24 ^ sum & 16777215;
  }
  function heldParam(ids) {
    const bytes = [...ids].slice(-most).flatMap((id) => {
      const m = markOf(id);
      return [m >> 16, m >> 8 & 255, m & 255];
    });
    return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

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
  var heldMost = 4e3;
  var lastPause = 2e3;
  var Connection = class {
    constructor(base, onEvent, onState) {
      this.base = base;
      this.onEvent = onEvent;
      this.onState = onState;
    }
    base;
    onEvent;
    onState;
    topics = [];
    position = "";
    held = /* @__PURE__ */ new Set();
    // rows of lists, the newest last
    due = false;
    // a connection from position is to be made: the one before moves it no more
    stop;
    timer;
    failures = 0;
    state = "connecting";
    /**
     * Follows these topics from now on; since is the position from which on somebody new needs
     * them, "" = nobody does. What the others get again they have in that version. held are
     * the ids of the rows that lists hold, whose changes are told however much happens.
     */
    follow(topics, since, held) {
      this.hold(held);
      const wanted = [...new Set(topics)].sort();
      if (!since && wanted.join("\n") === this.topics.join("\n")) {
        return;
      }
      this.topics = wanted;
      if (since) {
        this.position = since;
        this.due = true;
      }
      this.again(debounce);
    }
    hold(ids) {
      for (const id of ids) {
        this.held.delete(id);
        this.held.add(id);
      }
      for (const id of this.held) {
        if (this.held.size <= heldMost) {
          break;
        }
        this.held.delete(id);
      }
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
      this.due = false;
      if (this.topics.length === 0) {
        this.position = "";
        return;
      }
      const q = new URLSearchParams();
      for (const t of this.topics) {
        q.append("topics", t);
      }
      if (this.topics.some((t) => t.startsWith("list:"))) {
        q.set("held", heldParam(this.held));
      }
      const blind = this.position === "";
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
          for (const e of stop.signal.aborted ? [] : read(value)) {
            this.take(e);
            if (blind && e.event === "hello") {
              this.onEvent({ topic: "", kind: "reset", position: e.id, data: {} });
            }
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
      if (e.id && !this.due) {
        this.position = e.id;
      }
      let data;
      try {
        data = JSON.parse(e.data);
      } catch {
        return;
      }
      if (e.event === "list") {
        this.hold((data.upsert ?? []).map((r) => r.id));
      }
      this.onEvent({ topic: data.topic ?? "", kind: e.event, position: e.id, data });
    }
  };

  // src/lib/exchange.ts
  var Exchange = class {
    tabs = /* @__PURE__ */ new Map();
    link;
    state = "connecting";
    constructor(base) {
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
        }
      );
      setInterval(() => {
        const before = this.tabs.size;
        for (const [key, t] of this.tabs) {
          if (Date.now() - t.seen > 9e4) {
            this.tabs.delete(key);
          }
        }
        if (this.tabs.size < before) {
          this.refresh("", []);
        }
      }, 3e4);
    }
    /** Takes what a tab says. The first time, tell is kept to answer with. */
    take(key, m, tell) {
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
    refresh(since, held) {
      this.link.follow([...this.tabs.values()].flatMap((t) => t.topics), since, held);
    }
  };

  // src/live.ts
  var exchange = new Exchange(new URL(".", location.href).href);
  globalThis.onconnect = (e) => {
    const port = e.ports[0];
    if (!port) {
      return;
    }
    const tell = (m) => port.postMessage(m);
    port.onmessage = (m) => exchange.take(port, m.data, tell);
    exchange.take(port, {}, tell);
  };
})();
