// src/pages/settings.tsx
import { useState } from "./core.js";
import { useQuery } from "./core.js";
import { chooseUTC, duration, utc } from "./core.js";
import { chooseLetters, lettersOn } from "./core.js";
import { chooseTheme, initialTheme } from "./core.js";
import { Command } from "./core.js";
import { Problem } from "./core.js";
import { Fragment, jsx, jsxs } from "./core.js";
var libraries = [
  ["Preact", "MIT", "https://github.com/preactjs/preact"],
  ["@preact/signals and signals-core", "MIT", "https://github.com/preactjs/signals"],
  ["marked", "MIT", "https://github.com/markedjs/marked"]
];
var kept = ["completed", "failed", "terminated", "canceled"];
function Settings() {
  const info = useQuery("info");
  const [theme, setTheme] = useState(initialTheme());
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
              value: theme,
              onChange: (e) => {
                const t = e.currentTarget.value;
                chooseTheme(t);
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
