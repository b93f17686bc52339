// The time that the feed was led to: a line between what was said before it and after.

import { el } from "../../ui/dom.js";
import { ago, minute, secondsBetween } from "../../ui/format.js";

/** A silence around it that is shorter is not told of. */
const SILENCE_S = 5 * 60;
/** Replies that far from it are not folded away. */
const NEAR_S = 30 * 60;
/** What one knows of the hub's clock is that old at most. */
const CLOCK_S = 60;

/** Whether this is a time. */
export const isTime = (at) => !Number.isNaN(Date.parse(at));

export class Moment {
  /** `at`: the time; `after`: the first message after it, null where the log ends, at the seq `head`, before it. */
  constructor(at, after, head) {
    this.at = at;
    this.after = after;
    this.head = head;
    this.element = el("li", { class: "moment", tabindex: "-1" });
  }

  /** What was said from this seq on was said after it. */
  get seq() {
    return this.after?.seq ?? Infinity;
  }

  /** `rows`: what was said after `head`, without a gap. */
  find(rows) {
    this.after ??= rows.find(({ seq, ts }) => seq > this.head && secondsBetween(this.at, ts) >= 0) ?? null;
  }

  /** Where it stands among rows in the order of the log: before that one, -1 after all of them. */
  placeIn(rows) {
    return rows.findIndex((row) => row.seq >= this.seq);
  }

  isNear(row) {
    return Math.abs(secondsBetween(this.at, row.ts)) <= NEAR_S;
  }

  /** `before`: the row before it, undefined where there is none; `now` as the hub has it. */
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
  // With the date where that is not the moment's.
  const time = ({ ts }) => minute(ts, new Date(at));
  if (!before) return after ? `nothing was ${said} before; the first message is of ${time(after)}` : "";
  if (!after) return `nothing was ${said} since ${time(before)}`;
  if (secondsBetween(before.ts, after.ts) < SILENCE_S) return "";
  return `nothing was ${said} from ${time(before)} to ${time(after)}`;
}
