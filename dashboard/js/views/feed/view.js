// Live messages of all channels or of one, newest at the bottom. It shows one run of the log: at first the newest, that
// of a link's message or time, and what scrolling moves it to.

import { announce, el, morph, morphItems, put } from "../../ui/dom.js";
import { clock } from "../../ui/format.js";
import * as hub from "../../wire/hub.js";
import { read } from "../../model/marks.js";
import { News } from "../../ui/news.js";
import { append, covers, emptyRun, prepend } from "../../model/run.js";
import { inChannel } from "../../model/state.js";
import { threads } from "../../model/threads.js";
import { channelItems, membersBox } from "./channels.js";
import { goTo } from "./goto.js";
import { messageRow, refreshVisible } from "../message.js";
import { Moment, isTime } from "./moment.js";
import { Thread } from "./thread.js";

/** Rows asked for at a time. */
const STEP = 100;
/** Rows made in one go, and those to begin with: of more that came at once, only the newest are read. */
const BURST = 60;
/** Pixels from the top at which older rows are fetched. */
const EDGE = 200;
/** Messages of one sender within so many milliseconds stand under one name. */
const GROUP_MS = 120_000;
/** Milliseconds after which is asked about what is in sight. */
const REFRESH_MS = 500;
/** The channels are drawn anew at most so often. */
const CHANNELS_EVERY_MS = 300;

/** `params`: `channel`, and `seq` or `at` (a time) for where to begin. */
export function feed({ params, go, onError }) {
  const view = new Feed(params, go, onError);
  return {
    element: view.element,
    update: (state) => view.update(state),
    tick: () => view.refresh(),
    items: () => view.items(),
    home: view.box,
    again: () => view.again(),
    // Enter on a message that has replies shows them, and hides them again.
    chosen: (item) => item.querySelector(":scope > div > .thread")?.click(),
    keys: {
      c: () => view.channels.querySelector("[aria-current]")?.focus(),
      h: () => view.bar.querySelector("button").click(),
      n: () => view.toNewest(),
    },
  };
}

class Feed {
  /** What the page knows; null before the first update. */
  state = null;
  run = emptyRun;
  /** Whether the newest are shown as they come. */
  isFollowing = true;
  /** The newest message that was counted. */
  newest = null;
  /** Messages that came while somebody read above. */
  fresh = 0;
  /** Where following put the scroll bar: one that is above was moved by somebody. */
  followedTo = 0;
  /** Threads that are open. */
  opened = new Set();
  /** The seq that the address leads to, or the time. */
  target = null;
  moment = null;
  /** Seqs of the threads that were opened for what one came for: afterwards they may be folded. */
  offered = new Set();
  /** Where the scroll bar was put for that, null once somebody has moved it; and how high the box was. */
  broughtTo = null;
  broughtIn = 0;
  news = new News();
  /** What the hub was asked last and has not answered yet. */
  asked = null;
  channelsTimer = null;
  refreshTimer = null;
  /** The channels whose members are shown. */
  shownChannels = null;

  constructor(params, go, onError) {
    this.channel = params.channel ?? "";
    Object.assign(this, { params, given: params, go, onError });
    this.list = el("ol", {
      class: "messages",
      "aria-label": this.channel || "all messages",
      onclick: (event) => this.clicked(event),
    });
    this.more = el(
      "button",
      { type: "button", class: "older", hidden: true, onclick: () => this.older() },
      "Older messages",
    );
    this.chip = el("button", { type: "button", class: "chip", hidden: true, onclick: () => this.toNewest() });
    this.channels = el("ul", { class: "channels", "aria-label": "Channels" });
    this.members = el("div", { class: "members" });
    this.box = el(
      "div",
      { class: "scroll", tabindex: "0", "aria-label": "Messages", role: "region", onscroll: () => this.scrolled() },
      this.more,
      this.list,
    );
    // Deliveries and cards come later than their message, and push it down.
    new ResizeObserver(() => this.isFollowing && this.follow()).observe(this.list);
    new ResizeObserver(() => this.keep()).observe(this.box);
    this.nothing = el("li", { class: "empty" }, "Nothing was said here yet.");
    const side = el(
      "div",
      { class: "side" },
      el("h1", { id: "feed-title" }, this.channel || "All messages"),
      this.channels,
    );
    this.bar = goTo(params, go, () => this.state?.now);
    this.element = el(
      "section",
      { class: "feed", "aria-labelledby": "feed-title" },
      side,
      el("div", { class: "stream" }, el("div", { class: "bar" }, this.bar, this.members), this.box, this.chip),
    );
  }

