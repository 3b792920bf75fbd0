// The page of a run.

import { useMemo, useState } from "preact/hooks";
import type { RunStep } from "../api";
import type { PageProps } from "../app";
import { ProblemError, readOnly } from "../lib/api";
import { now as clock } from "../lib/format";
import { useKeys } from "../lib/keys";
import { isActive, overlays, useOverlays } from "../lib/overlay";
import { go, links, param, setParams } from "../lib/router";
import { ended } from "../lib/status";
import { Empty } from "../parts/Empty";
import { lazily } from "../parts/Lazy";
import { Problem } from "../parts/Problem";
import { Tabs } from "../parts/Tabs";
import { AuditTab } from "./run/audit";
import { ConversationTab } from "./run/conversation";
import { ForkDialog } from "./run/fork";
import { Header } from "./run/header";
import { History } from "./run/history";
import { Inspector } from "./run/inspector";
import { LogsTab } from "./run/logs";
import { isOpen, waits } from "./run/bars";
import { keyOf, useRun, useSteps, withWork, type Steps } from "./run/model";
import { toNeighbour } from "./run/neighbour";
import { Related } from "./run/related";
import { RewindDialog } from "./run/rewind";
import { StateTab } from "./run/state";
import { Timeline, type TimeRange } from "./run/timeline";

const Graph = lazily(() => import("./run/graph").then((m) => m.GraphTab));
const Sequence = lazily(() => import("./run/sequence").then((m) => m.SequenceTab));

