// Live messages of all channels or of one, newest at the bottom. A few hundred rows are in the document at a time:
// scrolling up moves this window to older ones, which the hub is asked for when they are not here.

import { el } from "../dom.js";
import * as hub from "../hub.js";
import { inChannel } from "../state.js";
import { News } from "../news.js";
import { threads } from "../threads.js";
import { messageRow, refreshVisible } from "./message.js";
import { Thread } from "./thread.js";

const ROWS_MAX = 200;
const STEP = 100;
/** Pixels from the top at which older rows are fetched. */
const EDGE = 200;
/** Messages of one sender within so many milliseconds stand under one name. */
const GROUP_MS = 120_000;

export function feed({ params, onRows, onError }) {
  const view = new Feed(params.channel ?? "", onRows, onError);
  if (/^\d{1,15}$/.test(params.seq ?? "")) view.showLinked(params.seq);
  return {
    element: view.element,
    update: (state) => view.update(state),
    tick: () => refreshVisible(view.list, view.state?.gitea),
    items: () => [...view.list.querySelectorAll(".message")],
    // Enter on a message that has replies shows them, and hides them again.
    chosen: (item) => item.querySelector(":scope > div > .thread")?.click(),
  };
}

class Feed {
  /** What the page knows; null before the first update. */
  state = null;
  /** The seq of the last row shown; null follows the newest. */
  end = null;
  /** The newest message that was counted. */
  newest = null;
  /** Messages that came while somebody read above. */
  fresh = 0;
  /** Where following put the scroll bar: one that is above was moved by somebody. */
  followedTo = 0;
  /** The rows in the document, without those under them. */
  shown = [];
  /** Threads that are open. */
  opened = new Set();
  news = new News();
  isLoading = false;
  /** Set when the hub has nothing older. */
  isWhole = false;

  constructor(channel, onRows, onError) {
    Object.assign(this, { channel, onRows, onError });
    this.list = el("ol", { class: "messages", "aria-label": channel || "all messages", onclick: (event) => this.clicked(event) });
    this.chip = el("button", { type: "button", class: "chip", hidden: true, onclick: () => this.toNewest() });
    this.channels = el("ul", { class: "channels", "aria-label": "Channels" });
    this.box = el("div", { class: "scroll", tabindex: "0", "aria-label": "Messages", role: "region", onscroll: () => this.scrolled() }, this.list);
    // Deliveries and cards come later than their message, and push it down.
    new ResizeObserver(() => this.end === null && this.follow()).observe(this.list);
    const side = el("div", { class: "side" }, el("h1", { id: "feed-title" }, channel || "All messages"), this.channels);
    this.element = el("section", { class: "feed", "aria-labelledby": "feed-title" }, side, el("div", { class: "stream" }, this.box, this.chip));
  }

  /** The one message that a link names stands above the others, which may go on far from it. */
  async showLinked(seq) {
    try {
      const row = messageRow(await hub.message(seq));
      this.box.before(el("section", { class: "linked", "aria-label": `message ${seq}` }, el("ol", { class: "messages" }, row)));
    } catch (error) {
      this.onError(error);
    }
  }

  update(state) {
    const isFirst = this.state === null;
    this.state = state;
    const follow = this.end === null;
    this.count();
    this.draw();
    if (follow) {
      this.follow();
      refreshVisible(this.list, this.state.gitea);
    }
    if (isFirst && this.channel) this.load({ limit: ROWS_MAX });
    this.channels.replaceChildren(...channelLinks(state, this.channel));
  }

  /** Counts what came. */
  count() {
    const rows = inChannel(this.state, this.channel);
    const came = rows.length - 1 - rows.findLastIndex((row) => row.seq <= (this.newest ?? Infinity));
    this.newest = Math.max(this.newest ?? 0, rows.at(-1)?.seq ?? 0);
    this.fresh += came;
    this.news.add(came);
  }

  follow() {
    this.box.scrollTop = this.box.scrollHeight;
    this.followedTo = this.box.scrollTop;
  }

