// src/pages/settings.tsx
import { useQuery } from "./core.js";
import { chooseUTC, duration, utc } from "./core.js";
import { useInfo } from "./core.js";
import { chooseLetters, lettersOn } from "./core.js";
import { links } from "./core.js";
import { setTheme, theme } from "./core.js";
import { Command } from "./core.js";
import { NumberTable } from "./core.js";
import { Problem } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
var libraries = [
  ["Preact", "MIT", "github.com/preactjs/preact"],
  ["@preact/signals and signals-core", "MIT", "github.com/preactjs/signals"],
  ["marked", "MIT", "github.com/markedjs/marked"]
];
var kept = ["completed", "failed", "terminated", "canceled"];
function Prices() {
  const agents = useQuery("agents");
  const list = agents.data?.items ?? [];
  const usd = (n) => n === void 0 ? "–" : "$" + n;
  return /* @__PURE__ */ jsxs("section", { class: "card wide", "aria-labelledby": "s-prices", children: [
    /* @__PURE__ */ jsx("h2", { id: "s-prices", children: "Prices" }),
    agents.data && list.length === 0 && /* @__PURE__ */ jsx("p", { class: "dim", children: "No agent is registered." }),
    list.length > 0 && /* @__PURE__ */ jsxs(Fragment, { children: [
      /* @__PURE__ */ jsx("p", { children: "US dollars for a million tokens, as costs and budgets count them:" }),
      /* @__PURE__ */ jsx(
        NumberTable,
        {
          label: "Prices",
          words: 2,
          heads: ["Agent", "Model", "In", "Cached", "Out"],
          rows: list.map((a) => ({
            key: a.name,
            cells: [
              /* @__PURE__ */ jsx("a", { href: links.agent(a.name), children: a.name }),
              a.model ?? "not told",
              ...a.price ? [usd(a.price.Input), usd(a.price.CachedInput ?? a.price.Input), usd(a.price.Output)] : [/* @__PURE__ */ jsx("span", { class: "dim", children: "not known" }), "", ""]
            ]
          }))
        }
      )
    ] }),
    /* @__PURE__ */ jsx("p", { class: "dim", children: "They are the providers' list prices unless an agent has its own (Agent.Prices). Calls without a price count as tokens only." })
  ] });
}
function Settings() {
  const info = useInfo();
  const i = info.data;
  return /* @__PURE__ */ jsxs("section", { class: "page", children: [
    /* @__PURE__ */ jsx("h1", { children: "Settings" }),
    info.error && /* @__PURE__ */ jsx(Problem, { error: info.error, retry: info.refetch }),
    /* @__PURE__ */ jsxs("div", { class: "columns", children: [
      /* @__PURE__ */ jsxs("section", { class: "card", "aria-labelledby": "s-browser", children: [
        /* @__PURE__ */ jsx("h2", { id: "s-browser", children: "This browser" }),
        /* @__PURE__ */ jsxs("label", { class: "field", children: [
          "Theme",
          /* @__PURE__ */ jsxs(
            "select",
            {
              value: theme.value,
              onChange: (e) => {
                const t = e.currentTarget.value;
                setTheme(t);
              },
              children: [
                /* @__PURE__ */ jsx("option", { value: "system", children: "As the system" }),
                /* @__PURE__ */ jsx("option", { value: "light", children: "Light" }),
                /* @__PURE__ */ jsx("option", { value: "dark", children: "Dark" })
              ]
            }
          )
        ] }),
        /* @__PURE__ */ jsxs("label", { class: "field row", children: [
          /* @__PURE__ */ jsx("input", { type: "checkbox", checked: utc.value, onChange: (e) => chooseUTC(e.currentTarget.checked) }),
          " Times in UTC"
        ] }),
        /* @__PURE__ */ jsxs("label", { class: "field row", children: [
          /* @__PURE__ */ jsx("input", { type: "checkbox", checked: lettersOn.value, onChange: (e) => chooseLetters(e.currentTarget.checked) }),
          " Single letters are keys"
        ] })
      ] }),
      /* @__PURE__ */ jsxs("section", { class: "card", "aria-labelledby": "s-retention", children: [
        /* @__PURE__ */ jsx("h2", { id: "s-retention", children: "Retention" }),
        /* @__PURE__ */ jsx("p", { children: "How long runs are kept after their end, as the server was started:" }),
        /* @__PURE__ */ jsx("ul", { class: "plain", children: i && kept.map((status) => {
          const ms = i.retention?.[status];
          return /* @__PURE__ */ jsxs("li", { children: [
            /* @__PURE__ */ jsx("span", { children: status }),
            " ",
            /* @__PURE__ */ jsx("strong", { children: ms ? duration(ms) : "for ever" })
          ] }, status);
        }) }),
        /* @__PURE__ */ jsx("p", { class: "dim", children: "It is set with" }),
        /* @__PURE__ */ jsx(Command, { text: "--retention completed=30d,failed=365d" })
      ] }),
      /* @__PURE__ */ jsxs("section", { class: "card", "aria-labelledby": "s-server", children: [
        /* @__PURE__ */ jsx("h2", { id: "s-server", children: "Server" }),
        i && /* @__PURE__ */ jsx("dl", { class: "traits", children: [["Version", i.version], ["Hub", i.hub], ["Store", i.store], ["Data", i.data], ["Model", i.model], ["You are", `${i.caller.name} (${i.caller.role})`], ["Changes", i.read_only ? "refused: it is read-only" : i.caller.writes ? "allowed" : "not with this token"]].map(
          ([name, value]) => value && /* @__PURE__ */ jsxs("div", { children: [
            /* @__PURE__ */ jsx("dt", { children: name }),
            /* @__PURE__ */ jsx("dd", { children: value })
          ] }, name)
        ) }),
        i && /* @__PURE__ */ jsxs(Fragment, { children: [
          /* @__PURE__ */ jsx("p", { class: "dim", children: "Workers and SDKs connect with" }),
          /* @__PURE__ */ jsx(Command, { text: i.connection_string })
        ] })
      ] }),
      /* @__PURE__ */ jsxs("section", { class: "card", "aria-labelledby": "s-links", children: [
        /* @__PURE__ */ jsx("h2", { id: "s-links", children: "Links" }),
        i && Object.keys(i.links ?? {}).length === 0 && /* @__PURE__ */ jsx("p", { children: "Runs have no links to other systems, such as to traces or to an order that a tag names." }),
        /* @__PURE__ */ jsx("ul", { class: "plain", children: Object.entries(i?.links ?? {}).map(([field, pattern]) => /* @__PURE__ */ jsxs("li", { children: [
          /* @__PURE__ */ jsx("span", { class: "tag", children: field }),
          " ",
          /* @__PURE__ */ jsx("code", { title: pattern, children: pattern })
        ] }, field)) }),
        /* @__PURE__ */ jsx("p", { class: "dim", children: "They are set with" }),
        /* @__PURE__ */ jsx(Command, { text: "--link 'trace=https://jaeger.example.com/trace/{value}'" })
      ] }),
      /* @__PURE__ */ jsx(Prices, {}),
      /* @__PURE__ */ jsxs("section", { class: "card", "aria-labelledby": "s-licences", children: [
        /* @__PURE__ */ jsx("h2", { id: "s-licences", children: "Licences" }),
        /* @__PURE__ */ jsx("p", { children: "Perdure is under the Apache License 2.0. This dashboard uses:" }),
        /* @__PURE__ */ jsx("ul", { class: "plain", children: libraries.map(([name, licence, home]) => /* @__PURE__ */ jsxs("li", { children: [
          /* @__PURE__ */ jsx("span", { children: name }),
          " ",
          /* @__PURE__ */ jsx("span", { class: "tag", children: licence }),
          " ",
          /* @__PURE__ */ jsx("span", { class: "dim", children: home })
        ] }, name)) })
      ] })
    ] })
  ] });
}
export {
  Settings
};
