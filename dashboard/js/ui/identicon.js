// A small picture of a name, the same on every page: a symmetric pattern in a colour of its own.

import { svg } from "./dom.js";

const SIDE = 5;
const known = new Map();

/** A number from a text, the same for the same text (FNV-1a). */
export function hash(text) {
  let number = 0x811c9dc5;
  for (const char of text) number = Math.imul(number ^ char.codePointAt(0), 0x01000193) >>> 0;
  return number;
}

/** The colour of a name, of the `count` that the style sheets have as `data-hue`. */
export const hueOf = (name, count = 12) => hash(name) % count;

/** The squares of a name's picture, as a path; pure. */
export function pattern(name) {
  const bits = hash(`${name}/picture`);
  const squares = [];
  for (let at = 0; at < SIDE * 3; at += 1) {
    if (((bits >> at) & 1) === 0) continue;
    const [x, y] = [Math.floor(at / SIDE), at % SIDE];
    squares.push([x, y]);
    if (x < 2) squares.push([SIDE - 1 - x, y]);
  }
  return squares.map(([x, y]) => `M${x} ${y}h1v1h-1z`).join("");
}

/** The picture; it repeats the name beside it, so nobody is told of it. */
export function identicon(name) {
  if (!known.has(name)) {
    if (known.size > 2000) known.clear();
    known.set(name, pattern(name));
  }
  const attributes = { viewBox: "0 0 5 5", class: "identicon", "aria-hidden": "true", "data-hue": hueOf(name) };
  return svg("svg", attributes, svg("path", { d: known.get(name) }));
}
