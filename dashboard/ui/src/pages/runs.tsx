import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Frame, Run, RunPage } from "../api";
import type { PageProps } from "../app";
import { get, ProblemError, query, readOnly } from "../lib/api";
import { now } from "../lib/format";
import { useKeys } from "../lib/keys";
import { newer, useTopic } from "../lib/live";
import { go, links, param, setParams } from "../lib/router";
import { stateOf } from "../lib/status";
import { announce } from "../parts/Announcer";
import { Command } from "../parts/Command";
import { Copy } from "../parts/Copy";
import { Empty } from "../parts/Empty";
import { lazily } from "../parts/Lazy";
import { Problem } from "../parts/Problem";
import { StartDialog } from "../parts/StartDialog";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { Duration, Time } from "../parts/Time";
import type { RowAsk } from "./runs/acts";
import type { BatchTarget } from "./runs/batch";
import { Selection } from "./runs/selection";

const Acts = lazily(() => import("./runs/acts").then((m) => m.Acts));

const chips: [string, string][] = [
  ["All", ""],
  ["In flight", "status:running,pending,suspended"],
  ["Waiting on me", "phase:waiting_approval"],
  ["Failed 24 h", "status:failed completed>-24h"],
  ["Retrying", "phase:retrying"],
  ["Stuck", "phase:stuck"],
];

const columns = (menu: (r: Run, from: Element) => void): Column<Run>[] => [
  { id: "status", title: "Status", class: "w-status", cell: (r) => <Status state={stateOf(r)} /> },
  { id: "name", title: "Name", class: "w-name", cell: (r) => <span title={r.name}>{r.name}</span> },
  {
    id: "id",
    title: "Id",
    class: "grow mono",
    cell: (r) => (
      <>
        <a href={links.run(r.id)} title={r.id} tabIndex={-1}>
          {r.id}
        </a>
        <Copy text={r.id} what="id" />
      </>
    ),
  },
  { id: "step", title: "Step", class: "w-step", cell: (r) => <Step run={r} /> },
  { id: "created", title: "Started", class: "w-time num", cell: (r) => <Time at={r.created} /> },
  { id: "duration", title: "Duration", class: "w-time num", cell: (r) => <Duration ms={r.duration_ms} from={r.started ?? r.created} to={r.completed} /> },
  {
    id: "tags",
    title: "Tags",
    class: "w-tags",
    cell: (r) =>
      Object.entries(r.tags ?? {}).map(([k, v]) => (
        <span class="tag" key={k}>
          {k}={v}
        </span>
      )),
  },
  {
    id: "more",
    title: "Actions",
    quiet: true,
    class: "w-more",
    cell: (r) => (
      <button type="button" class="quiet" tabIndex={-1} aria-haspopup="menu" aria-label={`Actions of ${r.id}`} onClick={(e) => menu(r, e.currentTarget)}>
        ⋯
      </button>
    ),
  },
];

/** What the run is at, or why it has failed. */
function Step({ run }: { run: Run }) {
  const text = run.error_text ?? run.phase_cause ?? run.wait_name ?? run.current_step ?? "";
  return (
    <span class={run.error_text ? "bad" : "dim"} title={text}>
      {text}
      {run.attempt !== undefined && run.attempt > 1 && ` (attempt ${run.attempt})`}
    </span>
  );
}

const most = 2000; // rows that the list keeps

