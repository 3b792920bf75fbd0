// src/pages/charts.tsx
import { jsx } from "./core.js";
function Charts({ params }) {
  return /* @__PURE__ */ jsx("section", { class: "page", children: /* @__PURE__ */ jsx("h1", { children: Object.values(params).join(" / ") || "Charts" }) });
}
export {
  Charts
};
