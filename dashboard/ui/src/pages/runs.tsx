import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Run } from "../api";
import type { PageProps } from "../app";
import { query, readOnly } from "../lib/api";
import { now, utc } from "../lib/format";
import { hindered } from "../lib/hindered";
import { useKeys } from "../lib/keys";
import { isActive, useOverlays } from "../lib/overlay";
import { go, links, param, setParams } from "../lib/router";
import { Command, hubFlag } from "../parts/Command";
import { Empty } from "../parts/Empty";
import { lazily } from "../parts/Lazy";
import { Problem } from "../parts/Problem";
import { Share } from "../parts/Share";
import { StartDialog } from "../parts/StartDialog";
import { Table } from "../parts/Table";
import { Time } from "../parts/Time";
import type { RowAsk } from "./runs/acts";
import type { BatchTarget } from "./runs/batch";
import { columns } from "./runs/columns";
import { FilterBar } from "./runs/filterbar";
import { Histogram } from "./runs/histogram";
import { useRuns } from "./runs/list";
import { Selection } from "./runs/selection";

const Acts = lazily(() => import("./runs/acts").then((m) => m.Acts));

const chips: [string, string][] = [
  ["All", ""],
  ["In flight", "status:running,pending,suspended"],
  ["Waiting on me", "phase:waiting_approval,waiting_event (phase:waiting_approval or -has:child)"],
  ["Failed 24 h", "status:failed completed>-24h"],
  ["Retrying", "phase:retrying"],
  ["Stuck", "phase:stuck"],
];
const rowHeight = 28;

export function Runs(_: PageProps) {
  const filter = param("filter");
  const sort = param("sort");
  const [starting, setStarting] = useState(false);
  const [selected, setSelected] = useState(new Set<string>());
  const [everything, setEverything] = useState(false); // all that match are selected, not only those shown
  const [asked, setAsked] = useState<RowAsk | BatchTarget>();
  const box = useRef<HTMLElement>(null);
  const table = () => box.current?.querySelector<HTMLElement>(".table");
  const list = useRuns({
    filter,
    sort,
    at: param("at"),
    frozen: selected.size > 0 || asked !== undefined,
    atTop: () => (table()?.scrollTop ?? 0) < rowHeight,
    onShift: (n) => n !== 0 && requestAnimationFrame(() => table()?.scrollBy(0, n * rowHeight)),
  });
  const off = hindered();
  useKeys({ n: () => hindered() === "" && setStarting(true) });
  const { rows, page, error } = list;
  const [seen, setSeen] = useState<[number, number]>([0, 0]);
  useOverlays(rows.slice(...seen).filter(isActive).map((r) => r.id));
  const focusRow = () => table()?.querySelector<HTMLElement>(".tr.at")?.focus({ preventScroll: true });
  const shownColumns = useMemo(
    () =>
      columns((r, from) => {
        const at = from.getBoundingClientRect();
        from.closest<HTMLElement>(".tr")?.focus({ preventScroll: true });
        setAsked({ id: r.id, at: { x: at.right - 220, y: at.bottom } });
      }),
    [],
  );
  const chosen = rows.filter((r) => selected.has(r.id));
  const batch = (action: string) => setAsked({ action, ...(everything ? { filter: page?.parsed ?? filter } : { ids: chosen.map((r) => r.id) }) });
  const act = (action: string) => (r: Run) => {
    const at = table()?.querySelector(`[data-id="${CSS.escape(r.id)}"]`)?.getBoundingClientRect();
    if (chosen.length > 0 && action !== "" && action !== "event") {
      batch(action);
    } else {
      setAsked({ id: r.id, at: { x: (at?.left ?? 0) + 40, y: at?.bottom ?? 0 }, ...(action ? { action } : {}) });
    }
  };
  const suspend = (r: Run) => act((chosen.length > 0 ? chosen : [r]).some((c) => c.actions.includes("suspend")) ? "suspend" : "resume")(r);
  const clear = () => (setSelected(new Set()), setEverything(false));
  useKeys(selected.size > 0 ? { Escape: clear } : {});
  useEffect(clear, [filter, sort, param("at")]);
  return (
    <section class="page fill runs" ref={box}>
      <header class="page-head">
        <div class="page-title"><h1>Runs</h1> <Share what="list" command={["run list", [], { filter, sort }]} json={{ path: "runs" + query({ filter, sort, limit: 1000 }), file: "runs.json" }} /></div>
        <button type="button" class="primary" aria-keyshortcuts="n" disabled={off !== ""} title={off || undefined} onClick={() => setStarting(true)}>
          Start
        </button>
      </header>
      <FilterBar filter={filter} error={error} />
      <div class="row">
        <div class="chips" role="group" aria-label="Filters">
          {chips.map(([title, f]) => (
            <button type="button" key={title} aria-pressed={filter === f} onClick={() => setParams({ filter: f || undefined, at: undefined })}>
              {title}
            </button>
          ))}
          {(list.fresh > 0 || list.maybe) && (
            <button type="button" class="fresh" onClick={() => showFresh()}>
              {list.fresh > 0 ? `${list.fresh.toLocaleString("en")} new` : "Look for new"}
            </button>
          )}
        </div>
        <Jump />
        <button type="button" aria-pressed={param("chart") !== ""} onClick={() => setParams({ chart: param("chart") ? undefined : "1" })}>
          Histogram
        </button>
      </div>
      {param("chart") !== "" && <Histogram filter={filter} />}
      {error && error.status !== 400 && <Problem error={error} retry={list.reload} />}
      {list.prev && (
        <p class="row">
          <span class="dim">Newer runs are above.</span>
          <button type="button" onClick={() => list.extend("start")}>
            Newer
          </button>
          <button type="button" onClick={() => (setParams({ at: undefined }), list.reload())}>
            Newest
          </button>
        </p>
      )}
      {!error && !list.loading && rows.length === 0 && !list.prev && !list.next ? (
        <NoRuns terms={page?.terms ?? []} />
      ) : (
        <Table
          label="Runs"
          columns={shownColumns}
          rows={rows}
          id={(r) => r.id}
          open={(r) => go(links.run(r.id))}
          {...(readOnly ? {} : { selected, select: (ids: Set<string>) => (setSelected(ids), setEverything(false)) })}
          keys={{ m: act(""), ContextMenu: act(""), e: act("event"), s: suspend, t: act("terminate") }}
          rowClass={(r) => (list.gone.includes(r.id) ? "gone" : "")}
          sort={sort || "-created"}
          onSort={(s) => setParams({ sort: s === "-created" ? undefined : s, at: undefined })}
          onSeen={(from, to) => setSeen([from, to])}
          onEdge={(edge) => !(edge === "end" && page?.partial) && list.extend(edge)}
        />
      )}
      {chosen.length > 0 && (
        <Selection chosen={chosen} filter={page?.parsed ?? filter} more={list.next !== undefined || list.prev !== undefined} everything={everything} onEverything={() => setEverything(true)} onClear={clear} onAct={batch} />
      )}
      {list.next && (
        <footer class="row">
          {page?.partial && <span class="dim">{page.searched_to ? <>Searched {sort === "created" || sort === "completed" ? "up" : "back"} to <Time at={page.searched_to} exact /></> : `${page.scanned.toLocaleString("en")} runs were searched`}; there are more. </span>}
          <button type="button" onClick={() => list.extend("end")}>
            {page?.partial ? "Search on" : "Older"}
          </button>
        </footer>
      )}
      {asked && (
        <Acts
          asked={asked}
          onBack={focusRow}
          onClose={() => {
            setAsked(undefined);
            setTimeout(focusRow);
          }}
          onDone={() => {
            clear();
            list.reload();
          }}
        />
      )}
      {starting && <StartDialog onClose={() => setStarting(false)} />}
    </section>
  );

  function showFresh() {
    if (list.showFresh()) {
      table()?.scrollTo(0, 0);
    }
  }
}

