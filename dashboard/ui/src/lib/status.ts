// What the states of runs are called, and how they look. A state is told by icon, word
// and colour together.

export interface Look {
  icon: string;
  word: string;
  tone: "neutral" | "active" | "wait" | "good" | "bad" | "warn" | "person";
}

const looks: Record<string, Look> = {
  pending: { icon: "◌", word: "Pending", tone: "neutral" },
  running: { icon: "▶", word: "Running", tone: "active" },
  suspended: { icon: "‖", word: "Suspended", tone: "warn" },
  completed: { icon: "✓", word: "Completed", tone: "good" },
  failed: { icon: "✕", word: "Failed", tone: "bad" },
  terminated: { icon: "■", word: "Terminated", tone: "neutral" },
  canceled: { icon: "⊘", word: "Canceled", tone: "neutral" },
  continued: { icon: "↻", word: "Continued", tone: "neutral" },
  stuck: { icon: "!", word: "Stuck", tone: "bad" },
  waiting_approval: { icon: "◆", word: "Waiting for approval", tone: "person" },
  retrying: { icon: "↺", word: "Retrying", tone: "warn" },
  active: { icon: "▶", word: "Active", tone: "active" },
  executing: { icon: "▶", word: "Executing", tone: "active" },
  queued: { icon: "…", word: "Queued", tone: "neutral" },
  waiting_event: { icon: "◇", word: "Waiting for event", tone: "wait" },
  waiting_timer: { icon: "◷", word: "Waiting for timer", tone: "wait" },
  idle: { icon: "○", word: "Idle", tone: "neutral" },
  answered: { icon: "✓", word: "Answered", tone: "good" },
  expired: { icon: "◷", word: "Expired", tone: "warn" },
  superseded: { icon: "⊘", word: "Superseded", tone: "neutral" },
};

export function look(state: string): Look {
  return looks[state] ?? { icon: "•", word: state.replaceAll("_", " "), tone: "neutral" };
}

/** Whether nothing of a run can move, also one that has not begun. */
export const isStuck = (r: { status: string; phase?: string }): boolean => r.phase === "stuck" && (r.status === "running" || r.status === "pending");

/** The state that says most about a run: its phase while it goes on. */
export function stateOf(r: { status: string; phase?: string }): string {
  return r.phase && (r.status === "running" || isStuck(r)) ? r.phase : r.status;
}

/** What a run is called: turns by their agent. */
export function nameOf(r: { name: string; agent?: string }): string {
  return r.name.startsWith("perdure.agent/") ? `${r.agent || r.name.slice("perdure.agent/".length)} (turn)` : r.name;
}

export const ended = (status: string): boolean => ["completed", "failed", "terminated", "canceled"].includes(status);
