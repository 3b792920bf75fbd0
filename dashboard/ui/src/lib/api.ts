// Calls of the API. Every address is relative to <base>.
import { useCallback, useEffect, useState } from "preact/hooks";
import type { Problem } from "../api";

/** Whether the server takes no changes. */
export const readOnly = typeof document !== "undefined" && document.documentElement.dataset["mode"] === "readonly";

/** ProblemError is a refusal of the API, or that it cannot be reached (status 0). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem> & Record<string, unknown>,
  ) {
    super(problem.detail ?? problem.title ?? "the request failed");
  }
  get code(): string {
    return this.problem.code ?? "";
  }
  get hint(): string {
    return this.problem.hint ?? "";
  }
}

/** What follows api/v1/: segments are escaped. path`runs/${id}/history` */
export function path(strings: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: strings }, ...values.map(encodeURIComponent));
}

/** Parameters of a query; those without value are left out. */
export type Params = Record<string, string | number | boolean | undefined>;

export function query(params: Params): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) {
    if (v !== undefined && v !== "" && v !== false) {
      q.set(k, String(v));
    }
  }
  const text = q.toString();
  return text && "?" + text;
}

export interface CallOptions {
  signal?: AbortSignal;
  body?: unknown;
  /** One key for all attempts of one action; made here if absent. */
  key?: string;
}

/** Calls the API and returns the JSON of the answer. */
export async function call<T>(method: string, where: string, o: CallOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", "X-Perdure": "1" };
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: o.signal ?? null };
  if (method !== "GET") {
    headers["Idempotency-Key"] = o.key ?? crypto.randomUUID();
    if (o.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(o.body);
    }
  }
  let response: Response;
  try {
    response = await fetch("api/v1/" + where, init);
  } catch (e) {
    if (o.signal?.aborted) {
      throw e;
    }
    throw new ProblemError(0, { title: "unreachable", detail: "the server does not answer", hint: "it may be starting; this page tries again by itself" });
  }
  const text = await response.text();
  if (!response.ok) {
    throw new ProblemError(response.status, problemOf(text, response));
  }
  return (text ? JSON.parse(text) : undefined) as T;
}

function problemOf(text: string, response: Response): Partial<Problem> & Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return { title: response.statusText, detail: `${response.status} ${response.statusText}` };
  }
}

export const get = <T>(where: string, signal?: AbortSignal): Promise<T> => call<T>("GET", where, signal ? { signal } : {});
export const post = <T>(where: string, body?: unknown, key?: string): Promise<T> =>
  call<T>("POST", where, { body: body ?? {}, ...(key ? { key } : {}) });
export const remove = <T>(where: string): Promise<T> => call<T>("DELETE", where);

export interface Query<T> {
  data: T | undefined;
  error: ProblemError | undefined;
  loading: boolean;
  refetch: () => void;
  /** Replaces what is shown, for live frames. */
  set: (change: (data: T | undefined) => T | undefined) => void;
}

/**
 * Reads from the API whenever `where` changes, dropping older requests; undefined = not
 * now. What was read stays while the next answer is on its way, unless it failed.
 */
export function useQuery<T>(where: string | undefined): Query<T> {
  const [state, setState] = useState<{ where?: string; data?: T; error?: ProblemError; loading: boolean }>({ loading: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (where === undefined) {
      return undefined;
    }
    const stop = new AbortController();
    setState((s) => ({ ...s, loading: true }));
    get<T>(where, stop.signal).then(
      (data) => setState({ where, data, loading: false }),
      (e: unknown) => {
        if (!stop.signal.aborted) {
          const error = e instanceof ProblemError ? e : new ProblemError(0, { detail: String(e) });
          setState((s) => ({ ...(s.where === where && s.data !== undefined ? { where, data: s.data } : {}), error, loading: false }));
        }
      },
    );
    return () => stop.abort();
  }, [where, round]);
  const refetch = useCallback(() => setRound((n) => n + 1), []);
  const set = useCallback((change: (data: T | undefined) => T | undefined) => {
    setState((s) => {
      const data = change(s.data);
      return data === s.data ? s : { ...s, ...(data === undefined ? {} : { data }) };
    });
  }, []);
  return { data: state.data, error: state.error, loading: state.loading, refetch, set };
}
