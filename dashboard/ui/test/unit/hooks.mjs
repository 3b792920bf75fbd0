// Has Node find what the compiled tests import: `node --import ./unit/hooks.mjs --test`.
// Modules are named without .js, libraries by the aliases of tsconfig.json.
import { readFileSync } from "node:fs";
import { register } from "node:module";

const ui = new URL("../../", import.meta.url);
const paths = new Map(Object.entries(JSON.parse(readFileSync(new URL("tsconfig.json", ui), "utf8")).compilerOptions.paths));

export function resolve(name, context, next) {
  const alias = paths.get(name)?.[0];
  if (alias) return { url: new URL(alias + ".js", ui).href, shortCircuit: true };
  return next(/^\.\.?\//.test(name) && !/\.[cm]?js$/.test(name) ? name + ".js" : name, context);
}

/** All files are modules, though no package.json says so. */
export function load(url, context, next) {
  return next(url, url.startsWith("file:") && url.endsWith(".js") ? { ...context, format: "module" } : context);
}

register(import.meta.url);