export function Run({ params }: PageProps) {
  const id = params["id"] ?? "";
  const execution = param("execution");
  const { run, error, gone, refetch } = useRun(id);
  const read = useSteps(id, execution, run?.row_version ?? 0);
  const [rewinding, setRewinding] = useState<number>(); // to which event, 0 = to before the failure
  const [forking, setForking] = useState<number>(); // from which event, 0 = as the server chooses
  const current = execution === "" || execution === run?.execution;
  const moving = !!run && current && !ended(run.status);
  const works = useMemo(() => moving && (isActive(run) || read.items.some((s) => isOpen(s) && !waits(s))), [moving, run, read.items]);
  useOverlays(works ? [id] : [], true);
  const work = works ? overlays.value.get(id)?.work : undefined;
  const steps = useMemo(() => ({ ...read, items: withWork(read.items, work) }), [read, work]);
  const now = clock.value + steps.ahead;
  const began = Date.parse(steps.page?.began ?? run?.started ?? run?.created ?? "") || now;
  const step = find(steps.items, param("step"));
  const key = step ? keyOf(step) : "";
  const select = (k: string) => setParams({ step: k || undefined });
  const move = (by: number) => {
    const at = steps.items.findIndex((s) => keyOf(s) === key);
    const to = steps.items[at < 0 ? 0 : Math.max(0, Math.min(steps.items.length - 1, at + by))];
    if (to) select(keyOf(to));
  };
  const forkable = !!run && run.actions.includes("fork") && !readOnly;
  const fork = () => setForking(step && step.n > 0 ? step.attempts?.[0]?.n ?? step.n : Number(param("event")) || 0);
  useKeys({
    f: () => forkable && fork(),
    h: () => move(-1),
    l: () => move(1),
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
    "[": () => run && void toNeighbour(run, -1),
    "]": () => run && void toNeighbour(run, 1),
    Escape: () => (key ? select("") : param("event") ? setParams({ event: undefined }) : history.length > 1 ? history.back() : go("runs")),
  });

  if (!run) {
    return (
      <section class="page">
        <h1 class="hidden-text">Run {id}</h1>
        {error instanceof ProblemError && error.status === 404 ? <Empty title="No such run"><p>There is no run <code>{id}</code>; it may have been purged.</p><p><a href="runs">All runs</a></p></Empty>
          : error ? <Problem error={error instanceof ProblemError ? error : new ProblemError(0, { detail: error.message })} retry={refetch} />
          : <p class="dim">Loading…</p>}
      </section>
    );
  }
  const stepLink = (eventID: number) => links.run(id) + `?step=e${eventID}`;
  const onFork = forkable ? { onFork: setForking } : {};
  const onRewind = current && run.actions.includes("rewind") ? { onRewind: setRewinding } : {};
  const inspector = step && <Inspector run={id} execution={execution} step={step} now={now} {...onRewind} {...onFork} {...(moving ? {} : { end: Date.parse(steps.page?.newest ?? "") || now })} onClose={() => select("")} />;
  return (
    <section class="page fill run-page">
      {gone && <p class="problem" role="alert">This run was purged. What you see is what was last known.</p>}
      {!current && <p class="problem">This is an older execution. <a href={links.run(id)}>Show the current one</a></p>}
      <Header run={run} steps={steps.items} now={now} onApplied={refetch} onRewind={() => setRewinding(step && step.n > 0 ? step.attempts?.[0]?.n ?? step.n : 0)} onFork={fork} />
      {run && steps.error && !steps.page && <Problem error={new ProblemError(0, { detail: steps.error.message })} />}
      <Tabs label="Views of the run" tabs={[
        { id: "timeline", title: "Timeline", panel: () => (
          <div class="split">
            <Timeline steps={steps} now={now} moving={moving} selected={key} {...range()} onSelect={select} onRange={(r) => setParams({ from: r && String(r.from), to: r && String(r.to) })} onOpenRun={(child) => go(links.run(child))} />
            {inspector}
          </div>
        ) },
        { id: "history", title: "History", panel: () => <History run={id} execution={execution} version={run.row_version} began={began} {...onRewind} {...onFork} selected={Number(param("event")) || 0} onSelect={(n) => setParams({ event: n ? String(n) : undefined })} /> },
        { id: "conversation", title: "Conversation", panel: () => <ConversationTab run={id} version={run.row_version} stepLink={stepLink} /> },
        { id: "graph", title: "Graph", panel: () => <Graph run={id} execution={execution} version={run.row_version} onStep={(e) => setParams({ tab: undefined, step: `e${e}` }, false)} /> },
        { id: "sequence", title: "Sequence", panel: () => <div class="split"><Sequence id={id} name={run.name} steps={steps.items} began={began} selected={key} onSelect={select} />{inspector}</div> },
        { id: "state", title: "State", panel: () => <StateTab run={id} execution={execution} total={total(steps, run.history_len ?? 0, current)} began={began} /> },
        { id: "logs", title: "Logs", panel: () => <LogsTab run={id} moving={moving} steps={steps.items} step={step} onStep={select} /> },
        { id: "related", title: "Related", panel: () => <Related run={id} version={run.row_version} /> },
        { id: "audit", title: "Audit", panel: () => <AuditTab run={id} version={run.row_version} /> },
      ]} />
      {forking !== undefined && <ForkDialog run={run} execution={execution || run.execution || ""} to={forking} onClose={() => setForking(undefined)} />}
      {rewinding !== undefined && <RewindDialog run={run} to={rewinding} onClose={() => setRewinding(undefined)} onDone={() => { setRewinding(undefined); setParams({ at: undefined, step: undefined }); refetch(); }} />}
    </section>
  );
}

/** The step that the address names: by its key, or as e and the id of its event. */
function find(steps: RunStep[], name: string): RunStep | undefined {
  if (name === "") return undefined;
  if (/^e-?\d+$/.test(name)) return steps.find((s) => s.event_id === Number(name.slice(1)) && s.n > 0);
  return steps.find((s) => keyOf(s) === name);
}

/** The part of the run's time that the address names. */
function range(): { range?: TimeRange } {
  const from = Number(param("from"));
  const to = Number(param("to"));
  return param("to") !== "" && to > from ? { range: { from, to } } : {};
}

/** How many events the shown execution has. */
function total(steps: Steps, known: number, current: boolean): number {
  return current ? known : steps.items.reduce((most, s) => Math.max(most, s.n, s.end_n ?? 0), 0);
}
