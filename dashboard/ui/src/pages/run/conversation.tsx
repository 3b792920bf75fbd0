// The conversation: what all agents of the run and people said, by time.

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Conversation, Decision, Said } from "../../api";
import { path, useQuery } from "../../lib/api";
import { cost, count, duration } from "../../lib/format";
import { useTopic } from "../../lib/live";
import { Markdown } from "../../lib/markdown";
import { links } from "../../lib/router";
import { Empty } from "../../parts/Empty";
import { JsonView } from "../../parts/JsonView";
import { Problem } from "../../parts/Problem";
import { Time } from "../../parts/Time";
import { initials, raisedText, voicesOf } from "./people";
import { entriesOf, jsonOf, type Call, type Entry } from "./talk";

/** How many entries are shown at first, and more each time. */
const atOnce = 200;
/** How many of the runs below are followed; a connection bears 16 topics. */
const followed = 6;

interface Props {
  run: string;
  /** of the run */
  version: number;
  /** Returns the address of a step of this run. */
  stepLink(eventID: number): string;
}

/** Shows the conversation of a run. */
export function ConversationTab({ run, version, stepLink }: Props) {
  const { data, error, refetch } = useQuery<Conversation>(path`runs/${run}/conversation`);
  const [raw, setRaw] = useState(false);
  const [most, setMost] = useState(atOnce);
  useEffect(() => {
    const timer = setTimeout(refetch, 200);
    return () => clearTimeout(timer);
  }, [version]);
  const items = data?.items ?? [];
  const entries = useMemo(() => entriesOf(items), [items]);
  const voices = useMemo(() => voicesOf(items.flatMap((s) => [s.agent, s.to ?? ""])), [items]);
  const below = useMemo(() => [...new Set(items.flatMap((s) => [s.run, s.to_run ?? ""]))].filter((id) => id && id !== run).slice(-followed), [items, run]);
  if (error && !data) return <Problem error={error} retry={refetch} />;
  if (!data) return <p class="dim pad">Loading…</p>;
  if (entries.length === 0) return <Empty title="No agent has said anything"><p>Runs that call agents show here what agents, tools and people said, in the order of time.</p></Empty>;
  const first = Math.max(0, entries.length - most);
  return (
    <div class="talk">
      {below.map((id) => <Follow key={id} run={id} onChange={refetch} />)}
      <div class="tl-bar">
        <ul class="talk-voices" aria-label="Agents">
          {[...voices].map(([name, n]) => <li key={name}><Avatar name={name} voice={n} /> {name}</li>)}
        </ul>
        <label class="talk-raw"><input type="checkbox" checked={raw} onChange={(e) => setRaw(e.currentTarget.checked)} /> Raw</label>
      </div>
      {data.partial && <p class="dim">The run has more below it than is looked at here.</p>}
      {first > 0 && <button type="button" onClick={() => setMost(most + atOnce)}>Show {Math.min(atOnce, first)} earlier of {first.toLocaleString("en")}</button>}
      <ol class="talk-list">
        {entries.slice(first).map((e, i) => <EntryView key={first + i} entry={e} run={run} voices={voices} raw={raw} stepLink={stepLink} />)}
      </ol>
    </div>
  );
}

/** Tells when a run below changes. */
function Follow({ run, onChange }: { run: string; onChange(): void }) {
  useTopic("run:" + run, undefined, onChange);
  return null;
}

interface EntryProps {
  entry: Entry;
  run: string;
  voices: Map<string, number>;
  raw: boolean;
  stepLink(eventID: number): string;
}

function EntryView(p: EntryProps) {
  const { said } = p.entry;
  const voice = p.voices.get(said.agent) ?? 0;
  if (said.kind === "agent") {
    return (
      <li class={`talk-turn voice-${voice}`}>
        <span class="talk-arrow" aria-hidden="true">{said.handoff ? "⇢" : "→"}</span>
        <span>{said.agent ? <b>{said.agent}</b> : "The run"} {said.handoff ? "hands the conversation over to" : "asks"} <b>{said.to}</b></span>
        {said.to_run && <a href={links.run(said.to_run)}>open its run</a>}
        <Meta said={said} run={p.run} stepLink={p.stepLink} />
      </li>
    );
  }
  if (said.kind === "decision" && said.decision) {
    return <li class="talk-turn"><DecisionView decision={said.decision} /></li>;
  }
  if (said.kind === "event" && said.event) {
    return <li class="talk-turn"><RaisedView said={said} stepLink={said.run === p.run ? links.run(said.run) + `?step=${said.event.n}` : links.run(said.run)} /></li>;
  }
  const role = said.message?.Role ?? "";
  const human = role === "user" || role === "system";
  const { asker } = p.entry;
  const name = asker !== undefined ? asker || "The run" : human ? said.message?.AuthorName || (role === "system" ? "System" : "User") : said.agent || "Agent";
  return (
    <li class={`talk-entry ${human ? "is-user" : `voice-${voice}`}`}>
      {asker ? <Avatar name={asker} voice={p.voices.get(asker) ?? 0} /> : human ? <span class="avatar avatar-user" aria-hidden="true">{asker === "" ? "▸" : role === "system" ? "§" : "U"}</span> : <Avatar name={name} voice={voice} />}
      <article aria-label={`${name}${human && said.agent ? ` to ${said.agent}` : ""}`}>
        <header>
          <b>{name}</b>{human && said.agent && <span class="dim"> to {said.agent}</span>}
          <Meta said={said} run={p.run} stepLink={p.stepLink} />
        </header>
        {p.raw ? <JsonView value={said.message} /> : <Body entry={p.entry} run={p.run} stepLink={p.stepLink} />}
      </article>
    </li>
  );
}

