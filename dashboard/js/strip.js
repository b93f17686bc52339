// A strip of colours: what an agent was in over the last day, like a build monitor; the same is there as words.

import { el } from "./dom.js";
import { clock, duration, secondsBetween } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
/** Units from the strip's beginning to its end. */
const WIDTH = 1000;
const HEIGHT = 20;
const KNOWN = ["busy", "error", "idle", "online", "offline"];

/** `[{state, x, width, text}]` for spans of a time; pure. */
export function pieces(spans, since, until) {
  const all = secondsBetween(since, until);
  return spans.map((span) => {
    const x = (Math.max(secondsBetween(since, span.since), 0) / all) * WIDTH;
    const width = (secondsBetween(span.since, span.until) / all) * WIDTH;
    const text = `${span.state} for ${duration(secondsBetween(span.since, span.until))} from ${clock(span.since)}`;
    return { state: KNOWN.includes(span.state) ? span.state : "other", x, width: Math.max(width, 1), text };
  });
}

/** The picture, and its newest states as a list. */
export function strip(spans, since, until) {
  const parts = pieces(spans, since, until);
  const picture = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", class: "strip", "aria-label": `states from ${clock(since)} to ${clock(until)}` })) {
    picture.setAttribute(name, value);
  }
  for (const { state, x, width, text } of parts) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x, y: 0, width, height: HEIGHT })) rect.setAttribute(name, String(value));
    rect.dataset.state = state;
    const title = document.createElementNS(SVG, "title");
    title.textContent = text;
    rect.append(title);
    picture.append(rect);
  }
  const newest = parts.slice(-10).reverse();
  return [picture, el("ol", { class: "states", "aria-label": "states, the newest first" }, newest.map(({ state, text }) => el("li", { data: { state } }, text)))];
}
