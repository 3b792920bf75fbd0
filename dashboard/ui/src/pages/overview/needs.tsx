// What needs somebody: what waits for a person, what is stuck, what has failed, and workers
// that were lost.
import type { Decision, DecisionItems, FailureGroup, Lost, RunPage } from "../../api";
import { links } from "../../lib/router";
import { stateOf } from "../../lib/status";
import { Status } from "../../parts/Status";
import { Time } from "../../parts/Time";
import { Visible } from "../../parts/Visible";

interface Props {
  decisions: DecisionItems["items"];
  /** Runs that wait for an event of a person. */
  events: RunPage["items"];
  stuck: RunPage["items"];
  failures: FailureGroup[];
  lost: Lost[];
}

/** What tells a decision from others like it: what is to be done with what. */
function aboutOf(d: Decision): string {
  const args = d.kind === "budget" ? d.reason : JSON.stringify(d.args);
  return [d.agent, args].filter(Boolean).join(": ").slice(0, 200);
}

export function Needs({ decisions, events, stuck, failures, lost }: Props) {
  if (decisions.length + events.length + stuck.length + failures.length + lost.length === 0) {
    return <p class="dim">Nothing waits for you. Paused runs hold no compute.</p>;
  }
  return (
    <ul class="plain">
      {decisions.map((d) => (
        <li key={d.id} class="two-lines">
          <Status state="waiting_approval" word={d.kind === "approval" ? "Approval" : d.kind.replaceAll("_", " ")} /> <a href={"inbox?id=" + encodeURIComponent(d.id)}>{d.tool || d.agent}</a> <span class="dim" title={aboutOf(d)}><Visible text={aboutOf(d)} exact /></span> <Time at={d.requested_at} />
        </li>
      ))}
      {events.map((r) => (
        <li key={r.id} class="two-lines">
          <Status state="waiting_event" word={r.wait_name} /> <a href={"inbox?id=" + encodeURIComponent("run:" + r.id)}>{r.id}</a> <span class="dim" title={r.name}>{r.name}</span> <Time at={r.phase_since} />
        </li>
      ))}
      {stuck.map((r) => (
        <li key={r.id} class="two-lines">
          <Status state={stateOf(r)} /> <a href={links.run(r.id)}>{r.id}</a> <span class="dim" title={r.phase_cause}>{r.name}: {r.phase_cause}</span>
        </li>
      ))}
      {failures.map((f) => (
        <li key={f.fingerprint} class="two-lines">
          <Status state="failed" word={`${f.count.toLocaleString("en")} failed`} /> <a href={links.runs(`status:failed completed>-1h fingerprint:${f.fingerprint}`)}>{f.names.slice(0, 3).join(", ")}</a>{" "}
          <span class="dim" title={f.error_text}>
            {f.error_text}
          </span>
          <Time at={f.at} />
        </li>
      ))}
      {lost.map((w) => (
        <li key={w.id + w.at}>
          <Status state="stuck" word="Worker lost" /> <a href="workers">{w.id || "unnamed"}</a> <span class="dim">{w.items === 0 ? "it had nothing" : `${w.items} item${w.items === 1 ? "" : "s"} went to others`}</span>
          <Time at={w.at} />
        </li>
      ))}
    </ul>
  );
}
