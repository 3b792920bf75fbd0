import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { param, setParams } from "../lib/router";
import { useKeys } from "../lib/keys";

export interface Tab {
  id: string;
  title: string;
  count?: number | undefined;
  panel: () => ComponentChildren;
}

/** Tabs whose choice stands in the address, as ?tab=; keys 1 to 9 choose. */
export function Tabs({ tabs, label }: { tabs: Tab[]; label: string }) {
  const bar = useRef<HTMLDivElement>(null);
  const chosen = tabs.find((t) => t.id === param("tab")) ?? tabs[0];
  const choose = (t: Tab | undefined) => t && setParams({ tab: t === tabs[0] ? undefined : t.id });
  useKeys(Object.fromEntries(tabs.slice(0, 9).map((t, i) => [String(i + 1), () => choose(t)])));
  if (!chosen) {
    return null;
  }
  const move = (e: KeyboardEvent) => {
    const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    if (step) {
      e.preventDefault();
      const at = (tabs.indexOf(chosen) + step + tabs.length) % tabs.length;
      choose(tabs[at]);
      bar.current?.querySelectorAll<HTMLElement>("[role=tab]")[at]?.focus();
    }
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} ref={bar} onKeyDown={move}>
        {tabs.map((t) => (
          <button
            type="button"
            role="tab"
            id={"tab-" + t.id}
            key={t.id}
            aria-selected={t === chosen}
            aria-controls="tab-panel"
            tabIndex={t === chosen ? 0 : -1}
            onClick={() => choose(t)}
          >
            {t.title}
            {t.count !== undefined && <span class="badge">{t.count}</span>}
          </button>
        ))}
      </div>
      <div id="tab-panel" class="tab-panel" role="tabpanel" aria-labelledby={"tab-" + chosen.id} tabIndex={0}>
        {chosen.panel()}
      </div>
    </>
  );
}
