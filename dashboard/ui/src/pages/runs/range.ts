/** The filter with a range of creation in the place of the one that it had. */
export function within(filter: string, from: Date, to: Date): string {
  const rest = filter.replace(/(^|\s)created(?:>=|<=|>|<)[^\s()]+/g, "$1").replace(/\s+/g, " ").trim();
  const whole = /(^|[\s()])or([\s()]|$)/i.test(rest) ? `(${rest})` : rest;
  return `${whole} created>=${from.toISOString()} created<${to.toISOString()}`.trim();
}
