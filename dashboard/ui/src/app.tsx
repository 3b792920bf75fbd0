// The shell: the rail, the state of the connection, and the page that the address names.
import { type FunctionComponent, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Announcer } from "./parts/Announcer";
import { Rail } from "./parts/Rail";
import { Help } from "./parts/Help";
import { Login } from "./parts/Login";
import { Palette } from "./parts/Palette";
import { useKeys } from "./lib/keys";
import { go, match, route, startRouter } from "./lib/router";
import { linkState } from "./lib/live";
import { Overview } from "./pages/overview";
import { Runs } from "./pages/runs";
import { Agents } from "./pages/agents";
import { Agent } from "./pages/agent";
import { Entities } from "./pages/entities";
import { Entity } from "./pages/entity";
import { Workers } from "./pages/workers";
import { Missing } from "./pages/missing";
import { lazily } from "./parts/Lazy";

export type PageProps = { params: Record<string, string> };

const Inbox = lazily(() => import("./pages/inbox").then((m) => m.Inbox));
const Run = lazily(() => import("./pages/run").then((m) => m.Run));
const Chat = lazily(() => import("./pages/chat").then((m) => m.Chat));
const Settings = lazily(() => import("./pages/settings").then((m) => m.Settings));
const Charts = lazily(() => import("./pages/charts").then((m) => m.Charts));

/** The pages by their address. A new one is a file in pages and a line here. */
const pages: [string, FunctionComponent<PageProps>, string][] = [
  ["", Overview, "Overview"],
  ["inbox", Inbox, "Inbox"],
  ["runs", Runs, "Runs"],
  ["runs/:id", Run, "Run"],
  ["agents", Agents, "Agents"],
  ["agents/:agent", Agent, "Agent"],
  ["agents/:agent/s/:key", Chat, "Chat"],
  ["entities", Entities, "Entities"],
  ["entities/:name/:key", Entity, "Entity"],
  ["workers", Workers, "Workers"],
  ["charts", Charts, "Charts"],
  ["settings", Settings, "Settings"],
];

function App() {
  const at = route.value;
  const [help, setHelp] = useState(false);
  useKeys({
    "?": () => setHelp(true),
    "g o": () => go(""),
    "g i": () => go("inbox"),
    "g r": () => go("runs"),
    "g a": () => go("agents"),
    "g e": () => go("entities"),
    "g w": () => go("workers"),
    "g c": () => go("charts"),
  });
  let found: [FunctionComponent<PageProps>, Record<string, string>, string] = [Missing, {}, "Not found"];
  for (const [pattern, page, title] of pages) {
    const params = match(pattern, at);
    if (params) {
      found = [page, params, title];
      break;
    }
  }
  const [Page, params, title] = found;
  const name = params["id"] ?? params["key"] ?? params["agent"];
  useEffect(() => {
    document.title = (name ? `${name} · ` : "") + `${title} · Perdure`;
  }, [at]);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById("main")?.focus())}>
        Skip to content
      </a>
      <Rail at={at} onHelp={() => setHelp(true)} />
      <main id="main" tabIndex={-1}>
        <OfflineBanner />
        <Page params={params} key={at} />
      </main>
      {help && <Help onClose={() => setHelp(false)} />}
      <Palette onHelp={() => setHelp(true)} />
      <Login />
      <Announcer />
    </div>
  );
}

function OfflineBanner() {
  const off = linkState.value === "offline";
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const t = setTimeout(() => setShown(off), off ? 1500 : 0);
    return () => clearTimeout(t);
  }, [off]);
  return shown ? (
    <div class="banner" role="alert">
      The server does not answer. What you see is what was last known; this page goes on by itself when the server is back.
    </div>
  ) : null;
}

startRouter();
render(<App />, document.getElementById("app") as HTMLElement);
