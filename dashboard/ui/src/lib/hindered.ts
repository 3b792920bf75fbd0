// What keeps everybody from changing anything.
import { readOnly } from "./api";
import { linkState } from "./live";

/** Says why nothing can be changed now; "" = it can. Who shows it is told when that changes. */
export function hindered(): string {
  if (readOnly) {
    return "This server takes no changes.";
  }
  return linkState.value === "offline" ? "The server does not answer." : "";
}
