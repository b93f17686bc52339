// A strip of colours: what an agent was in over the last day, like a build monitor; the same is there as words.

import { el, svg } from "./dom.js";
import { clock, duration, secondsBetween } from "./format.js";

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
  const rects = parts.map(({ state, x, width, text }) => svg("rect", { x, y: 0, width, height: HEIGHT, "data-state": state }, svg("title", {}, text)));
  const name = `states from ${clock(since)} to ${clock(until)}`;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", class: "strip", "aria-label": name }, ...rects);
  const newest = parts.slice(-10).reverse();
  return [picture, el("ol", { class: "states", "aria-label": "states, the newest first" }, newest.map(({ state, text }) => el("li", { data: { state } }, text)))];
}