  update(state) {
    const isFirst = this.state === null;
    this.state = state;
    this.count();
    const { moment } = this;
    if (moment && covers(state.messages, moment.head)) moment.find(inChannel(state, this.channel));
    if (isFirst) this.begin();
    else if (this.isFollowing) this.takeLive();
    // What comes is added to what is in sight, and moves nothing.
    else if (this.isStaying && this.isAtBottom() && this.run.upTo < state.lastSeq) this.newer();
    this.draw();
    if (this.shownChannels !== state.channels) morph(this.members, membersBox(state, this.channel));
    this.shownChannels = state.channels;
    this.channelsTimer ??= setTimeout(() => this.drawChannels(), isFirst ? 0 : CHANNELS_EVERY_MS);
  }

  drawChannels() {
    this.channelsTimer = null;
    if (!this.element.isConnected) return;
    if (this.isFollowing && document.visibilityState === "visible" && this.state.lastSeq)
      read(this.channel, this.state.lastSeq);
    const items = channelItems(this.state, this.channel, this.params.at);
    morphItems(this.channels, items, (item) => item.dataset.channel);
  }

  /** Counts what came. */
  count() {
    const rows = inChannel(this.state, this.channel);
    const came = rows.length - firstAfter(rows, this.newest ?? Infinity);
    this.newest = Math.max(this.newest ?? 0, rows.at(-1)?.seq ?? 0);
    this.fresh += came;
    this.news.add(came);
  }

  /** Begins with what the address names. */
  begin() {
    const { seq, at } = this.params;
    if (/^[1-9]\d{0,14}$/.test(seq ?? "")) this.jump({ after: Number(seq) - 1 });
    else if (at && !isTime(at)) this.showNewest(new Moment(at, null, Infinity));
    else if (at) this.jump({ since: at });
    else this.showNewest();
  }

  /** Shows what was said from there on, and what stands before it. */
  async jump(place) {
    this.isFollowing = false;
    const head = this.state.lastSeq ?? 0;
    const rows = await this.ask({ ...place, limit: STEP });
    // Somebody may have gone elsewhere meanwhile.
    if (rows === undefined) return;
    if (rows === null) return this.showNewest();
    const [first = null] = rows;
    const moment = place.since ? new Moment(place.since, first, head) : null;
    if (!first) {
      this.showNewest(moment);
      return moment ? this.bring() : announce(`There is no message ${this.params.seq} here.`);
    }
    this.moment = moment;
    this.target = moment ? null : first.seq;
    this.run = append({ ...emptyRun, upTo: first.seq - 1 }, rows, rows.length < STEP ? head : 0);
    this.draw();
    await this.older();
    if (!this.element.isConnected) return;
    this.bring();
    announce(moment?.element.textContent ?? `From ${clock(first.ts)} on`);
  }

  /** The same address was asked for again. */
  again() {
    this.params = this.given;
    this.begin();
  }

  /** What one came for. */
  get wanted() {
    return this.moment?.element ?? this.list.querySelector(".target");
  }

  /** Brings what one came for into sight, where it then stays. */
  bring() {
    const { wanted } = this;
    if (!wanted?.isConnected) return;
    if (!this.isFollowing) this.scrollTo(wanted);
    wanted.focus({ preventScroll: true });
    if (this.isAtBottom()) this.newer();
  }

  /**
   * Puts it into the middle, or where it is too high to its beginning. Where that leaves most of it in sight, what
   * stands before it is not cut off at the top.
   */
  scrollTo(item) {
    const { box } = this;
    item.scrollIntoView({ block: item.offsetHeight > box.clientHeight ? "start" : "center" });
    const { top } = box.getBoundingClientRect();
    const before = (item.previousElementSibling ?? item).getBoundingClientRect().top;
    const isNear = item.getBoundingClientRect().bottom - before < box.clientHeight * 0.8;
    if (before < top && isNear) box.scrollTop -= top - before;
    this.broughtTo = box.scrollTop;
    this.broughtIn = box.clientHeight;
  }

  /** Whether one is where the address led to, and has not moved. */
  get isStaying() {
    return this.broughtTo !== null;
  }

  /** After the box has another size. */
  keep() {
    if (this.isFollowing) this.follow();
    else if (this.isStaying && this.wanted?.isConnected) this.scrollTo(this.wanted);
  }

  /** Begins again with the newest; `moment` is a line below what there is. */
  showNewest(moment = null) {
    this.asked = null;
    this.moment = moment;
    this.run = emptyRun;
    this.isFollowing = true;
    this.broughtTo = null;
    this.takeLive();
    this.draw();
    this.fill();
  }

