import { useEffect, useState } from "preact/hooks";

import type { Decision, TurnStep } from "../../api";
import { get, path } from "../../lib/api";
import { doneText, timeoutText } from "../../lib/decisions";
import { duration } from "../../lib/format";
import { links } from "../../lib/router";
import type { Called } from "../../lib/turnframes";
import { Arguments } from "../../parts/Arguments";
import { Deadline } from "../../parts/Deadline";
import { Decide } from "../../parts/Decide";
import { Payload } from "../../parts/Payload";
import { Visible } from "../../parts/Visible";

interface Props {
  call: Called;
  /** What the journal says of it, once it was read. */
  step?: TurnStep;
  /** The decision about it, once it was read. */
  decision?: Decision;
  running: boolean;
}

/** Tool is a call of a tool: folded, unless it waits for a person. */
export function Tool({ call, step, decision, running }: Props) {
  const [open, setOpen] = useState(false);
  const waits = !!call.decision && !call.decided && !call.ended;
  const failed = !!call.error || step?.status === "failed";
  const denied = decision?.answer === "deny" || (decision?.state === "expired" && decision.on_timeout !== "escalate");
  const state = waits ? "waits for a person" : call.ended ? (denied ? "denied" : failed ? "failed" : "done") : running ? "runs" : "open";
  return (
    <div role="group" class={"call call-" + (waits ? "waits" : call.ended ? (failed ? "failed" : "done") : "runs")} aria-label={"call of " + call.tool}>
      <button type="button" class="call-head" aria-expanded={open || waits} onClick={() => setOpen(!open)}>
        <span class="call-icon" aria-hidden="true">{waits ? "◆" : call.ended ? (failed ? "✕" : "✓") : "●"}</span>
        <span class="call-name"><Visible text={call.tool} exact /></span>
        <span class="call-args"><Visible text={short(call.args)} exact /></span>
        <span class="call-state">
          {state}
          {step?.ended && call.ended && " · " + duration(step.duration_ms ?? 0.5)}
          {step && step.attempt > 1 && ` · attempt ${step.attempt}`}
        </span>
      </button>
      {(open || waits) && (
        <div class="call-body">
          {call.run && (
            <p>served by {call.agent || "an agent"}: <a href={links.run(call.run)}>its run</a></p>
          )}
          {step?.effect_id && <p class="small dim">{step.effect && `${step.effect}, `}effect id <code>{step.effect_id}</code>{step.outcome_open && <span class="bad">; its outcome is not known</span>}</p>}
          {!waits && <><h4>Arguments</h4><Args text={call.args} /></>}
          {waits && <Waiting id={call.decision!} />}
          {!waits && (decision ?? null) && <p class="call-decided">{doneText(decision!)}{decision!.comment && <>: “<Visible text={decision!.comment} />”</>}</p>}
          {call.ended && (
            <>
              <h4>{call.error ? "Error" : "Result"}</h4>
              {call.error ? <Payload value={call.error} label="error" /> : call.result === undefined ? <p class="dim">{running ? "long: shown when the turn has ended" : "nothing"}</p> : <Payload value={call.result} label="result" />}
            </>
          )}
        </div>
      )}
    </div>
  );
}

function Args({ text }: { text: string }) {
  let value: unknown = text;
  if (text.length < 100_000) {
    try {
      value = JSON.parse(text);
    } catch {
      value = text;
    }
  }
  return <Arguments value={value} />;
}

function short(text: string): string {
  return text.length > 120 ? text.slice(0, 120) + "…" : text;
}

// Waiting shows the decision for which a call waits, as the inbox does.
export function Waiting({ id }: { id: string }) {
  const [d, setDecision] = useState<Decision | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    const c = new AbortController();
    get<Decision>(path`decisions/${id}`, c.signal).then(setDecision, (err: Error) => {
      if (!c.signal.aborted) {
        setError(err.message);
      }
    });
    return () => c.abort();
  }, [id]);
  if (!d) {
    return <p class="dim call-waiting">{error || "…"}</p>;
  }
  return (
    <div class="call-waiting">
      {d.kind !== "budget" && <Arguments value={d.args} />}
      <p class="small"><Deadline at={d.deadline ?? undefined} then={timeoutText(d.on_timeout)} /> · <a href={"inbox?id=" + encodeURIComponent(d.id)}>in the inbox</a></p>
      {d.state === "pending" ? <Decide decision={d} onDone={setDecision} /> : <p class="call-decided">{doneText(d)}</p>}
    </div>
  );
}
