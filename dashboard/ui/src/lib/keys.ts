// Keys: single letters, and g followed by one. They do nothing while somebody types.
import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { read, write } from "./theme";

/** Whether single letters are keys. */
export const lettersOn = signal(read("perdure.keys") !== "0");

export function chooseLetters(on: boolean): void {
  lettersOn.value = on;
  write("perdure.keys", on ? null : "0");
}

type Handlers = Record<string, (e: KeyboardEvent) => void>;
const layers: Handlers[] = [];
let pending = "";
let timer: ReturnType<typeof setTimeout> | undefined;

function typing(e: KeyboardEvent): boolean {
  const t = e.target as HTMLElement;
  return t.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(t.tagName);
}

function handle(e: KeyboardEvent): void {
  if (e.defaultPrevented || e.isComposing) {
    return;
  }
  if (document.querySelector("dialog[open]")) {
    return; // it has the keys to itself, Escape too
  }
  let name = e.key;
  if (e.metaKey || e.ctrlKey) {
    name = "Mod-" + name.toLowerCase();
  } else if (e.altKey) {
    return;
  } else if (name !== "Escape") {
    if (typing(e) || (name.length === 1 && !lettersOn.value)) {
      return;
    }
    if (pending) {
      name = pending + " " + name;
      pending = "";
    }
  }
  if (name === "Escape" && typing(e)) {
    (e.target as HTMLElement).blur(); // from a field one comes back to the keys of the page
    return;
  }
  for (const layer of [...layers].reverse()) {
    const f = layer[name];
    if (f) {
      if (e.key.length === 1) {
        e.preventDefault(); // else it is typed into what now has the focus
      }
      f(e);
      return;
    }
  }
  if (name === "g") {
    pending = "g";
    clearTimeout(timer);
    timer = setTimeout(() => (pending = ""), 1200);
  }
}

/**
 * Has keys handled while the component is shown, from the moment on at which it is there;
 * the newest component comes first.
 */
export function useKeys(handlers: Handlers): void {
  useLayoutEffect(() => {
    if (layers.length === 0) {
      document.addEventListener("keydown", handle);
    }
    layers.push(handlers);
    return () => {
      layers.splice(layers.indexOf(handlers), 1);
      if (layers.length === 0) {
        document.removeEventListener("keydown", handle);
      }
    };
  });
}