  /** Leaves what the address led to for the newest. */
  toNewest() {
    if (this.given.at || this.given.seq) return this.go({ channel: this.channel });
    this.showNewest();
    this.box.focus();
  }

  /** Other channels begin with the newest again. */
  leavePlace() {
    if (!this.params.at) return;
    this.params = { ...this.params, at: "" };
    this.bar.reset();
    this.drawChannels();
  }

  /** What `j` and `k` go through: messages, or the channels for who is among those. */
  items() {
    const isChoosing = this.channels.contains(document.activeElement);
    return [...(isChoosing ? this.channels.querySelectorAll("a") : this.list.querySelectorAll(".message, .moment"))];
  }

  /** Adds what the page got over its socket; where something is missing before that, it begins there. */
  takeLive() {
    const { messages, lastSeq } = this.state;
    if (messages.length === 0) return;
    const rows = inChannel(this.state, this.channel);
    const came = rows.length - firstAfter(rows, this.run.upTo);
    const goesOn = covers(messages, this.run.upTo) && came <= BURST;
    this.run = goesOn ? append(this.run, rows, lastSeq ?? 0) : append(emptyRun, rows.slice(-BURST), lastSeq ?? 0);
  }

  follow() {
    this.box.scrollTop = this.box.scrollHeight;
    this.followedTo = this.box.scrollTop;
  }

  draw() {
    const { rows } = this.run;
    const place = this.moment?.placeIn(rows);
    const { firsts, replies } = threads(rows, this.moment?.seq);
    const known = new Map([...this.list.children].map((item) => [Number(item.dataset.seq), item]));
    const bySeq = new Map([...this.state.messages, ...rows].map((row) => [row.seq, row]));
    const anchor = this.firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    const items = firsts.map((row) => known.get(row.seq) ?? this.row(row, bySeq.get(row.reply_to)));
    // What stands above a row changes: a thread is folded, a row is cut off.
    firsts.forEach((row, at) => items[at].classList.toggle("follows", this.follows(firsts[at - 1], row)));
    firsts.forEach((row, index) => replies.has(row.seq) && this.fold(items[index], row, replies.get(row.seq)));
    const shown = this.withMoment(place, firsts, items);
    put(this.list, items.length === 0 && this.run.isWhole ? [this.nothing, ...shown] : shown);
    this.more.hidden = this.run.isWhole || items.length === 0;
    // Rows that came above must not move those that are being read.
    if (!this.isFollowing && anchor?.isConnected) this.moveBy(anchor.getBoundingClientRect().top - before);
    if (this.isFollowing) this.fresh = 0;
    this.chip.hidden = this.isFollowing;
    this.chip.textContent = this.fresh > 0 ? `${this.fresh} new` : "to the newest";
    if (this.isFollowing) this.follow();
    this.refresh();
  }

  /** Nobody moved it by hand. */
  moveBy(pixels) {
    const { scrollTop } = this.box;
    this.box.scrollTop += pixels;
    if (this.isStaying) this.broughtTo += this.box.scrollTop - scrollTop;
  }

  /** What flies past is not asked about: what is in sight a moment later is. */
  refresh() {
    this.refreshTimer ??= setTimeout(() => {
      this.refreshTimer = null;
      if (this.element.isConnected) refreshVisible(this.list, this.state.gitea);
    }, REFRESH_MS);
  }

  row(row, parent) {
    return messageRow(row, { parent, isTarget: row.seq === this.target, channel: this.channel });
  }

  /** The items with the line of the moment among them, where what stands on both sides of it is known. */
  withMoment(place, firsts, items) {
    const { moment, run } = this;
    if (moment === null) return items;
    const { rows } = run;
    const isEnd = run.upTo >= moment.head && (moment.after !== null || covers(this.state.messages, moment.head));
    const isKnown = place < 0 ? isEnd || moment.head === Infinity : place > 0 || run.isWhole;
    if (!isKnown) return items;
    moment.show(place < 0 ? rows.at(-1) : rows[place - 1], this.state.now, this.channel);
    const at = moment.placeIn(firsts);
    return items.toSpliced(at < 0 ? items.length : at, 0, moment.element);
  }

  /** Whether a row goes on with what the sender of the one above said there. */
  follows(above, row) {
    const isApart = this.moment !== null && above?.seq < this.moment.seq && row.seq >= this.moment.seq;
    return row.seq !== this.target && !isApart && follows(above, row);
  }

