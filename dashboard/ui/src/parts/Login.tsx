import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { call, ProblemError } from "../lib/api";
import { Dialog } from "./Dialog";

/** Set when the API wants to know who asks. */
export const wantsLogin = signal(false);

/** Asks for a token and trades it for a cookie that scripts cannot read. */
export function Login() {
  const [token, setToken] = useState("");
  const [error, setError] = useState("");
  if (!wantsLogin.value) {
    return null;
  }
  return (
    <Dialog title="Sign in" onClose={() => (wantsLogin.value = false)}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          call("POST", "login", { body: { token } }).then(
            () => location.reload(),
            (x: unknown) => setError(x instanceof ProblemError ? x.message : String(x)),
          );
        }}
      >
        <label class="field">
          Token
          <input type="password" autocomplete="current-password" value={token} onInput={(e) => setToken(e.currentTarget.value)} />
        </label>
        {error && (
          <p class="problem" role="alert">
            {error}
          </p>
        )}
        <p class="dim">perdure token new writes one.</p>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </Dialog>
  );
}
