// Messages by time as stacked bars, a colour for each channel; pure but for the picture itself.

import { el, svg } from "./dom.js";
import { clock, minute } from "./format.js";

const HEIGHT = 100;
/** Channels with a colour of their own; the rest is one. */
export const COLOURS = 6;

/** The channels by how much was said, the first ones by name and the others as one: `[{name, counts, total}]`. */
export function series(channels) {
  const sum = (counts) => counts.reduce((all, one) => all + one, 0);
  const all = Object.entries(channels).map(([name, counts]) => ({ name, counts, total: sum(counts) }));
  all.sort((one, other) => other.total - one.total || one.name.localeCompare(other.name));
  if (all.length <= COLOURS) return all;
  const rest = all.slice(COLOURS - 1);
  const counts = rest[0].counts.map((_, bucket) => sum(rest.map((one) => one.counts[bucket])));
  return [...all.slice(0, COLOURS - 1), { name: `${rest.length} others`, counts, total: sum(counts) }];
}

/** The least that the highest bar stands for: one message alone is no peak. */
const MOST_MIN = 4;

/**
 * `{blocks: [{bucket, y, height, colour, count}], most}`; heights in parts of 100 of `most`, what the whole height
 * stands for.
 */
export function stacked(list) {
  const buckets = list[0]?.counts.length ?? 0;
  const totals = Array.from({ length: buckets }, (_, bucket) =>
    list.reduce((all, { counts }) => all + counts[bucket], 0),
  );
  const most = Math.max(MOST_MIN, ...totals);
  const blocks = totals.flatMap((_, bucket) => {
    let below = 0;
    return list.flatMap(({ counts }, colour) => {
      const height = (counts[bucket] / most) * HEIGHT;
      below += height;
      return height > 0 ? [{ bucket, y: HEIGHT - below, height, colour, count: counts[bucket] }] : [];
    });
  });
  return { blocks, most };
}

/** The picture with its scale, times and legend; `data` as the hub answers. */
export function bars(data, title) {
  const list = series(data.channels);
  const total = list.reduce((all, one) => all + one.total, 0);
  if (total === 0) return [el("p", { class: "empty" }, "Nothing was said.")];
  const name = `${title}: ${total} messages from ${clock(data.since)} to ${clock(data.until)}`;
  const { blocks, most } = stacked(list);
  const start = (bucket) => new Date(Date.parse(data.since) + bucket * data.bucket_seconds * 1000);
  const rects = blocks.map(({ bucket, y, height, colour, count }) => {
    const words = svg("title", {}, `${list[colour].name}: ${count} from ${minute(start(bucket))}`);
    return svg("rect", { x: bucket + 0.05, y, width: 0.9, height, "data-colour": colour }, words);
  });
  const viewBox = `0 0 ${list[0].counts.length} ${HEIGHT}`;
  const attributes = { viewBox, preserveAspectRatio: "none", role: "img", class: "bars", "aria-label": name };
  const items = list.map((one, colour) => el("li", { data: { colour: String(colour) } }, `${one.name}: ${one.total}`));
  const isCut = Date.parse(data.complete_since) > Date.parse(data.since);
  return [
    el(
      "figure",
      { class: "chart" },
      el("figcaption", {}, `The whole height is ${most} messages in ${data.bucket_seconds / 60} min.`),
      svg("svg", attributes, ...rects),
      ticks(data.since, data.until),
    ),
    el("ul", { class: "legend", "aria-label": "channels" }, items),
    isCut && el("p", { class: "empty" }, `Still counting; complete from ${clock(data.complete_since)} on.`),
  ].filter(Boolean);
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
