// One connection to the API's stream for any number of topics. It is used by the shared
// worker, for all tabs, and by a page where there is none.
import { heldParam } from "./marks";
import { eventReader, type ServerEvent } from "./sse";

export type LinkState = "connecting" | "live" | "reconnecting" | "offline";

export interface LiveEvent {
  topic: string;
  kind: string; // of the event: runs, run, counts ..., hello or reset
  position: string;
  data: unknown;
}

/** How long a change of topics waits for others. */
const debounce = 250;
/** How many rows that are held are known. */
const heldMost = 4000;
/** The longest pause between two attempts. */
const lastPause = 2000;

export class Connection {
  private topics: string[] = [];
  private position = "";
  private readonly held = new Set<string>(); // rows of lists, the newest last
  private due = false; // a connection from position is to be made: the one before moves it no more
  private stop: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private state: LinkState = "connecting";

  constructor(
    private readonly base: string,
    private readonly onEvent: (e: LiveEvent) => void,
    private readonly onState: (s: LinkState) => void,
  ) {}

  /**
   * Follows these topics from now on; since is the position from which on somebody new needs
   * them, "" = nobody does. What the others get again they have in that version. held are
   * the ids of the rows that lists hold, whose changes are told however much happens.
   */
  follow(topics: string[], since: string, held: string[]): void {
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

  private hold(ids: string[]): void {
    for (const id of ids) {
      this.held.delete(id); // it goes to the end
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
  nudge(): void {
    if (this.state !== "live" && this.topics.length > 0) {
      this.failures = 0;
      this.again(0);
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.stop?.abort();
    this.topics = [];
  }

  private again(pause: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.connect(), pause);
  }

  private set(s: LinkState): void {
    if (s !== this.state) {
      this.state = s;
      this.onState(s);
    }
  }

  private async connect(): Promise<void> {
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
    const blind = this.position === ""; // what was read before the stream has begun may be older than it
    if (this.position) {
      q.set("since", this.position);
    }
    try {
      const response = await fetch(new URL("api/v1/stream?" + q.toString(), this.base), {
        headers: { Accept: "text/event-stream", "X-Perdure": "1" },
        signal: stop.signal,
        credentials: "same-origin",
        cache: "no-store",
      });
      if (!response.ok || !response.body) {
        throw new Error(String(response.status));
      }
      const read = eventReader();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
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
      // a connection that ends is made again
    }
    if (stop.signal.aborted) {
      return;
    }
    this.failures++;
    this.set(this.failures > 3 ? "offline" : "reconnecting");
    this.again(Math.min(lastPause, 150 * 2 ** Math.min(this.failures, 5)) * (0.5 + Math.random() / 2));
  }

  private take(e: ServerEvent): void {
    if (e.event === "hello") {
      this.failures = 0;
      this.set("live");
    }
    if (e.id && !this.due) {
      this.position = e.id;
    }
    let data: { topic?: string; upsert?: { id: string }[] };
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
}
