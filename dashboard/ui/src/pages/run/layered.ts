// A layered layout of a directed graph, from left to right. Pure, and the same for the
// same input.

/** A node with its size, in pixels. */
export interface Box {
  id: string;
  width: number;
  height: number;
}

/** A line from one node to another. */
export interface Link {
  from: string;
  to: string;
}

/** A point on the drawing. */
export interface Point {
  x: number;
  y: number;
}

/** Where everything lies: the left upper corners of boxes by id, and the points of each link. */
export interface Layout {
  boxes: Map<string, Point>;
  links: Point[][];
  width: number;
  height: number;
}

const betweenLayers = 72;
const betweenBoxes = 18;

// A place is a box, or a bend of a link that crosses a layer.
interface Place {
  width: number;
  height: number;
  layer: number;
  order: number;
  y: number;
  before: Place[];
  after: Place[];
}

/** Lays out boxes so that links lead to the right; those of a circle lead back. */
export function layered(boxes: Box[], links: Link[]): Layout {
  const places = new Map<string, Place>();
  for (const b of boxes) {
    places.set(b.id, { width: b.width, height: b.height, layer: 0, order: 0, y: 0, before: [], after: [] });
  }
  const known = links.map((l) => ({ from: places.get(l.from), to: places.get(l.to) }));
  rank(places, known);
  const layers: Place[][] = [];
  for (const p of places.values()) (layers[p.layer] ??= []).push(p);
  const routes = known.map((l) => (l.from && l.to && l.from !== l.to ? route(l.from, l.to, layers) : []));
  untangle(layers);
  stack(layers);
  return draw(boxes, places, layers, routes);
}

/** Gives each place its layer: one after the last of those that lead to it. */
function rank(places: Map<string, Place>, links: { from?: Place; to?: Place }[]): void {
  const after = new Map<Place, Place[]>();
  for (const l of links) {
    if (!l.from || !l.to) continue;
    const list = after.get(l.from);
    if (list) list.push(l.to);
    else after.set(l.from, [l.to]);
  }
  // Depth first, without recursion: the order in which places are left, reversed, has
  // all before what they lead to, but for links that close a circle.
  const state = new Map<Place, 1 | 2>();
  const order: Place[] = [];
  const closing = new Map<Place, Set<Place>>();
  for (const root of places.values()) {
    if (state.has(root)) continue;
    const path: { place: Place; next: number }[] = [{ place: root, next: 0 }];
    state.set(root, 1);
    while (path.length > 0) {
      const top = path[path.length - 1]!;
      const to = after.get(top.place)?.[top.next++];
      if (!to) {
        state.set(top.place, 2);
        order.push(top.place);
        path.pop();
      } else if (!state.has(to)) {
        state.set(to, 1);
        path.push({ place: to, next: 0 });
      } else if (state.get(to) === 1) {
        const set = closing.get(top.place) ?? new Set();
        closing.set(top.place, set.add(to));
      }
    }
  }
  for (const from of order.reverse()) {
    for (const to of after.get(from) ?? []) {
      if (to !== from && !closing.get(from)?.has(to)) to.layer = Math.max(to.layer, from.layer + 1);
    }
  }
}

/** The places of a link: its ends, and a bend in each layer between them. */
function route(from: Place, to: Place, layers: Place[][]): Place[] {
  const step = to.layer > from.layer ? 1 : -1;
  const all = [from];
  for (let layer = from.layer + step; from.layer !== to.layer && layer !== to.layer; layer += step) {
    const bend: Place = { width: 0, height: 0, layer, order: 0, y: 0, before: [], after: [] };
    layers[layer]!.push(bend);
    all.push(bend);
  }
  all.push(to);
  for (let i = 1; i < all.length; i++) {
    const [left, right] = step > 0 ? [all[i - 1]!, all[i]!] : [all[i]!, all[i - 1]!];
    left.after.push(right);
    right.before.push(left);
  }
  return all;
}

