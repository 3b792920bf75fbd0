import { type ProblemError } from "../lib/api";

/** What has gone wrong, and what to do. */
export function Problem({ error, retry }: { error: ProblemError; retry?: (() => void) | undefined }) {
  return (
    <div class="problem" role="alert">
      <strong>{error.message}</strong>
      {error.hint && <p>{error.hint}</p>}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