export function Runs(_: PageProps) {
  const filter = param("filter");
  const sort = param("sort");
  const [page, setPage] = useState<RunPage>();
  const [shown, setShown] = useState<string>(); // the filter of page
  const [rows, setRows] = useState<Run[]>([]);
  const [fresh, setFresh] = useState<Run[]>([]); // came while the person looks at others
  const [error, setError] = useState<ProblemError>();
  const [loading, setLoading] = useState(true);
  const [starting, setStarting] = useState(false);
  const [round, setRound] = useState(0);
  const [selected, setSelected] = useState(new Set<string>());
  const [everything, setEverything] = useState(false); // all that match are selected, not only those shown
  const [asked, setAsked] = useState<RowAsk | BatchTarget>();
  const table = useRef<HTMLDivElement>(null);
  const stop = useRef<AbortController>(undefined);
  useEffect(() => {
    stop.current?.abort();
    const s = (stop.current = new AbortController());
    setLoading(true);
    get<RunPage>("runs" + query({ filter, sort, limit: 100 }), s.signal).then(
      (p) => {
        setPage(p);
        setShown(filter);
        setRows(p.items);
        setFresh([]);
        setSelected((had) => new Set(p.items.map((r) => r.id).filter((id) => had.has(id))));
        setEverything(false);
        setError(undefined);
        setLoading(false);
      },
      (e: unknown) => {
        if (!s.signal.aborted) {
          setError(e instanceof ProblemError ? e : new ProblemError(0, { detail: String(e) }));
          setLoading(false);
        }
      },
    );
    return () => s.abort();
  }, [filter, sort, round]);
  useTopic(error || page === undefined || shown !== filter ? undefined : "runs:" + filter, page?.as_of, (events) => {
    let next = rows;
    let news = fresh;
    for (const e of events) {
      if (e.kind === "reset") {
        setRound((n) => n + 1);
        return;
      }
      const f = e.data as Frame;
      for (const g of f.gone ?? []) {
        next = next.filter((r) => r.id !== g.id);
        news = news.filter((r) => r.id !== g.id);
      }
      for (const r of f.upsert ?? []) {
        const i = next.findIndex((x) => x.id === r.id);
        const old = next[i];
        if (old) {
          if (newer(old, r)) {
            next = next.with(i, r);
          }
        } else {
          news = [r, ...news.filter((x) => x.id !== r.id)];
        }
      }
    }
    if (sort === "" && news.length > 0 && atTop() && selected.size === 0 && !asked) {
      const known = new Set(next.map((r) => r.id));
      const oldest = next.at(-1)?.created ?? "";
      const add = news.filter((r) => !known.has(r.id) && (next.length < 100 || (r.created ?? "") >= oldest));
      next = [...add, ...next].sort((a, b) => (b.created ?? "").localeCompare(a.created ?? "")).slice(0, most);
      news = [];
    }
    setRows(next);
    setFresh(news.slice(0, 500));
    if (events.length > 0) {
      announce(`${next.length} runs shown`, true);
    }
  });
  useKeys({ n: () => setStarting(true) });
  const more = () => {
    if (page?.next) {
      get<RunPage>("runs" + query({ filter, sort, limit: 100, cursor: page.next })).then((p) => {
        setPage({ ...p, as_of: page.as_of });
        setRows((have) => [...have, ...p.items.filter((r) => !have.some((x) => x.id === r.id))].slice(-most));
      }, setError);
    }
  };
  const focusRow = () => table.current?.querySelector<HTMLElement>(".tr.at")?.focus({ preventScroll: true });
  const menu = (r: Run, from: Element) => {
    const at = from.getBoundingClientRect();
    from.closest<HTMLElement>(".tr")?.focus({ preventScroll: true });
    setAsked({ id: r.id, at: { x: at.right - 220, y: at.bottom } });
  };
  const shownColumns = useMemo(() => columns(menu), []);
  const chosen = rows.filter((r) => selected.has(r.id));
  const batch = (action: string) => setAsked({ action, ...(everything ? { filter: page?.parsed ?? filter } : { ids: chosen.map((r) => r.id) }) });
  const act = (action: string) => (r: Run) => {
    const at = table.current?.querySelector(`[data-id="${CSS.escape(r.id)}"]`)?.getBoundingClientRect();
    if (chosen.length > 0 && action !== "event") {
      batch(action);
    } else {
      setAsked({ id: r.id, at: { x: (at?.left ?? 0) + 40, y: at?.bottom ?? 0 }, ...(action ? { action } : {}) });
    }
  };
  const suspend = (r: Run) => act((chosen.length > 0 ? chosen : [r]).some((c) => c.actions.includes("suspend")) ? "suspend" : "resume")(r);
  const closeAsked = () => {
    setAsked(undefined);
    setTimeout(focusRow);
  };
  const clear = () => (setSelected(new Set()), setEverything(false));
  useKeys(selected.size > 0 ? { Escape: clear } : {});
  return (
    <section class="page fill" ref={table}>
      <header class="page-head">
        <h1>Runs</h1>
        <button type="button" class="primary" aria-keyshortcuts="n" onClick={() => setStarting(true)}>
          Start
        </button>
      </header>
      <FilterBar filter={filter} error={error} />
      <div class="chips" role="group" aria-label="Filters">
        {chips.map(([title, f]) => (
          <button type="button" key={title} aria-pressed={filter === f} onClick={() => setParams({ filter: f || undefined })}>
            {title}
          </button>
        ))}
        {fresh.length > 0 && (
          <button type="button" class="fresh" onClick={() => setRound((n) => n + 1)}>
            {fresh.length} new
          </button>
        )}
      </div>
      {error && error.status !== 400 && <Problem error={error} retry={() => setRound((n) => n + 1)} />}
      {!error && !loading && rows.length === 0 ? (
        <NoRuns filter={filter} />
      ) : (
        <Table
          label="Runs"
          columns={shownColumns}
          rows={rows}
          id={(r) => r.id}
          open={(r) => go(links.run(r.id))}
          {...(readOnly ? {} : { selected, select: (ids: Set<string>) => (setSelected(ids), setEverything(false)) })}
          keys={{ m: act(""), ContextMenu: act(""), e: act("event"), s: suspend, t: act("terminate") }}
        />
      )}
      {chosen.length > 0 && (
        <Selection chosen={chosen} filter={page?.parsed ?? filter} more={page?.next !== undefined} everything={everything} onEverything={() => setEverything(true)} onClear={clear} onAct={batch} />
      )}
      {asked && (
        <Acts
          asked={asked}
          onBack={focusRow}
          onClose={closeAsked}
          onDone={() => {
            clear();
            setRound((n) => n + 1);
          }}
        />
      )}
      {page?.next && (
        <footer class="row pad">
          {page.partial && <span class="dim">Not all runs were searched yet. </span>}
          <button type="button" onClick={more}>
            {page.partial ? "Search on" : "More"}
          </button>
        </footer>
      )}
      {starting && <StartDialog onClose={() => setStarting(false)} />}
    </section>
  );
}

