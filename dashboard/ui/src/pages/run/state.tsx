// The state of the run at an event, and the scrubber that chooses it.

import { useEffect, useRef, useState } from "preact/hooks";
import type { RunState as StateAt, RunStep } from "../../api";
import { path, query, useQuery } from "../../lib/api";
import { duration } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { param, setParams } from "../../lib/router";
import { stateOf } from "../../lib/status";
import { JsonView } from "../../parts/JsonView";
import { Problem } from "../../parts/Problem";
import { Status } from "../../parts/Status";
import { Time } from "../../parts/Time";
import { ms, waits } from "./bars";
import { StepIcon } from "./icons";
import { keyOf } from "./model";
import { Payload } from "./payload";
import { title } from "./timeline";

interface Props {
  run: string;
  execution: string;
  /** events that there are; more come while the run goes on */
  total: number;
  began: number;
}

/** Shows the run as it was after an event. */
export function StateTab({ run, execution, total, began }: Props) {
  const chosen = Math.min(Number(param("at")) || total, total);
  const at = useSettled(chosen);
  const { data, error, refetch } = useQuery<StateAt>(total > 0 ? path`runs/${run}/state` + query({ at, execution }) : undefined);
  const choose = (n: number) => setParams({ at: n >= total ? undefined : String(Math.max(1, n)) });
  useKeys({ ",": () => choose(chosen - 1), ".": () => choose(chosen + 1) });
  const state = data;
  return (
    <div class="state">
      <div class="scrub">
        <button type="button" aria-label="One event back" title="One event back ( , )" disabled={chosen <= 1} onClick={() => choose(chosen - 1)}>‹</button>
        <input type="range" min={1} max={Math.max(1, total)} value={chosen} aria-label="Event" aria-valuetext={state ? `event ${chosen}, ${state.event.type}` : `event ${chosen}`} onInput={(e) => choose(Number(e.currentTarget.value))} />
        <button type="button" aria-label="One event on" title="One event on ( . )" disabled={chosen >= total} onClick={() => choose(chosen + 1)}>›</button>
        <span class="num scrub-at">{chosen.toLocaleString("en")} of {total.toLocaleString("en")}</span>
      </div>
      {error && <Problem error={error} retry={refetch} />}
      {state && (
        <div class="state-grid">
          <section class="card">
            <h2>After event {state.at.toLocaleString("en")}</h2>
            <p><Status state={stateOf({ status: state.status })} /> <span class="dim">turn {state.turn} · <Time at={state.time} exact /> · {duration(Math.max(0, Date.parse(state.time) - began))} after the beginning</span></p>
            <p><b>{state.event.type}</b> {state.event.name}{state.event.step !== undefined && <span class="dim"> ends step {state.event.step}</span>}</p>
            {state.event.failure && <p class="bad">{state.event.failure.message}</p>}
            {state.event.data !== undefined ? <JsonView value={state.event.data} />
              : state.event.data_bytes ? <Payload title="Payload" run={run} execution={execution} n={state.at} size={state.event.data_bytes} /> : null}
          </section>
          <section class="card">
            <h2>Pending <span class="badge">{state.open.length}</span></h2>
            <StepList steps={state.open} now={Date.parse(state.time)} none="Nothing is pending." />
          </section>
          <section class="card">
            <h2>Ended <span class="badge">{state.done + state.failed}</span>{state.failed > 0 && <span class="bad"> {state.failed} failed</span>}</h2>
            <StepList steps={state.ended} now={Date.parse(state.time)} none="No step has ended." />
            {state.done + state.failed > state.ended.length && <p class="dim">The newest {state.ended.length} are shown.</p>}
          </section>
        </div>
      )}
    </div>
  );
}

function StepList({ steps, now, none }: { steps: RunStep[]; now: number; none: string }) {
  if (steps.length === 0) return <p class="dim">{none}</p>;
  return (
    <ul class="plain">
      {steps.slice(0, 100).map((s) => {
        const from = ms(s.scheduled_at);
        const to = ms(s.completed_at);
        return (
          <li key={keyOf(s)}>
            <StepIcon kind={s.kind} status={s.status} /> <span>{title(s)}</span>
            <span class={s.status === "failed" ? "bad" : "dim"}>{s.status === "failed" ? s.failure?.message : to === undefined ? (waits(s) ? "waits" : s.status) : ""}</span>
            <span class="dim num end">{from !== undefined && duration(Math.max(0, (to ?? now) - from))}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** A value that is taken on when it has stood for a moment, so that scrubbing asks once. */
function useSettled(value: number): number {
  const [settled, setSettled] = useState(value);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return undefined;
    }
    const timer = setTimeout(() => setSettled(value), 60);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
