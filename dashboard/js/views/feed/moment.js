// The chosen time of the feed: a line between the messages before and after it.

import { el } from "../../ui/dom.js";
import { ago, minute, secondsBetween } from "../../ui/format.js";

/** A shorter silence around it is not mentioned. */
const SILENCE_S = 5 * 60;
/** Replies within this distance are not folded away. */
const NEAR_S = 30 * 60;
/** The page's knowledge of the hub's clock is at most this old. */
const CLOCK_S = 60;

/** True if this is a time. */
export const isTime = (at) => !Number.isNaN(Date.parse(at));

export class Moment {
  /** `at`: the time; `after`: the first message after it, or null if the log ends before it, at the seq `head`. */
  constructor(at, after, head) {
    this.at = at;
    this.after = after;
    this.head = head;
    this.element = el("li", { class: "moment", tabindex: "-1" });
  }

  /** Messages from this seq on came after the time. */
  get seq() {
    return this.after?.seq ?? Infinity;
  }

  /** `rows`: the messages after `head`, without a gap. */
  find(rows) {
    this.after ??= rows.find(({ seq, ts }) => seq > this.head && secondsBetween(this.at, ts) >= 0) ?? null;
  }

  /** The index of the line among rows in the order of the log; -1 after all of them. */
  placeIn(rows) {
    return rows.findIndex((row) => row.seq >= this.seq);
  }

  isNear(row) {
    return Math.abs(secondsBetween(this.at, row.ts)) <= NEAR_S;
  }

  /** `before`: the row before it, undefined if there is none; `now`: the hub's time. */
  show(before, now, channel) {
    const [time, silence] = words({ at: this.at, before, after: this.after, now, channel });
    const text = silence ? `${time} · ${silence}` : time;
    if (this.element.textContent === text) return;
    this.element.replaceChildren(el("strong", {}, time), silence && ` · ${silence}`);
  }
}

/** `[the time, the silence around it]` in words; the second may be empty. */
export function words({ at, before, after, now, channel }) {
  if (!isTime(at)) return [`${at} is not a time; 2026-11-25T20:28Z would be one`, ""];
  if (secondsBetween(now, at) > CLOCK_S) return [`${minute(at)} is yet to come`, ""];
  return [`${minute(at)}, ${ago(at, now)}`, silence(at, before, after, channel ? "said here" : "said")];
}

function silence(at, before, after, said) {
  // With the date if it is not the date of the chosen time.
  const time = ({ ts }) => minute(ts, new Date(at));
  if (!before) return after ? `nothing was ${said} before; the first message is of ${time(after)}` : "";
  if (!after) return `nothing was ${said} since ${time(before)}`;
  if (secondsBetween(before.ts, after.ts) < SILENCE_S) return "";
  return `nothing was ${said} from ${time(before)} to ${time(after)}`;
}
