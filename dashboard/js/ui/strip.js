// A strip of colours: the states of an agent over some time, like a build monitor, with the same as words.

import { el, svg } from "./dom.js";
import { clock, duration, minute, secondsBetween } from "./format.js";
import { routeTo } from "../route.js";

/** Units from the strip's beginning to its end. */
const WIDTH = 1000;
const HEIGHT = 20;
const KNOWN = ["busy", "blocked", "error", "idle", "online", "offline", "lost", "hub down"];

/** `[{state, x, width, text, since}]` for spans of a time; pure. */
export function pieces(spans, since, until) {
  const all = secondsBetween(since, until);
  return spans.map((span) => {
    const x = (Math.max(secondsBetween(since, span.since), 0) / all) * WIDTH;
    const width = (secondsBetween(span.since, span.until) / all) * WIDTH;
    const text = `${span.state} for ${duration(secondsBetween(span.since, span.until))} from ${clock(span.since)}`;
    const state = KNOWN.includes(span.state) ? span.state : "other";
    return { state, x, width: Math.max(width, 1), text, since: span.since };
  });
}

/** The time in each state, the longest first: "busy 40 min, idle 2 min"; pure. */
export function shares(spans) {
  const seconds = new Map();
  for (const { state, since, until } of spans)
    seconds.set(state, (seconds.get(state) ?? 0) + secondsBetween(since, until));
  return [...seconds]
    .sort(([, one], [, other]) => other - one)
    .map(([state, all]) => `${state} ${duration(all)}`)
    .join(", ");
}

/** @typedef {{agent?: string | null, at?: string | null}} Wanted */

/**
 * The picture, under this name. With `agent`, each segment is a link to its page at that time; `at` is a time to mark.
 */
export function picture(spans, since, until, name, /** @type {Wanted} */ { agent = null, at = null } = {}) {
  const rects = pieces(spans, since, until).map(({ state, x, width, text, since: start }) => {
    const rect = svg("rect", { x, y: 0, width, height: HEIGHT, "data-state": state }, svg("title", {}, text));
    if (!agent) return rect;
    return svg("a", { href: routeTo(["agent", agent], { at: start }), "aria-label": text, tabindex: "-1" }, rect);
  });
  const mark = at ? (secondsBetween(since, at) / secondsBetween(since, until)) * WIDTH : null;
  const isIn = mark !== null && mark > 0 && mark < WIDTH;
  const line = isIn ? [svg("rect", { x: mark - 1.5, y: 0, width: 3, height: HEIGHT, class: "mark" })] : [];
  return svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: agent ? "group" : "img",
      class: "strip",
      "aria-label": name,
    },
    ...rects,
    ...line,
  );
}

/** The colours' meanings. */
export function legend() {
  const items = [...KNOWN, "other"].map((state) => el("li", { data: { state } }, state));
  return el("ul", { class: "legend", "aria-label": "colours" }, items);
}

/** The picture, and its newest states as a list. */
export function strip(spans, since, until, at) {
  const newest = pieces(spans, since, until).slice(-10).reverse();
  return [
    picture(spans, since, until, `states from ${clock(since)} to ${clock(until)}`, { at }),
    el(
      "ol",
      { class: "states", "aria-label": "states, the newest first" },
      newest.map(({ state, text }) => el("li", { data: { state } }, text)),
    ),
  ];
}

/** Times below a picture, from its beginning to its end. */
export function ticks(since, until) {
  const [first, last] = [Date.parse(since), Date.parse(until)];
  const times = [0, 1, 2, 3, 4].map((part) => new Date(first + ((last - first) * part) / 4));
  return el(
    "p",
    { class: "ticks" },
    times.map((time) => el("span", {}, minute(time))),
  );
}
