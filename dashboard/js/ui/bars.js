// Messages by time as stacked bars, a colour for each channel; pure except for the picture itself.
//
// One flood must not flatten the hour: the scale is linear up to a cap, and a higher bar is cut and marked.

import { el, svg } from "./dom.js";
import { clock, minute } from "./format.js";
import { hash } from "./identicon.js";
import { ticks } from "./strip.js";
import { routeTo } from "../route.js";

const HEIGHT = 100;
/** Channels with a part of their own; the others share one. */
export const SHOWN = 8;
/** Colours of channels. */
export const COLOURS = 10;
/** The smallest value of the full height: one message alone is no peak. */
const MOST_MIN = 4;
/** A bar that is this many times higher than most others is cut. */
const CAP_OVER_USUAL = 4;

/** A channel's colour: the same on every picture and every day. */
export const colourOf = (name) => (/^\d+ others$/.test(name) ? "rest" : String(hash(name) % COLOURS));

/** The channels by number of messages, the first ones by name and the others as one: `[{name, counts, total}]`. */
export function series(channels, hidden = new Set()) {
  const sum = (counts) => counts.reduce((all, one) => all + one, 0);
  const all = Object.entries(channels)
    .filter(([name]) => !hidden.has(name))
    .map(([name, counts]) => ({ name, counts, total: sum(counts) }));
  all.sort((one, other) => other.total - one.total || one.name.localeCompare(other.name));
  if (all.length <= SHOWN) return all;
  const rest = all.slice(SHOWN - 1);
  const counts = rest[0].counts.map((_, bucket) => sum(rest.map((one) => one.counts[bucket])));
  return [...all.slice(0, SHOWN - 1), { name: `${rest.length} others`, counts, total: sum(counts) }];
}

/** The value of the full height: the highest bar, or in a flood a multiple of the usual; pure. */
export function cap(totals) {
  const most = Math.max(MOST_MIN, ...totals);
  const said = totals.filter((total) => total > 0).sort((a, b) => a - b);
  const usual = said[Math.floor(said.length * 0.9)] ?? 0;
  const least = Math.max(MOST_MIN, usual * CAP_OVER_USUAL);
  return most > least ? least : most;
}

/**
 * `{blocks: [{bucket, y, height, at, count}], cap, most, over: [bucket]}`; heights in parts of 100 of `cap`.
 */
export function stacked(list) {
  const buckets = list[0]?.counts.length ?? 0;
  const totals = Array.from({ length: buckets }, (_, bucket) =>
    list.reduce((all, { counts }) => all + counts[bucket], 0),
  );
  const whole = cap(totals);
  const blocks = totals.flatMap((total, bucket) => {
    let below = 0;
    // A bar that is cut keeps its parts' shares.
    const scale = HEIGHT / Math.max(whole, total);
    return list.flatMap(({ counts }, at) => {
      const height = counts[bucket] * scale;
      below += height;
      return height > 0 ? [{ bucket, y: HEIGHT - below, height, at, count: counts[bucket] }] : [];
    });
  });
  const over = totals.flatMap((total, bucket) => (total > whole ? [bucket] : []));
  return { blocks, cap: whole, most: Math.max(0, ...totals), over, totals };
}

/** The picture with its scale, times and legend of the hub's `data`; `toggled(name)` hides or shows a channel. */
export function bars(data, title, { hidden, toggled }) {
  const list = series(data.channels, hidden);
  const total = list.reduce((all, one) => all + one.total, 0);
  if (total === 0 && hidden.size === 0) return [el("p", { class: "empty" }, "No messages.")];
  const { blocks, cap: whole, most, over, totals } = stacked(list);
  const start = (bucket) => new Date(Date.parse(data.since) + bucket * data.bucket_seconds * 1000);
  const at = (bucket) => routeTo(["feed"], { at: start(bucket).toISOString() });
  const links = totals.flatMap((all, bucket) => {
    const parts = blocks.filter((block) => block.bucket === bucket);
    if (parts.length === 0) return [];
    const words = parts.map((block) => `${list[block.at].name}: ${block.count}`).join("\n");
    const rects = parts.map(({ y, height, at: which }) =>
      svg("rect", { x: bucket + 0.06, y, width: 0.88, height, "data-colour": colourOf(list[which].name) }),
    );
    const flood = over.includes(bucket)
      ? [svg("rect", { x: bucket + 0.06, y: 0, width: 0.88, height: 3, class: "cut" })]
      : [];
    const tip = svg("title", {}, `${minute(start(bucket))}: ${all} messages\n${words}`);
    const label = `${minute(start(bucket))}: ${all} messages`;
    return [svg("a", { href: at(bucket), "aria-label": label, tabindex: "-1" }, tip, ...rects, ...flood)];
  });
  const attributes = {
    viewBox: `0 0 ${list[0]?.counts.length ?? 1} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "group",
    class: "bars",
    "aria-label": `${title}: ${total} messages from ${clock(data.since)} to ${clock(data.until)}`,
  };
  const isCut = Date.parse(data.complete_since) > Date.parse(data.since);
  const minutes = data.bucket_seconds / 60;
  const cutNote = over.length > 0 ? `; bars above ${whole} are cut off` : "";
  return [
    el(
      "figure",
      { class: "chart" },
      el("figcaption", {}, `Peak: ${most} / ${minutes === 1 ? "min" : `${minutes} min`}${cutNote}`),
      el(
        "div",
        { class: "plot" },
        el(
          "div",
          { class: "scale", "aria-hidden": "true" },
          [whole, whole / 2, 0].map((one) => el("span", {}, String(Math.round(one)))),
        ),
        svg("svg", attributes, ...links),
      ),
      ticks(data.since, data.until),
    ),
    legend(list, hidden, toggled),
    isCut && el("p", { class: "empty" }, `Still counting; complete from ${clock(data.complete_since)} on.`),
  ].filter(Boolean);
}

/** The channels' colours; a press hides or shows a channel. */
function legend(list, hidden, toggled) {
  const entry = (name, text, isShown) =>
    el(
      "li",
      { data: { colour: colourOf(name) } },
      el("button", { type: "button", "aria-pressed": String(isShown), onclick: () => toggled(name) }, text),
    );
  const items = list.map((one) => entry(one.name, `${one.name}: ${one.total}`, true));
  const gone = [...hidden].map((name) => entry(name, `${name} (hidden)`, false));
  return el("ul", { class: "legend", "aria-label": "channels" }, items, gone);
}
