// The head of the run page: what the run is, what it does, and what may be done.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Run, RunStep } from "../../api";
import { path } from "../../lib/api";
import { bytes, cost, count } from "../../lib/format";
import { useInfo } from "../../lib/info";
import { isActive, overlays } from "../../lib/overlay";
import { links as pages, param, setParams } from "../../lib/router";
import { isStuck, nameOf } from "../../lib/status";
import { Command } from "../../parts/Command";
import { Copy } from "../../parts/Copy";
import { JsonView } from "../../parts/JsonView";
import { RunState } from "../../parts/RunState";
import { Share } from "../../parts/Share";
import { Time } from "../../parts/Time";
import { Actions } from "./actions";
import { Executions } from "./executions";
import { Failed } from "./inspector";
import { outside } from "./outside";
import { sentence } from "./sentence";

interface Props {
  run: Run;
  steps: RunStep[];
  now: number;
  onApplied(): void;
  onRewind(): void;
  onFork(): void;
}

/** Shows the head of a run. */
export function Header({ run, steps, now, onApplied, onRewind, onFork }: Props) {
  const spent = spentBy(steps);
  const children = [...new Set(steps.flatMap((s) => (s.run ? [s.run] : [])))];
  const links = outside(run, useInfo().data?.links);
  return (
    <header class="run-head">
      <div class="run-title">
        <RunState run={run} />
        <h1>{nameOf(run)}</h1>
        <code class="run-id">{run.id}</code>
        <Share what="run" id={run.id} command={["run get", [run.id]]} json={{ path: path`runs/${run.id}`, file: run.id + ".json" }} />
        <Actions run={run} onApplied={onApplied} onRewind={onRewind} onFork={onFork} />
      </div>
      <p class="run-sentence" aria-live="off">{upper(sentence(run.failure ? { ...run, error_text: "" } : run, now, isActive(run) ? overlays.value.get(run.id) : undefined, steps))}.</p>
      {isStuck(run) && run.phase_cause?.startsWith("no worker serves") && <Connect />}
      <dl class="run-facts">
        <Fact name="Started"><Time at={run.started ?? run.created} /></Fact>
        {run.completed && <Fact name="Ended"><Time at={run.completed} /></Fact>}
        {run.version && <Fact name="Version">{run.version}</Fact>}
        {run.parent_id && <Fact name="Parent"><a href={pages.run(run.parent_id)}>{run.parent_id}</a></Fact>}
        {run.root_id && run.root_id !== run.parent_id && <Fact name="Root"><a href={pages.run(run.root_id)}>{run.root_id}</a></Fact>}
        {children.length > 0 && <Fact name={children.length === 1 ? "Child" : "Children"}><Children ids={children} /></Fact>}
        {run.forked_from && <Fact name="Forked from"><a href={pages.run(run.forked_from.run) + `?tab=history&event=${run.forked_from.event}&execution=${run.forked_from.execution}`}>{run.forked_from.run}</a> <span class="dim">before event {run.forked_from.event}</span></Fact>}
        {run.session && <Fact name="Session">{sessionLink(run.session)}</Fact>}
        {spent.tokens > 0 && <Fact name="Tokens">{count(spent.tokens)}</Fact>}
        {spent.usd > 0 && <Fact name="Cost">{cost(spent.usd * 1e6)}</Fact>}
        {run.trace_id && !links.some((l) => l.field === "trace") && <Fact name="Trace"><code>{run.trace_id}</code> <Copy text={run.trace_id} what="trace id" /></Fact>}
        {links.map((l) => <Fact key={l.field} name={upper(l.field.replace(/^tag\./, ""))}><a href={l.href} target="_blank" rel="noopener noreferrer" title={l.href}>{l.value} ↗</a></Fact>)}
        {!!run.history_len && <Fact name="History">{run.history_len.toLocaleString("en")} events, {bytes(run.history_bytes ?? 0)}</Fact>}
        {Object.entries(run.tags ?? {}).filter(([k]) => !k.startsWith("perdure.")).map(([k, v]) => <Fact key={k} name=""><a class="tag" href={pages.runs(`tag.${k}=${JSON.stringify(v)}`)}>{k}={v}</a></Fact>)}
      </dl>
      <Executions run={run.id} current={run.execution ?? ""} shown={param("execution")} />
      {run.hint && <p class="problem">{run.hint}</p>}
      <Payloads run={run} />
    </header>
  );
}

/** How a worker that is missing comes here. */
function Connect() {
  const info = useInfo().data;
  return info ? <div class="connect"><p class="dim">Start a worker that has this code; workers and SDKs connect with</p><Command text={info.connection_string} /></div> : null;
}

/** How many children are named in the head. */
const named = 2;

function Children({ ids }: { ids: string[] }) {
  const rest = ids.length - named;
  return (
    <>
      {ids.slice(0, rest === 1 ? named + 1 : named).map((id, i) => <span key={id}>{i > 0 && ", "}<a href={pages.run(id)}>{id}</a></span>)}
      {rest > 1 && <>, <button type="button" class="link" onClick={() => setParams({ tab: "related" }, false)}>{rest.toLocaleString("en")} more</button></>}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div>{name && <dt>{name}</dt>}{!name && <dt class="hidden-text">Tag</dt>}<dd>{children}</dd></div>;
}

/** What the models of a run took, with the agents that it called. */
export function spentBy(steps: RunStep[]): { tokens: number; usd: number } {
  let tokens = 0;
  let usd = 0;
  for (const s of steps) {
    tokens += s.tokens?.total ?? 0;
    usd += s.cost_usd ?? 0;
  }
  return { tokens, usd };
}

function sessionLink(id: string) {
  const parts = /^@dafx-([^@]+)@(.*)$/s.exec(id);
  return parts ? <a href={pages.session(parts[1]!, parts[2]!)}>{parts[1]} / {parts[2]}</a> : id;
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Input, output and failure: one line each until it is opened. */
function Payloads({ run }: { run: Run }) {
  return (
    <div class="run-payloads">
      {run.failure && <Failed failure={run.failure} />}
      {run.input !== undefined && <Fold title="Input" value={run.input} />}
      {run.output !== undefined && <Fold title="Output" value={run.output} />}
      {run.custom_status !== undefined && run.custom_status !== null && <Fold title="Custom status" value={run.custom_status} />}
    </div>
  );
}

function Fold({ title, value }: { title: string; value: unknown }) {
  const [open, setOpen] = useState(false);
  const text = JSON.stringify(value) ?? "";
  return (
    <details class="fold" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary><b>{title}</b> {!open && <code class="dim">{text.length > 160 ? text.slice(0, 159) + "…" : text}</code>}</summary>
      {open && <div class="fold-body"><JsonView value={value} label={title} /></div>}
    </details>
  );
}
