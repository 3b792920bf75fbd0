import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Item {
  label: string;
  /** Why it cannot be chosen; absent = it can. */
  reason?: string | undefined;
  danger?: boolean;
  run: () => void;
}

/** A button with a menu. What cannot be chosen says why. */
export function Menu({ label, items, children }: { label: string; items: Item[]; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = (why: Closed) => {
    setOpen(false);
    if (why !== "away") {
      box.current?.querySelector<HTMLElement>("button")?.focus();
    }
  };
  return (
    <div class="menu" ref={box}>
      <button type="button" aria-haspopup="menu" aria-expanded={open} aria-controls={id} aria-label={label} onClick={() => setOpen(!open)}>
        {children}
      </button>
      {open && <MenuList id={id} label={label} items={items} within={box} onClose={close} />}
    </div>
  );
}

/** Why a menu was closed: something was chosen, a key, or a press elsewhere. */
export type Closed = "chosen" | "key" | "away";

interface ListProps {
  id?: string;
  label: string;
  items: Item[];
  /** A press in there does not close the menu; absent = only in the menu itself. */
  within?: { readonly current: HTMLElement | null };
  /** Where it opens, in the window; absent = below what it is in. */
  at?: { x: number; y: number };
  /** Is called before what was chosen is done, so that the focus may go back first. */
  onClose: (why: Closed) => void;
}

/** The list of a menu that is open. Arrows move, Escape closes. */
export function MenuList({ id, label, items, within, at, onClose }: ListProps) {
  const list = useRef<HTMLDivElement>(null);
  const newest = useRef(onClose);
  newest.current = onClose;
  useEffect(() => {
    const away = (e: MouseEvent) => {
      if (!(within ?? list).current?.contains(e.target as Node)) {
        newest.current("away");
      }
    };
    document.addEventListener("mousedown", away);
    list.current?.querySelector<HTMLElement>("[role=menuitem]:not([aria-disabled=true])")?.focus();
    return () => document.removeEventListener("mousedown", away);
  }, []);
  useLayoutEffect(() => {
    const l = list.current;
    if (l && at) {
      const room = l.getBoundingClientRect();
      l.style.left = `${Math.max(4, Math.min(at.x, innerWidth - room.width - 4))}px`;
      l.style.top = `${Math.max(4, Math.min(at.y, innerHeight - room.height - 4))}px`;
    }
  });
  const move = (e: KeyboardEvent) => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const focused = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: focused + 1, ArrowUp: focused - 1, Home: 0, End: -1 }[e.key];
    if (e.key === "Escape" || e.key === "Tab") {
      e.preventDefault();
      e.stopPropagation();
      onClose("key");
    } else if (to !== undefined) {
      e.preventDefault();
      all.at(to % all.length)?.focus();
    }
  };
  return (
    <div class={"menu-list" + (at ? " placed" : "")} role="menu" id={id} ref={list} aria-label={label} onKeyDown={move}>
      {items.map((i) => (
        <button
          type="button"
          role="menuitem"
          key={i.label}
          class={i.danger ? "danger" : ""}
          aria-disabled={i.reason !== undefined}
          tabIndex={-1}
          onClick={() => {
            if (i.reason === undefined) {
              onClose("chosen");
              i.run();
            }
          }}
        >
          {i.label}
          {i.reason !== undefined && <small>{i.reason}</small>}
        </button>
      ))}
    </div>
  );
}
