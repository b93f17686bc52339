// A small picture of a name, the same on every page: its initials on a tile with a colour and a shape of its own.

import { el } from "./dom.js";

/** Colours and shapes that the style sheets have as `data-hue` and `data-shape`. */
const HUES = 12;
const SHAPES = 4;

/** A number from a text, the same for the same text (FNV-1a). */
export function hash(text) {
  let number = 0x811c9dc5;
  for (const char of text) number = Math.imul(number ^ char.codePointAt(0), 0x01000193) >>> 0;
  return number;
}

/** Two letters for a name: of its first two words, or of its only one; pure. */
function initials(name) {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const [one = name, other] = words;
  const letters = other ? [[...one][0], [...other][0]] : [...one].slice(0, 2);
  return letters.join("").toLowerCase();
}

/** The parts of a name's picture: `{initials, hue, shape}`; pure. */
export function picture(name) {
  const number = hash(name);
  return { initials: initials(name), hue: number % HUES, shape: Math.floor(number / HUES) % SHAPES };
}

/** The picture. It repeats the name beside it, so screen readers skip it, and it is not copied as text. */
export const identicon = (name) => el("span", { class: "identicon", "aria-hidden": "true", data: picture(name) });
