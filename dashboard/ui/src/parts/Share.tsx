import { useRef, useState } from "preact/hooks";

import { commandOf } from "../lib/shell";
import { announce } from "./Announcer";
import { hubFlag } from "./Command";
import { CopyIcon } from "./Copy";
import { MenuList, type Item } from "./Menu";

interface Props {
  /** What it is a menu of, such as "run". */
  what: string;
  /** Its page, below <base>; absent = the one that is shown. */
  link?: string;
  id?: string;
  /** The command that shows it: verb, arguments, and options. */
  command?: [verb: string, args?: string[], options?: Record<string, string | undefined>];
  /** Where the API has it as JSON, and the name of the file. */
  json?: { path: string; file: string };
}

/** A menu by which anything is taken along: its link, its id, the command that shows it, its JSON. */
export function Share({ what, link, id, command, json }: Props) {
  const [at, setAt] = useState<{ x: number; y: number }>();
  const [done, setDone] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  const copy = (label: string, text: () => string): Item => ({
    label,
    run: () =>
      navigator.clipboard.writeText(text()).then(
        () => {
          setDone(true);
          announce("Copied");
          setTimeout(() => setDone(false), 1200);
        },
        () => announce("The browser does not let this page copy"),
      ),
  });
  const items: Item[] = [copy("Copy link", () => (link === undefined ? location.href : new URL(link, document.baseURI).href))];
  if (id !== undefined) {
    items.push(copy("Copy id", () => id));
  }
  if (command) {
    items.push(copy("Copy as CLI command", () => commandOf(command[0], command[1] ?? [], hubFlag(), command[2])));
  }
  if (json) {
    items.push({ label: "Download JSON", run: () => download(json.path, json.file) });
  }
  return (
    <span class="share" ref={box}>
      <button
        type="button"
        class="quiet"
        aria-haspopup="menu"
        aria-expanded={at !== undefined}
        aria-label={`Copy or download the ${what}`}
        title="Link, id, command, JSON"
        onClick={(e) => {
          const r = e.currentTarget.getBoundingClientRect();
          setAt(at ? undefined : { x: r.left, y: r.bottom + 4 });
        }}
      >
        {done ? "✓" : <CopyIcon />}
      </button>
      {at && (
        <MenuList
          label={`Copy or download the ${what}`}
          items={items}
          at={at}
          within={box}
          onClose={(why) => {
            setAt(undefined);
            if (why !== "away") {
              box.current?.querySelector("button")?.focus();
            }
          }}
        />
      )}
    </span>
  );
}

/** Has the browser save an answer of the API. */
function download(path: string, file: string): void {
  const a = document.createElement("a");
  a.href = "api/v1/" + path;
  a.download = file.replace(/[^\w.-]+/g, "-");
  a.click();
}