/** Orders each layer by the middle of what its places are tied to, back and forth. */
function untangle(layers: Place[][]): void {
  const number = (layer: Place[]) => layer.forEach((p, i) => (p.order = i));
  layers.forEach(number);
  for (let sweep = 0; sweep < 6; sweep++) {
    const forth = sweep % 2 === 0;
    for (const layer of forth ? layers : [...layers].reverse()) {
      const keys = new Map(layer.map((p) => [p, middle(forth ? p.before : p.after, p.order)]));
      layer.sort((a, b) => keys.get(a)! - keys.get(b)! || a.order - b.order);
      number(layer);
    }
  }
}

function middle(tied: Place[], otherwise: number): number {
  return tied.length === 0 ? otherwise : tied.reduce((sum, p) => sum + p.order, 0) / tied.length;
}

/** Gives places their height on the drawing: near those before them, without overlap. */
function stack(layers: Place[][]): void {
  for (const layer of layers) spread(layer, (p) => p.before);
  for (const layer of [...layers].reverse()) spread(layer, (p) => (p.after.length > 0 ? p.after : p.before));
  for (const layer of layers) spread(layer, (p) => (p.before.length > 0 ? p.before : p.after));
  const top = Math.min(0, ...layers.flatMap((l) => (l[0] ? [l[0].y] : [])));
  for (const layer of layers) for (const p of layer) p.y -= top;
}

function spread(layer: Place[], tied: (p: Place) => Place[]): void {
  let at = -Infinity;
  let moved = 0;
  for (const p of layer) {
    const list = tied(p);
    const wish = list.length === 0 ? (at === -Infinity ? p.y : at) : mean(list) - p.height / 2;
    p.y = Math.max(wish, at);
    moved += p.y - wish;
    at = p.y + p.height + betweenBoxes;
  }
  // What had to move went down: all go up by the mean of it.
  for (const p of layer) p.y -= moved / layer.length;
}

function mean(list: Place[]): number {
  return list.reduce((sum, p) => sum + p.y + p.height / 2, 0) / list.length;
}

function draw(boxes: Box[], places: Map<string, Place>, layers: Place[][], routes: Place[][]): Layout {
  const left: number[] = [];
  const right: number[] = [];
  let x = 0;
  let height = 0;
  for (const layer of layers) {
    left.push(x);
    x += layer.reduce((most, p) => Math.max(most, p.width), 0);
    right.push(x);
    x += betweenLayers;
    for (const p of layer) height = Math.max(height, p.y + p.height);
  }
  const corner = (p: Place): Point => ({ x: left[p.layer]!, y: p.y });
  const links = routes.map((all) => all.flatMap((p, i): Point[] => {
    const y = p.y + p.height / 2;
    const [a, b] = [left[p.layer]!, left[p.layer]! + p.width];
    if (i === 0) return [{ x: all[1]!.layer < p.layer ? a : b, y }];
    if (i === all.length - 1) return [{ x: all[i - 1]!.layer > p.layer ? b : a, y }];
    const ends = [{ x: left[p.layer]!, y }, { x: right[p.layer]!, y }];
    return all[i - 1]!.layer < p.layer ? ends : ends.reverse();
  }));
  return {
    boxes: new Map(boxes.map((b) => [b.id, corner(places.get(b.id)!)])),
    links,
    width: Math.max(0, x - betweenLayers),
    height,
  };
}

/** An SVG path through points: level at each of them. */
export function curve(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let at = first;
  let path = `M${round(at.x)} ${round(at.y)}`;
  for (const p of rest) {
    const bend = (p.x - at.x) / 2;
    path += at.y === p.y ? `L${round(p.x)} ${round(p.y)}` : `C${round(at.x + bend)} ${round(at.y)} ${round(p.x - bend)} ${round(p.y)} ${round(p.x)} ${round(p.y)}`;
    at = p;
  }
  return path;
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}