/** Goes to a time in the list. */
function Jump() {
  const at = param("at");
  const local = (t: string) => {
    const d = new Date(t);
    return new Date(d.getTime() - (utc.value ? 0 : d.getTimezoneOffset() * 60_000)).toISOString().slice(0, 16);
  };
  return (
    <label class="jump-time">
      <span class="jump-word">Jump to</span>
      <input
        type="datetime-local"
        value={at ? local(at) : ""}
        onChange={(e) => {
          const text = e.currentTarget.value;
          const time = new Date(text + (utc.value ? "Z" : ""));
          setParams({ at: text && !Number.isNaN(time.getTime()) ? time.toISOString().replace(/\.\d+/, "") : undefined, sort: undefined });
        }}
      />
    </label>
  );
}

/** What stands in place of no runs: the filter as the server has understood it, each term of which can be left out. */
function NoRuns({ terms }: { terms: string[] }) {
  if (terms.length === 0) {
    return (
      <Empty title="No runs yet">
        <p>Start one here, or in a terminal:</p>
        <Command text={`perdure run start NAME --input '"…"' --watch` + hubFlag()} />
      </Empty>
    );
  }
  return (
    <Empty title="No run matches">
      <p>Leave a term out:</p>
      <p class="row">
        {terms.map((t, at) => (
          <button type="button" key={t} onClick={() => setParams({ filter: terms.filter((_, i) => i !== at).join(" ") || undefined })}>
            {t} ✕
          </button>
        ))}
      </p>
      <p class="dim">
        As of <Time at={new Date(now.peek()).toISOString()} exact />
      </p>
    </Empty>
  );
}
