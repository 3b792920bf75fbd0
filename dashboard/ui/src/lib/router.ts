// Addresses: the path below <base>, and the query. Pages, filters, tabs and selections
// live there, so that a copied address shows the same.
import { computed, signal } from "@preact/signals";

const base = () => new URL(document.baseURI).pathname;

function current(): URL {
  return new URL(location.href);
}

/** The address that is shown. */
export const address = signal<URL>(typeof location === "undefined" ? new URL("file:///") : current());

/** The path of an address below <base>, without a slash at its ends. */
export const below = (url: URL): string => url.pathname.slice(base().length).replace(/\/+$/, "");

/** The path that is shown. */
export const route = computed(() => below(address.value));

/** Goes to a path below <base>. */
export function go(to: string, replace = false): void {
  const url = new URL(to, document.baseURI);
  if (url.href === address.value.href) {
    return;
  }
  const from = replace ? cameFrom()?.href : address.value.href;
  history[replace ? "replaceState" : "pushState"]({ scroll: 0, from }, "", url);
  address.value = url;
}

/** The address from which this one was come to; undefined if it is the first. */
export function cameFrom(): URL | undefined {
  const from: unknown = history.state?.from;
  return typeof from === "string" ? new URL(from) : undefined;
}

/** Changes parameters of the query; undefined or "" removes one. */
export function setParams(change: Record<string, string | undefined>, replace = true): void {
  const url = new URL(address.value.href);
  for (const [k, v] of Object.entries(change)) {
    if (v) {
      url.searchParams.set(k, v);
    } else {
      url.searchParams.delete(k);
    }
  }
  go(url.href, replace);
}

export const param = (name: string): string => address.value.searchParams.get(name) ?? "";

/** Handles links of the page and the browser's buttons. It is called once. */
export function startRouter(): void {
  addEventListener("popstate", () => (address.value = current()));
  document.addEventListener("click", (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) {
      return;
    }
    const a = (e.target as Element).closest?.("a");
    if (!a || a.target || a.hasAttribute("download") || a.origin !== location.origin) {
      return;
    }
    const at = new URL(a.href).pathname;
    if (!at.startsWith(base()) || at.startsWith(base() + "api/")) {
      return;
    }
    e.preventDefault();
    go(a.href);
  });
}

/** Matches a path such as "runs/:id" and returns its parameters, unescaped. */
export function match(pattern: string, at: string): Record<string, string> | undefined {
  const want = pattern.split("/");
  const have = at.split("/");
  if (want.length !== have.length) {
    return undefined;
  }
  const params: Record<string, string> = {};
  for (const [i, w] of want.entries()) {
    const h = have[i] ?? "";
    if (w.startsWith(":")) {
      try {
        params[w.slice(1)] = decodeURIComponent(h);
      } catch {
        return undefined;
      }
    } else if (w !== h) {
      return undefined;
    }
  }
  return params;
}

const enc = encodeURIComponent;
/** Links to pages, below <base>. */
export const links = {
  run: (id: string, tab = "") => `runs/${enc(id)}` + (tab && `?tab=${tab}`),
  runs: (filter = "") => "runs" + (filter && `?filter=${enc(filter)}`),
  agent: (name: string) => `agents/${enc(name)}`,
  session: (name: string, key: string) => `agents/${enc(name)}/s/${enc(key)}`,
  entity: (name: string, key: string) => `entities/${enc(name)}/${enc(key)}`,
};
