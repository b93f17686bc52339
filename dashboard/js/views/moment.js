// The time that the feed was led to: a line between what was said before it and after.

import { el } from "../dom.js";
import { ago, minute, secondsBetween } from "../format.js";

/** A silence around it that is shorter is not told of. */
const SILENCE_S = 5 * 60;
/** Replies that far from it are not folded away. */
const NEAR_S = 30 * 60;
/** What one knows of the hub's clock is that old at most. */
const CLOCK_S = 60;

export class Moment {
  /** `at`: the time; `seq`: that of the first message after it, or null where the log ends, at `head`, before it. */
  constructor(at, seq, head) {
    Object.assign(this, { at, head, seq: seq ?? Infinity });
    this.element = el("li", { class: "moment", tabindex: "-1" });
  }

  /** Where it stands among rows in the order of the log: before that one, -1 after all of them. */
  placeIn(rows) {
    if (this.seq === Infinity) {
      const isAfter = ({ seq, ts }) => seq > this.head && secondsBetween(this.at, ts) >= 0;
      this.seq = rows.find(isAfter)?.seq ?? Infinity;
    }
    return rows.findIndex((row) => row.seq >= this.seq);
  }

  isNear(row) {
    return Math.abs(secondsBetween(this.at, row.ts)) <= NEAR_S;
  }

  /** `before` and `after`: the rows beside it, undefined where there are none; `now` as the hub has it. */
  show(before, after, now, channel) {
    const [time, silence] = words({ at: this.at, before, after, now, channel });
    const text = silence ? `${time} · ${silence}` : time;
    if (this.element.textContent !== text)
      this.element.replaceChildren(el("strong", {}, time), silence && ` · ${silence}`);
  }
}

/** `[the time, the silence around it]` in words; the second may be empty. */
export function words({ at, before, after, now, channel }) {
  if (secondsBetween(now, at) > CLOCK_S) return [`${minute(at)} is yet to come`, ""];
  return [`${minute(at)}, ${ago(at, now)}`, silence(before, after, channel ? "said here" : "said")];
}

function silence(before, after, said) {
  if (!before) return after ? `nothing was ${said} before; the first message is of ${minute(after.ts)}` : "";
  if (!after) return `nothing was ${said} since ${minute(before.ts)}`;
  if (secondsBetween(before.ts, after.ts) < SILENCE_S) return "";
  return `nothing was ${said} from ${minute(before.ts)} to ${minute(after.ts)}`;
}