function Body({ entry, run, stepLink }: { entry: Entry; run: string; stepLink(id: number): string }) {
  return (
    <>
      {entry.reasoning.map((text, i) => <details key={i} class="reasoning"><summary>Reasoning</summary><Markdown text={text} /></details>)}
      {entry.text && <Markdown text={entry.text} />}
      {entry.error && <p class="error">{entry.error}</p>}
      {entry.others.length > 0 && <p class="dim">{entry.others.join(", ")}</p>}
      {entry.calls.map((c) => <ToolCard key={c.call.CallID} call={c} run={run} stepLink={stepLink} />)}
      {entry.results.map((r) => <div key={r.CallID} class="tool"><JsonView value={r.Error ?? jsonOf(r.Result)} /></div>)}
    </>
  );
}

function ToolCard({ call, run, stepLink }: { call: Call; run: string; stepLink(id: number): string }) {
  const { call: c, result, step } = call;
  const open = call.decisions.find((d) => d.state === "pending");
  const failed = !!result?.Error || step?.status === "failed";
  const status = open ? "waits for a decision" : !result ? "running" : failed ? "failed" : "done";
  return (
    <details class={"tool" + (failed ? " is-failed" : "") + (open ? " is-waiting" : "")} open={!!open}>
      <summary>
        <span class="tool-name">{c.Name}</span>
        <span class="dim tool-args">{brief(c.Arguments)}</span>
        <span class={"tool-status" + (failed ? " bad" : "")}>{status}{step?.duration_ms ? `, ${duration(step.duration_ms)}` : ""}{step?.attempt && step.attempt > 1 ? `, attempt ${step.attempt}` : ""}</span>
      </summary>
      <p class="tool-part">Arguments</p>
      <JsonView value={jsonOf(c.Arguments)} label="arguments" />
      {call.decisions.map((d) => <DecisionView key={d.id} decision={d} />)}
      {result && <><p class="tool-part">Result</p>{result.Error ? <p class="error">{result.Error}</p> : <JsonView value={jsonOf(result.Result)} label="result" />}</>}
      {step?.event_id !== undefined && <p><StepLink said={step} run={run} stepLink={stepLink} /></p>}
    </details>
  );
}

function brief(text: string): string {
  return text.length > 90 ? text.slice(0, 89) + "…" : text;
}

function DecisionView({ decision: d }: { decision: Decision }) {
  const by = d.answered_by ? ` by ${d.answered_by}` : "";
  return (
    <p class={"talk-decision" + (d.state === "pending" ? " is-waiting" : "")}>
      <span aria-hidden="true">◆</span> {d.kind.replace(/_/g, " ")}{d.tool && <> of <b>{d.tool}</b></>}:{" "}
      {d.state === "pending" ? <a href="inbox">waits for an answer</a> : <b>{d.answer ?? d.state}{by}</b>}
      {d.comment && <q>{d.comment}</q>} {d.answered_at ? <Time at={d.answered_at} /> : d.deadline && <span class="dim">until <Time at={d.deadline} exact /></span>}
    </p>
  );
}

function RaisedView({ said, stepLink }: { said: Said; stepLink: string }) {
  const e = said.event!;
  return (
    <p class="talk-decision">
      <span aria-hidden="true">◇</span> event <b>{e.name}</b>: <b>{raisedText(e)}</b>{e.by ? ` by ${e.by}` : ""} <Time at={said.at} /> <a href={stepLink}>step</a>
    </p>
  );
}

function Avatar({ name, voice }: { name: string; voice: number }) {
  return <span class={`avatar voice-${voice}`} aria-hidden="true">{initials(name)}</span>;
}

function Meta({ said, run, stepLink }: { said: Said; run: string; stepLink(id: number): string }) {
  return (
    <span class="talk-meta dim">
      {said.tokens && <span title={`${said.tokens.in} in, ${said.tokens.out} out`}>{count(said.tokens.total)} tok</span>}
      {!!said.cost_usd && <span>{cost(said.cost_usd * 1e6)}</span>}
      {!!said.duration_ms && <span>{duration(said.duration_ms)}</span>}
      <Time at={said.at} exact />
      {said.event_id !== undefined && <StepLink said={said} run={run} stepLink={stepLink} />}
    </span>
  );
}

function StepLink({ said, run, stepLink }: { said: Said; run: string; stepLink(id: number): string }) {
  if (said.event_id === undefined) return null;
  const to = said.run === run ? stepLink(said.event_id) : links.run(said.run) + `?step=e${said.event_id}`;
  return <a href={to}>step</a>;
}