  draw() {
    const { firsts: rows, replies } = threads(inChannel(this.state, this.channel));
    const until = this.end === null ? rows.length : rows.findLastIndex((row) => row.seq <= this.end) + 1;
    // What somebody reads stays, also where the page has let go of it since.
    const kept = this.end === null ? [] : this.shown.filter((row) => row.seq < (rows[0]?.seq ?? Infinity));
    this.shown = [...kept, ...rows.slice(0, until)].slice(-ROWS_MAX);
    const known = new Map([...this.list.children].map((item) => [Number(item.dataset.seq), item]));
    const bySeq = new Map(this.state.messages.map((row) => [row.seq, row]));
    const anchor = this.firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    const item = (row, index) =>
      known.get(row.seq) ?? messageRow(row, { follows: follows(this.shown[index - 1], row), parent: bySeq.get(row.reply_to) });
    const items = this.shown.map(item);
    this.shown.forEach((row, index) => replies.has(row.seq) && this.fold(items[index], row, replies.get(row.seq)));
    const focused = document.activeElement;
    // Nothing is moved where nothing came: status changes of busy agents draw often.
    const isSame = items.length === this.list.children.length && items.every((item, at) => item === this.list.children[at]);
    if (!isSame) this.list.replaceChildren(...items);
    if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    // Rows that came above must not move those that are being read.
    if (this.end !== null && anchor?.isConnected) this.box.scrollTop += anchor.getBoundingClientRect().top - before;
    if (this.end === null) this.fresh = 0;
    this.chip.hidden = rows.length === until && this.fresh === 0;
    this.chip.textContent = this.fresh > 0 ? `${this.fresh} new` : "to the newest";
    if (this.shown.length === 0) this.list.replaceChildren(el("li", { class: "empty" }, "Nothing was said here yet."));
  }

  /** Puts the replies under their first message. */
  fold(item, row, replies) {
    if (!item.thread) {
      item.thread = new Thread(row, this.opened);
      item.append(item.thread.element);
    }
    item.thread.update(replies, this.state.now ?? new Date().toISOString());
  }

  scrolled() {
    if (this.state === null) return;
    const isAtBottom = this.isAtBottom();
    // The browser tells of a scrolling after the fact: of one that following did, more may have come below since.
    if (this.end === null && this.box.scrollTop >= this.followedTo - 1) return;
    if (this.box.scrollTop < EDGE) this.older();
    else if (isAtBottom && this.end !== null) this.newer();
    else if (!isAtBottom && this.end === null) this.end = this.shown.at(-1)?.seq ?? null;
  }

  isAtBottom() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 40;
  }

  /** Who opened a thread reads there, and is not taken to the newest message. */
  clicked(event) {
    if (!event.target.closest("button")) return;
    if (!this.isAtBottom()) this.end ??= this.shown.at(-1)?.seq ?? null;
    // Where all of it is in sight there is no scrolling that would ask for more.
    while (this.end !== null && this.isAtBottom()) this.newer();
  }

  async older() {
    const first = this.shown[0]?.seq;
    if (first === undefined || this.isLoading) return;
    const rows = this.firsts();
    if (rows.findIndex((row) => row.seq >= first) < STEP && !this.isWhole) {
      await this.load({ before: rows[0].seq, limit: ROWS_MAX });
    }
    const all = this.firsts();
    // Not always the same row: what it answers may have come now, and it stands under that.
    const place = all.findIndex((row) => row.seq >= first);
    if (place <= 0) return;
    this.end = all[Math.min(all.length - 1, Math.max(place - STEP, 0) + ROWS_MAX - 1)].seq;
    this.draw();
  }

  firsts() {
    return threads(inChannel(this.state, this.channel)).firsts;
  }

  newer() {
    const rows = this.firsts();
    const until = rows.findLastIndex((row) => row.seq <= this.end) + 1;
    const isCutOff = until === 0 && rows.length > 0;
    // Between what is shown and what the page has some are missing: they are asked for when one scrolls up from there.
    if (isCutOff) this.shown = [];
    this.end = until < rows.length ? rows[Math.min(rows.length, until + (isCutOff ? ROWS_MAX : STEP)) - 1].seq : null;
    this.draw();
    if (isCutOff) this.box.scrollTop = EDGE + 1;
    if (this.end === null) this.follow();
  }

  async load(asked) {
    this.isLoading = true;
    try {
      const more = await (this.channel ? hub.history(this.channel, asked) : hub.recent(asked));
      this.isWhole = asked.before !== undefined && more.length === 0;
      // Not the next drawing's: the window moves over the rows that came just now.
      this.state = this.onRows(more);
    } catch (error) {
      this.onError(error);
    } finally {
      this.isLoading = false;
    }
  }

  toNewest() {
    this.end = null;
    this.draw();
    this.follow();
  }

  firstVisible() {
    const { top } = this.box.getBoundingClientRect();
    return [...this.list.children].find((item) => item.getBoundingClientRect().bottom > top);
  }
}

function follows(before, row) {
  return before?.sender === row.sender && before.channel === row.channel && !row.reply_to && Date.parse(row.ts) - Date.parse(before.ts) < GROUP_MS;
}

function channelLinks(state, chosen) {
  const link = (name, text, members) =>
    el("li", {}, el("a", { href: name ? `#/feed?channel=${encodeURIComponent(name)}` : "#/feed", "aria-current": name === chosen ? "page" : null, title: members?.join(", ") || "no members" }, text, members && el("span", { class: "count" }, ` ${members.length}`)));
  return [link("", "all channels"), ...[...state.channels].sort(([a], [b]) => a.localeCompare(b)).map(([name, members]) => link(name, name, members))];
}