function atTop(): boolean {
  return (document.querySelector(".table")?.scrollTop ?? 0) < 28;
}

/** The filter, which the server reads: where it is wrong is marked. */
function FilterBar({ filter, error }: { filter: string; error: ProblemError | undefined }) {
  const box = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const bad = error?.status === 400 ? error : undefined;
  useKeys({ "/": (e) => (e.preventDefault(), box.current?.focus()) });
  useEffect(() => {
    if (box.current && document.activeElement !== box.current) {
      box.current.value = filter;
    }
  }, [filter]);
  return (
    <div class="filter">
      <input
        ref={box}
        type="search"
        spellcheck={false}
        aria-label="Filter"
        aria-invalid={bad !== undefined}
        aria-describedby={bad ? "filter-error" : undefined}
        placeholder="status:failed name:Order* created>-24h   ( / )"
        defaultValue={filter}
        onInput={(e) => {
          const text = e.currentTarget.value;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => setParams({ filter: text || undefined }), 60);
        }}
        onKeyDown={(e) => {
          if (e.key === "Escape" || e.key === "Enter") {
            box.current?.blur();
          }
        }}
      />
      {bad && (
        <p id="filter-error" class="bad" role="alert">
          {bad.message} {bad.hint}
        </p>
      )}
    </div>
  );
}

function NoRuns({ filter }: { filter: string }) {
  const terms = useMemo(() => filter.match(/(?:[^\s"]|"[^"]*")+/g) ?? [], [filter]);
  if (terms.length === 0) {
    return (
      <Empty title="No runs yet">
        <p>Start one here, or in a terminal:</p>
        <Command text={`perdure run start NAME --input '"…"' --watch`} />
      </Empty>
    );
  }
  return (
    <Empty title="No run matches">
      <p>Leave a term out:</p>
      <p class="row">
        {terms.map((t) => (
          <button type="button" key={t} onClick={() => setParams({ filter: terms.filter((x) => x !== t).join(" ") || undefined })}>
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
