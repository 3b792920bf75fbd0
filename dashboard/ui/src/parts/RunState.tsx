import type { Run } from "../api";
import { isActive, overlays } from "../lib/overlay";
import { stateOf } from "../lib/status";
import { Status } from "./Status";

/** The state of a run; while it is active whether its work is queued or executed, as far as that is known. */
export function RunState({ run }: { run: Run }) {
  const told = isActive(run) ? overlays.value.get(run.id) : undefined;
  return <Status state={told?.state ?? stateOf(run)} word={waitWord(run)} />;
}

/** What a run waits for that waits for no event. */
function waitWord(run: Run): string | undefined {
  if (run.status !== "running" || run.phase !== "waiting_event" || run.wait_name) {
    return undefined;
  }
  return run.pending_counts?.children ? "Waiting for child" : run.pending_counts?.entities ? "Waiting for entity" : undefined;
}

/** Who executes the work of a run, or has executed the last of it. */
export function RunWorker({ run }: { run: Run }) {
  const told = isActive(run) ? overlays.value.get(run.id) : undefined;
  const worker = told?.worker ?? run.worker_id;
  return worker ? <span class={told?.worker ? "" : "dim"} title={told?.worker ? `${worker} executes it` : `${worker} was the last`}>{worker}</span> : null;
}
