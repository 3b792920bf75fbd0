import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

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
  useEffect(() => {
    if (!open) {
      return undefined;
    }
    const away = (e: MouseEvent) => {
      if (!box.current?.contains(e.target as Node)) {
        setOpen(false);
      }
    };
    document.addEventListener("mousedown", away);
    box.current?.querySelector<HTMLElement>("[role=menuitem]:not([aria-disabled=true])")?.focus();
    return () => document.removeEventListener("mousedown", away);
  }, [open]);
  const close = () => {
    setOpen(false);
    box.current?.querySelector<HTMLElement>("button")?.focus();
  };
  const move = (e: KeyboardEvent) => {
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
      close();
    } else if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      all[(at + (e.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]?.focus();
    }
  };
  return (
    <div class="menu" ref={box} onKeyDown={open ? move : undefined}>
      <button type="button" aria-haspopup="menu" aria-expanded={open} aria-controls={id} aria-label={label} onClick={() => setOpen(!open)}>
        {children}
      </button>
      {open && (
        <div class="menu-list" role="menu" id={id} aria-label={label}>
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
                  close();
                  i.run();
                }
              }}
            >
              {i.label}
              {i.reason !== undefined && <small>{i.reason}</small>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
