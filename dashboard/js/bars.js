// Messages by time as stacked bars, a colour for each channel; pure but for the picture itself.

import { el, svg } from "./dom.js";
import { clock } from "./format.js";

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

/** `[{x, y, height, colour}]` in buckets and in parts of 100 of the highest bar. */
export function blocks(list) {
  const buckets = list[0]?.counts.length ?? 0;
  const totals = Array.from({ length: buckets }, (_, bucket) => list.reduce((all, { counts }) => all + counts[bucket], 0));
  const most = Math.max(1, ...totals);
  return totals.flatMap((_, bucket) => {
    let below = 0;
    return list.flatMap(({ counts }, colour) => {
      const height = (counts[bucket] / most) * HEIGHT;
      below += height;
      return height > 0 ? [{ x: bucket, y: HEIGHT - below, height, colour }] : [];
    });
  });
}

/** The picture with its legend; `data` as the hub answers. */
export function bars(data, title) {
  const list = series(data.channels);
  const total = list.reduce((all, one) => all + one.total, 0);
  if (total === 0) return [el("p", { class: "empty" }, "Nothing was said.")];
  const name = `${title}: ${total} messages from ${clock(data.since)} to ${clock(data.until)}`;
  const rects = blocks(list).map(({ x, y, height, colour }) => svg("rect", { x: x + 0.05, y, width: 0.9, height, "data-colour": colour }));
  const picture = svg("svg", { viewBox: `0 0 ${list[0].counts.length} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", class: "bars", "aria-label": name }, ...rects);
  const legend = el("ul", { class: "legend", "aria-label": "channels" }, list.map((one, colour) => el("li", { data: { colour: String(colour) } }, `${one.name}: ${one.total}`)));
  const isCut = Date.parse(data.complete_since) > Date.parse(data.since);
  return [picture, legend, isCut && el("p", { class: "empty" }, `Only the newest are counted, from ${clock(data.complete_since)} on.`)].filter(Boolean);
}
