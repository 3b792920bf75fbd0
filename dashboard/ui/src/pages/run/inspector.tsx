// The inspector: what is known of one step.

import type { ComponentChildren } from "preact";
import type { Failure, RunStep } from "../../api";
import { bytes, cost, count, duration } from "../../lib/format";
import { links, setParams } from "../../lib/router";
import { Copy } from "../../parts/Copy";
import { Time } from "../../parts/Time";
import { ms, timesOf } from "./bars";
import { StepIcon } from "./icons";
import { StepLog } from "./logs";
import { Payload } from "./payload";
import type { LiveStep } from "./model";
import { title } from "./timeline";

interface Props {
  run: string;
  execution: string;
  step: LiveStep;
  now: number;
  end?: number;
  onClose(): void;
  /** Asks to rewind the run to before the step; missing = it cannot be. */
  onRewind?(event: number): void;
  /** Asks to fork the run from before the step; missing = it cannot be. */
  onFork?(event: number): void;
}

/** The kinds of steps that are code of the run's own, which may log. */
const logs = new Set(["activity", "tool", "model", "context", "internal"]);

/** Shows a step beside the timeline. */
export function Inspector({ run, execution, step, now, end, onClose, onRewind, onFork }: Props) {
  const payload = (title: string, n: number | undefined, size: number | undefined, open = false) =>
    n && size ? <Payload key={`${title} ${n}`} title={title} run={run} execution={execution} n={n} size={size} open={open} /> : null;
  return (
    <aside class="inspector" aria-label={`Step ${title(step)}`}>
      <header class="inspector-head">
        <StepIcon kind={step.kind} status={step.status} />
        <h2>{title(step)}</h2>
        <button type="button" class="quiet" aria-label="Close the inspector" onClick={onClose}>✕</button>
      </header>
      {step.failure && <Failed failure={step.failure} />}
      <dl class="facts">
        <Fact name="Status">{statusText(step)}</Fact>
        <Fact name="Kind">{step.kind}{step.n > 0 && <span class="dim"> · event {step.n}{step.end_n && step.end_n !== step.n ? ` to ${step.end_n}` : ""}</span>}</Fact>
        {step.attempt > 1 && <Fact name="Attempt">{step.attempt}{step.max_attempts ? ` of ${step.max_attempts}` : ""}</Fact>}
        {step.model && <Fact name="Model">{step.provider ? `${step.provider}/` : ""}{step.model}</Fact>}
        {step.tokens && (
          <Fact name="Tokens">
            {count(step.tokens.total)} <span class="dim">({count(step.tokens.in)} in{step.tokens.cached ? `, ${count(step.tokens.cached)} cached` : ""}, {count(step.tokens.out)} out)</span>
          </Fact>
        )}
        {!!step.cost_usd && <Fact name="Cost">{cost(step.cost_usd * 1e6)}</Fact>}
        {step.run && <Fact name="Run"><a href={links.run(step.run)}>{step.run}</a></Fact>}
        {step.target && <Fact name="Target">{targetLink(step.target)}</Fact>}
        {step.effect && <Fact name="Effect">{step.effect}</Fact>}
        {step.effect_id && <Fact name="Effect id"><code>{step.effect_id}</code> <Copy text={step.effect_id} what="effect id" /></Fact>}
        {step.sent_at && <Fact name="Sent"><Time at={step.sent_at} exact />{(step.sends ?? 1) > 1 && <span class="dim"> · {step.sends} times</span>}{step.outcome_open && <span class="bad"> · its outcome is not known</span>}</Fact>}
        {step.decision && <Fact name="Decision"><a href="inbox">{step.answer ? `${step.answer}${step.decided_by ? ` by ${step.decided_by}` : ""}` : "open, see the inbox"}</a></Fact>}
        <Times step={step} now={now} end={end} />
        {step.worker && <Fact name="Worker">{step.worker}</Fact>}
      </dl>
      {onRewind && step.n > 0 && <button type="button" class="rewind-here" onClick={() => onRewind(step.attempts?.[0]?.n ?? step.n)}>Rewind to before this step…</button>}
      {onFork && step.n > 0 && <button type="button" class="rewind-here" onClick={() => onFork(step.attempts?.[0]?.n ?? step.n)}>Fork from before this step…</button>}
      {payload("Input", step.kind === "event" ? 0 : step.n, step.input_bytes)}
      {payload("Output", step.end_n, step.output_bytes, (step.output_bytes ?? 0) < 4096)}
      {(step.attempts?.length ?? 0) > 0 && <Attempts step={step} />}
      {logs.has(step.kind) && <StepLog run={run} step={step} onAll={() => setParams({ tab: "logs", lines: undefined }, false)} />}
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div class="fact"><dt>{name}</dt><dd>{children}</dd></div>;
}

function statusText(step: LiveStep): string {
  if (step.state) return step.state === "queued" ? "queued: it waits for a worker" : "executing";
  if (step.status === "asked") return "waits for a decision";
  if (step.status === "canceled") return "canceled: the run does not wait for it any more";
  return step.status;
}

function targetLink(target: string) {
  const entity = /^@([^@]+)@(.*)$/s.exec(target);
  return <a href={entity ? links.entity(entity[1]!, entity[2]!) : links.run(target)}>{target}</a>;
}

function Times({ step, now, end }: { step: RunStep; now: number; end?: number | undefined }) {
  const t = timesOf(step, now, end);
  const scheduled = step.attempts?.[0]?.scheduled_at ?? step.scheduled_at;
  return (
    <>
      {scheduled && <Fact name="Scheduled"><Time at={scheduled} exact /></Fact>}
      {step.dequeued_at && <Fact name="Taken"><Time at={step.dequeued_at} exact /> <span class="dim">by a worker</span></Fact>}
      {step.started_at && <Fact name="Began"><Time at={step.started_at} exact /></Fact>}
      {step.fire_at && <Fact name={step.kind === "decision" ? "Deadline" : "Fires"}><Time at={step.fire_at} exact /></Fact>}
      {step.completed_at && <Fact name="Ended"><Time at={step.completed_at} exact /></Fact>}
      <Fact name="Took">
        {duration(t.whole)}
        {(t.queued > 0 || t.paused > 0) && <span class="dim"> · queued {duration(t.queued)}, ran {duration(t.ran)}{t.paused > 0 ? `, paused ${duration(t.paused)}` : ""}</span>}
      </Fact>
    </>
  );
}

/** Shows why something failed, and what caused that. */
export function Failed({ failure }: { failure: Failure }) {
  return (
    <section class="failure" aria-label="Failure">
      <p class="failure-text"><strong>{failure.type}</strong> {failure.message}{failure.non_retriable && <span class="dim"> · is not tried again</span>}</p>
      {failure.stack && <details><summary>Stack <span class="dim">{bytes(failure.stack.length)}</span></summary><pre class="code">{failure.stack}</pre></details>}
      {failure.cause && !failure.message.includes(failure.cause.message) && <div class="cause"><p class="dim">caused by</p><Failed failure={failure.cause} /></div>}
    </section>
  );
}

function Attempts({ step }: { step: RunStep }) {
  const all = [...(step.attempts ?? []), step];
  return (
    <details class="attempts" open={all.length <= 5}>
      <summary>{all.length} attempts</summary>
      <ol>
        {all.map((a, i) => {
          const from = ms(a.started_at) ?? ms(a.scheduled_at);
          const to = ms(a.completed_at);
          const ended = to === undefined || from === undefined ? "" : duration(to - from);
          return (
            <li key={a.n}>
              <span class={a.failure ? "bad" : ""}>{a.failure ? "failed" : i === all.length - 1 ? step.status : "ended"}</span>
              {ended && ` after ${ended}`}{a.worker && <span class="dim"> on {a.worker}</span>}
              {a.backoff_until && to !== undefined && <span class="dim">, then paused {duration(ms(a.backoff_until)! - to)}</span>}
              {a.failure && <div class="dim attempt-error">{a.failure.message}</div>}
            </li>
          );
        })}
      </ol>
    </details>
  );
}

