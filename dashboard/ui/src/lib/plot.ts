// Where the points of a chart lie, in the coordinates of its drawing.

/** The drawing's width and height; it is stretched to the room there is. */
export const plotWidth = 600;
export const plotHeight = 120;

/** A round number that is not below n, for the top of an axis. */
export function roof(n: number): number {
  if (n <= 0) {
    return 1;
  }
  const unit = 10 ** Math.floor(Math.log10(n));
  return unit * ([1, 2, 3, 4, 5, 6, 8].find((f) => f * unit >= n * 0.9999) ?? 10);
}

/** The lines through values, broken where there is none; a lone value is a short dash. */
export function plotPath(values: (number | undefined)[], top: number): string {
  const step = plotWidth / Math.max(values.length, 1);
  const y = (v: number) => (plotHeight - (v / top) * (plotHeight - 4) - 1).toFixed(1);
  const x = (i: number) => ((i + 0.5) * step).toFixed(1);
  let text = "";
  values.forEach((v, i) => {
    if (v === undefined) {
      return;
    }
    const before = values[i - 1] !== undefined;
    const after = values[i + 1] !== undefined;
    text += (before ? "L" : "M") + x(i) + " " + y(v);
    if (!before && !after) {
      text += `h${Math.max(step / 2, 3).toFixed(1)}`;
    }
  });
  return text;
}
