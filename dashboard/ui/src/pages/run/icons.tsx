// Icons of steps: the kind by its form, the status by its colour.

const forms: Record<string, string> = {
  activity: "M3 8h7M7 4.5 10.5 8 7 11.5M13 3v10",
  internal: "M8 4.5v7M4.5 8h7",
  context: "M3 4h10M3 8h10M3 12h6",
  model: "M8 2.5 9.6 6.4 13.5 8 9.6 9.6 8 13.5 6.4 9.6 2.5 8 6.4 6.4Z",
  tool: "M10.5 2.5a3 3 0 0 0-2.8 4L3 11.2 4.8 13l4.7-4.7a3 3 0 0 0 4-3.6L11.7 6.5 10 6 9.5 4.3Z",
  agent: "M4 6.5h8v6H4ZM8 3.5v3M6.5 9.5h.01M9.5 9.5h.01",
  child: "M4 3v6a2 2 0 0 0 2 2h6M9.5 8.5 12 11l-2.5 2.5",
  timer: "M8 3.5a4.75 4.75 0 1 0 .01 0ZM8 5.5V8.3l2 1.2M6.5 1.5h3",
  event: "M2.5 8h7M6.5 4.5 10 8l-3.5 3.5M13 4v8",
  sent: "M3 4v8M6 8h7.5M10 4.5 13.5 8 10 11.5",
  entity: "M3 4.5C3 3 13 3 13 4.5v7C13 13 3 13 3 11.5ZM3 4.5C3 6 13 6 13 4.5",
  signal: "M3 8h6M9 5l4 3-4 3Z",
  lock: "M4.5 7.5h7v5h-7ZM6 7.5V5.5a2 2 0 0 1 4 0v2",
  decision: "M8 2.5 13.5 8 8 13.5 2.5 8Z",
};

/** The icon of a step; its kind and status stand in the row's label. bare leaves out its title, where the whole has one. */
export function StepIcon({ kind, status, bare = false }: { kind: string; status: string; bare?: boolean }) {
  return (
    <svg class={`step-icon is-${status}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {!bare && <title>{`${kind}, ${status}`}</title>}
      <path d={forms[kind] ?? forms["activity"]} />
    </svg>
  );
}
