// Messages that were sent and do not stand in the conversation yet. They are kept over
// a reload of the page, with the keys under which the server takes them once.

export interface Unsent {
  key: string;
  text: string;
  /** The turn that answers it, once the server has taken it. */
  turn?: string;
  /** Why the server refuses it. */
  error?: string;
  /** The server does not answer; it is sent again. */
  waits?: boolean;
}

export function loadUnsent(path: string): Unsent[] {
  try {
    return JSON.parse(sessionStorage.getItem("unsent:" + path) ?? "[]") as Unsent[];
  } catch {
    return [];
  }
}

/** storeUnsent keeps a list and returns it. */
export function storeUnsent(path: string, list: Unsent[]): Unsent[] {
  try {
    if (list.length === 0) {
      sessionStorage.removeItem("unsent:" + path);
    } else {
      sessionStorage.setItem("unsent:" + path, JSON.stringify(list));
    }
  } catch {
    // A browser without room keeps it until the page is left.
  }
  return list;
}
