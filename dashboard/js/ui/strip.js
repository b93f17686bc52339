// A strip of colours: what an agent was in over some time, like a build monitor; the same is there as words.

import { el, svg } from "./dom.js";
import { clock, duration, secondsBetween } from "./format.js";

/** Units from the strip's beginning to its end. */
const WIDTH = 1000;
const HEIGHT = 20;
const KNOWN = ["busy", "blocked", "error", "idle", "online", "offline", "lost", "hub down"];

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

/** How long it was in each state, the longest first: "busy 40 min, idle 2 min"; pure. */
export function shares(spans) {
  const seconds = new Map();
  for (const { state, since, until } of spans)
    seconds.set(state, (seconds.get(state) ?? 0) + secondsBetween(since, until));
  return [...seconds]
    .sort(([, one], [, other]) => other - one)
    .map(([state, all]) => `${state} ${duration(all)}`)
    .join(", ");
}

/** The picture, under this name. */
export function picture(spans, since, until, name) {
  const rects = pieces(spans, since, until).map(({ state, x, width, text }) =>
    svg("rect", { x, y: 0, width, height: HEIGHT, "data-state": state }, svg("title", {}, text)),
  );
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", class: "strip", "aria-label": name },
    ...rects,
  );
}

/** What the colours mean. */
export function legend() {
  const items = [...KNOWN, "other"].map((state) => el("li", { data: { state } }, state));
  return el("ul", { class: "legend", "aria-label": "colours" }, items);
}

/** The picture, and its newest states as a list. */
export function strip(spans, since, until) {
  const newest = pieces(spans, since, until).slice(-10).reverse();
  return [
    picture(spans, since, until, `states from ${clock(since)} to ${clock(until)}`),
    el(
      "ol",
      { class: "states", "aria-label": "states, the newest first" },
      newest.map(({ state, text }) => el("li", { data: { state } }, text)),
    ),
  ];
}
