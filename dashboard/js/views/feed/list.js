// The feed's rows as elements: threads below their first message, grouped by sender, with lines for days and for the
// chosen time. Unchanged rows stay.

import { el, put } from "../../ui/dom.js";
import { day, isSameDay } from "../../ui/format.js";
import { threads } from "../../model/threads.js";
import { messageRow } from "../message.js";
import { Moment } from "./moment.js";
import { Thread } from "./thread.js";

/** Messages of one sender within this time are grouped below one name. */
const GROUP_MS = 120_000;

export class FeedList {
  /** Open threads, including those that were opened for the mark and may be folded afterwards. */
  opened = new Set();
  offered = new Set();
  /** Threads by the item of their first message. */
  threads = new WeakMap();
  /** @type {Moment | null} */
  moment = null;

  constructor(list, channel) {
    this.list = list;
    this.channel = channel;
    this.nothing = el("li", { class: "empty" }, "No messages here yet.");
  }

  /** The mark: the line of a time, or the message of a link. */
  get mark() {
    return this.moment?.element ?? this.list.querySelector(".target");
  }

  /** `feed` as the machine has it; `isShown(row)` says which rows pass the filters; `now` is the hub's time. */
  draw(feed, { isShown, now }) {
    const { run } = feed;
    this.noteMoment(feed.moment);
    const { moment } = this;
    const place = moment?.placeIn(run.rows);
    const shown = run.isFiltered ? run.rows.filter(isShown) : run.rows;
    const { firsts, replies } = threads(shown, moment?.seq);
    const known = new Map([...this.list.children].map((item) => [Number(item.dataset.seq), item]));
    const answered = ({ reply_to }) => {
      const isIt = ({ seq }) => seq === reply_to;
      return reply_to ? (feed.messages.findLast(isIt) ?? run.rows.findLast(isIt)) : undefined;
    };
    const make = (row) =>
      messageRow(row, { parent: answered(row), isTarget: row.seq === feed.target, channel: this.channel });
    const items = firsts.map((row) => known.get(row.seq) ?? make(row));
    // The row above may have changed: a thread was folded, or a row was cut.
    firsts.forEach((row, at) => items[at].classList.toggle("follows", this.follows(firsts[at - 1], row, feed.target)));
    firsts.forEach((row, at) => replies.has(row.seq) && this.fold(items[at], row, replies.get(row.seq), feed, now));
    const lines = this.withMoment(feed, place, firsts, withDays(firsts, items), now);
    put(this.list, items.length === 0 && run.isWhole ? [this.nothing, ...lines] : lines);
    return items.length;
  }

  noteMoment(moment) {
    if (moment === null) this.moment = null;
    else if (this.moment && this.moment.at === moment.at) this.moment.after = moment.after;
    else this.moment = new Moment(moment.at, moment.after, moment.head);
  }

  /** True if a row continues the message of the same sender above it. */
  follows(above, row, target) {
    if (!above || row.seq === target || row.reply_to) return false;
    if (above.sender !== row.sender || above.channel !== row.channel) return false;
    const isApart = this.moment !== null && above.seq < this.moment.seq && row.seq >= this.moment.seq;
    return !isApart && Date.parse(row.ts) - Date.parse(above.ts) < GROUP_MS && isSameDay(above.ts, row.ts);
  }

  /** Puts the replies under their first message. */
  fold(item, row, replies, { target }, now) {
    if (!this.threads.has(item)) {
      const isWanted = (reply) => reply.seq === target || Boolean(this.moment?.isNear(reply));
      if (!this.offered.has(row.seq) && replies.some(isWanted)) {
        this.opened.add(row.seq);
        this.offered.add(row.seq);
      }
      const thread = new Thread(row, { opened: this.opened, target, channel: this.channel });
      this.threads.set(item, thread);
      item.append(thread.element);
    }
    this.threads.get(item).update(replies, now ?? new Date().toISOString());
  }

  /** The items with the line of the time, if the messages on both sides of it are known. */
  withMoment({ run, messages }, place, firsts, items, now) {
    const { moment } = this;
    if (moment === null) return items;
    const isCovered = messages.length > 0 && messages[0].seq <= moment.head + 1;
    const isEnd = run.upTo >= moment.head && (moment.after !== null || isCovered);
    const isKnown = place < 0 ? isEnd || moment.head === Infinity : place > 0 || run.isWhole;
    if (!isKnown) return items;
    moment.show(place < 0 ? run.rows.at(-1) : run.rows[place - 1], now, this.channel);
    const first = firsts[moment.placeIn(firsts)];
    const at = first ? items.findIndex((item) => item.dataset.seq === String(first.seq)) : items.length;
    return items.toSpliced(at, 0, moment.element);
  }
}

/** The items with a line where a new day begins. */
function withDays(firsts, items) {
  const isNew = (at) => at > 0 && !isSameDay(firsts[at].ts, firsts[at - 1].ts);
  return items.flatMap((item, at) =>
    isNew(at)
      ? [el("li", { class: "day-line", data: { seq: `day-${day(firsts[at].ts)}` } }, day(firsts[at].ts)), item]
      : [item],
  );
}
