// Links to other systems, by the patterns that the server was started with. Pure.

import type { Run } from "../../api";

/** A link to another system, at a field of a run. */
export interface Outside {
  field: string;
  value: string;
  href: string;
}

/** The value of a field of a run, as patterns name it. */
export function valueOf(run: Run, field: string): string {
  if (field.startsWith("tag.")) return run.tags?.[field.slice(4)] ?? "";
  const values: Record<string, string | undefined> = {
    id: run.id, name: run.name, version: run.version, agent: run.agent, session: run.session, parent: run.parent_id, root: run.root_id,
    worker: run.worker_id, model: run.model, trace: run.trace_id, fingerprint: run.error_fingerprint,
  };
  return values[field] ?? "";
}

/** The links of a run: those whose values it has all. */
export function outside(run: Run, patterns: Record<string, string> | undefined): Outside[] {
  const found: Outside[] = [];
  for (const [field, pattern] of Object.entries(patterns ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const value = valueOf(run, field);
    let whole = value !== "";
    const href = pattern.replace(/\{([^{}]*)\}/g, (_, name: string) => {
      const v = name === "value" ? value : valueOf(run, name);
      whole &&= v !== "";
      return encodeURIComponent(v);
    });
    if (whole && isWeb(href)) found.push({ field, value, href });
  }
  return found;
}

/** Whether an address is one that is safe to open: nothing that runs code. */
function isWeb(href: string): boolean {
  try {
    return ["http:", "https:"].includes(new URL(href).protocol);
  } catch {
    return false;
  }
}