  /** Puts the replies under their first message. */
  fold(item, row, replies) {
    if (!item.thread) {
      if (!this.offered.has(row.seq) && replies.some((reply) => this.isCameFor(reply))) {
        this.opened.add(row.seq);
        this.offered.add(row.seq);
      }
      item.thread = new Thread(row, this);
      item.append(item.thread.element);
    }
    item.thread.update(replies, this.state.now ?? new Date().toISOString());
  }

  isCameFor(reply) {
    return reply.seq === this.target || Boolean(this.moment?.isNear(reply));
  }

  scrolled() {
    this.refresh();
    if (this.state === null || this.box.scrollTop === this.broughtTo) return;
    // A box that has another size is scrolled by the browser.
    if (this.isStaying && this.box.clientHeight !== this.broughtIn) return this.keep();
    this.broughtTo = null;
    // The browser tells of a scrolling after the fact: of one that following did, more may have come below since.
    if (this.isFollowing && this.box.scrollTop >= this.followedTo - 1) return;
    if (this.box.scrollTop < EDGE) this.older();
    else if (this.isAtBottom()) this.newer();
    this.stopUnlessAtBottom();
  }

  isAtBottom() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 40;
  }

  stopUnlessAtBottom() {
    if (!this.isFollowing || this.isAtBottom()) return;
    this.isFollowing = false;
    this.draw();
  }

  /** Who opened a thread reads there, and is not taken to the newest message. */
  clicked(event) {
    if (!event.target.closest("button")) return;
    this.stopUnlessAtBottom();
    if (this.isStaying) this.broughtTo = this.box.scrollTop;
    this.fill();
  }

  /** Where all of it is in sight there is no scrolling that would ask for more. */
  fill() {
    if (!this.element.isConnected) return;
    const { scrollHeight, clientHeight } = this.box;
    if (scrollHeight <= clientHeight && !this.run.isWhole && this.run.rows.length < STEP) this.older();
    else if (this.isAtBottom()) this.newer();
  }

  async older() {
    if (this.asked !== null || this.run.isWhole) return;
    const { run } = this;
    const before = run.rows[0]?.seq ?? this.state.messages[0]?.seq;
    const known = inChannel(this.state, this.channel).filter((row) => row.seq < before);
    const rows = known.length >= STEP ? known.slice(-STEP) : await this.ask({ before, limit: STEP });
    if (!rows) return;
    // What came at the other end does not matter, but that the first came, or the oldest were cut off.
    if (run.rows[0] !== this.run.rows[0]) return this.fill();
    this.run = prepend(this.run, rows, rows.length < STEP);
    if (this.run.upTo < run.upTo) this.isFollowing = false;
    this.draw();
  }

  /** Who is where the address led to is not taken along with the newest. */
  async newer() {
    if (this.isFollowing || this.asked !== null) return;
    const { messages, lastSeq } = this.state;
    if (covers(messages, this.run.upTo)) {
      const rows = inChannel(this.state, this.channel).filter((row) => row.seq > this.run.upTo);
      const isAll = rows.length <= STEP;
      this.run = append(this.run, rows.slice(0, STEP), isAll ? lastSeq : 0);
      this.isFollowing = isAll && !this.isStaying;
      if (this.isFollowing) this.leavePlace();
      return this.draw();
    }
    const { run } = this;
    const rows = await this.ask({ after: run.upTo, limit: STEP });
    if (!rows || run !== this.run) return;
    this.run = append(run, rows, rows.length < STEP ? (lastSeq ?? 0) : 0);
    this.draw();
    this.fill();
  }

  /**
   * Rows of the channel. Null where they can't be had, which is then said; undefined where nobody waits for them any
   * more, because something else was asked for or the page was left.
   */
  async ask(asked) {
    this.asked = asked;
    const isWanted = () => this.asked === asked && this.element.isConnected;
    try {
      const rows = await hub.recent({ ...asked, channel: this.channel });
      return isWanted() ? rows : undefined;
    } catch (error) {
      if (!isWanted()) return undefined;
      this.onError(error);
      return null;
    } finally {
      if (this.asked === asked) this.asked = null;
    }
  }

  firstVisible() {
    const { top } = this.box.getBoundingClientRect();
    return [...this.list.children].find((item) => item.getBoundingClientRect().bottom > top);
  }
}

/** Where in `rows`, which are in order, the first one after `seq` stands. */
function firstAfter(rows, seq) {
  return rows.findLastIndex((row) => row.seq <= seq) + 1;
}

function follows(before, row) {
  return (
    before?.sender === row.sender &&
    before.channel === row.channel &&
    !row.reply_to &&
    Date.parse(row.ts) - Date.parse(before.ts) < GROUP_MS
  );
}
