// src/pages/chat.tsx
import { jsx } from "./core.js";
function Chat({ params }) {
  return /* @__PURE__ */ jsx("section", { class: "page", children: /* @__PURE__ */ jsx("h1", { children: Object.values(params).join(" / ") || "Chat" }) });
}
export {
  Chat
};
