// The feed: messages of all channels or of one, the newest at the bottom. The machine decides, this draws.

import { announce, el, morph, morphItems } from "../../ui/dom.js";
import { minute } from "../../ui/format.js";
import * as hub from "../../wire/hub.js";
import { chosenNames, concerns } from "../../model/fleet.js";
import { readUpTo, see } from "../../model/marks.js";
import { pin, mute } from "../../model/channels.js";
import { News } from "../../ui/news.js";
import { filterChips } from "../filters.js";
import { openDetails, refreshVisible } from "../message.js";
import { channelItems, membersBox } from "./channels.js";
import { chooseExport } from "./export.js";
import { goTo } from "./goto.js";
import { FeedList } from "./list.js";
import { initial, step } from "./machine.js";
import { Scroll } from "./scroll.js";

/** The time after a movement before visible messages are requested. */
const REFRESH_MS = 500;
/** The shortest time between two drawings of the channels. */
const CHANNELS_EVERY_MS = 300;
/** A message counts as read after this time in view. */
const READ_AFTER_MS = 1000;

/** @param {import("../../../types.js").Given} given @returns {import("../../../types.js").View} */
export function feed({ params, go, onError }) {
  const view = new FeedView(params, go, onError);
  return {
    element: view.element,
    update: (state) => view.update(state),
    tick: () => view.refresh(),
    items: () => view.items(),
    home: view.box,
    again: () => view.take({ type: "again" }),
    chosen: (item) => view.open(item),
    end: () => view.end(),
    keys: {
      c: () => view.channels.querySelector("[aria-current]")?.focus(),
      h: () => view.bar.querySelector("button").click(),
      n: () => view.toNewest(),
      i: () => openDetails(document.activeElement),
    },
  };
}

class FeedView {
  /** @type {import("../../../types.js").State | null} What the page knows; null before the first update. */
  state = null;
  news = new News();
  /** @type {number | undefined} */
  channelsTimer;
  /** @type {number | undefined} */
  refreshTimer;
  /** The channels whose members are shown. */
  shownChannels = null;
  /** @type {Set<string> | null} Names that pass the filters, or null where nothing is filtered. */
  names = null;
  /** For each seq, the time since which the message is in view. */
  inView = new Map();

  constructor(params, go, onError) {
    this.channel = params.channel ?? "";
    this.params = params;
    this.go = go;
    this.onError = onError;
    const clicked = (event) => this.clicked(event);
    this.ol = el("ol", { class: "messages", "aria-label": this.channel || "all messages", onclick: clicked });
    const older = () => this.take({ type: "older" });
    this.more = el("button", { type: "button", class: "older", hidden: true, onclick: older }, "Older messages");
    this.chip = el("button", { type: "button", class: "chip", hidden: true, onclick: () => this.toNewest() });
    this.box = el(
      "div",
      { class: "scroll", tabindex: "0", "aria-label": "Messages", role: "region" },
      this.more,
      this.ol,
    );
    this.list = new FeedList(this.ol, this.channel);
    const place = { seq: params.seq, at: params.at };
    this.machine = initial(this.channel, place, chosenNames(new Map(), params) !== null);
    this.scroll = new Scroll(this.box, this.ol, {
      isFollowing: () => this.machine.mode === "following",
      onMove: (where) => (this.state ? this.take({ type: "moved", ...where }) : null, this.refresh()),
    });
    this.build();
    this.reading = setInterval(() => this.noteRead(), READ_AFTER_MS / 2);
  }

  build() {
    const { params, channel } = this;
    const filter = () => this.drawChannels(true);
    this.find = el("input", {
      type: "search",
      placeholder: "Filter channels",
      "aria-label": "Filter channels",
      oninput: filter,
    });
    this.channels = el("ul", { class: "channels", "aria-label": "Channels", onclick: (event) => this.marked(event) });
    this.members = el("div", { class: "members" });
    this.bar = goTo(params, this.go, () => this.state?.now);
    const read = () => {
      readUpTo(channel, this.state?.lastSeq ?? 0);
      this.drawChannels(true);
    };
    const button = (text, onclick) => el("button", { type: "button", class: "small", onclick }, text);
    const actions = el(
      "span",
      { class: "actions" },
      button("Mark as read", read),
      button("Export", () => chooseExport(channel)),
    );
    const side = el(
      "div",
      { class: "side" },
      el("h1", { id: "feed-title" }, channel || "All messages"),
      this.find,
      this.channels,
    );
    this.element = el(
      "section",
      { class: "feed", "aria-labelledby": "feed-title" },
      side,
      el(
        "div",
        { class: "stream" },
        el("div", { class: "bar" }, this.bar, this.members, actions),
        filterChips("feed", params),
        this.box,
        this.chip,
      ),
    );
  }

  update(state) {
    const isFirst = this.state === null;
    this.state = state;
    // A first visit has missed nothing.
    if (isFirst && state.now) see([], state.lastSeq ?? 0);
    this.names = chosenNames(state.agents, this.params);
    this.take({
      type: "state",
      messages: state.messages,
      lastSeq: state.lastSeq,
      isLive: state.connection === "live",
    });
    if (this.shownChannels !== state.channels) morph(this.members, membersBox(state, this.channel));
    this.shownChannels = state.channels;
    this.channelsTimer ??= setTimeout(() => this.drawChannels(isFirst), isFirst ? 0 : CHANNELS_EVERY_MS);
  }

  /** Passes an event to the machine and executes its effects. */
  take(event) {
    const { feed, effects } = step(this.machine, event);
    const wasDrawn = effects.some(({ type }) => type === "draw");
    this.machine = feed;
    if (wasDrawn) this.draw();
    for (const effect of effects) this.carryOut(effect);
  }

  carryOut(effect) {
    switch (effect.type) {
      case "ask":
        return this.ask(effect);
      case "bring":
        return this.bring();
      case "settle":
        return this.settle();
      case "news":
        return this.news.add(effect.count);
      case "announce":
        return announce(effect.text);
      case "leave":
        return this.leavePlace();
    }
  }

  async ask({ id, query }) {
    try {
      const rows = await hub.recent(query);
      if (this.element.isConnected) this.take({ type: "rows", id, rows });
    } catch (error) {
      if (!this.element.isConnected) return;
      this.onError(error);
      this.take({ type: "failed", id, isAway: error instanceof hub.Away });
    }
  }

  settle() {
    if (!this.element.isConnected) return;
    const { isShort, isAtBottom } = this.scroll;
    // Later: the effects of one event are executed before the next event.
    queueMicrotask(() => this.take({ type: "settled", isShort, isBottom: isAtBottom }));
  }

  draw() {
    const { machine } = this;
    const isShown = (row) => concerns(row, this.names);
    this.scroll.holding(() => {
      const count = this.list.draw(machine, { isShown, now: this.state?.now });
      this.more.hidden = machine.run.isWhole || count === 0;
      this.chip.hidden = machine.mode === "following";
      this.chip.textContent = machine.fresh > 0 ? `${machine.fresh} new` : "Jump to latest";
    });
    this.refresh();
  }

  /** Scrolls to the mark, where it then stays. */
  bring() {
    const { mark } = this.list;
    if (!mark?.isConnected) return;
    if (this.machine.mode !== "following") this.scroll.bring(mark);
    mark.focus({ preventScroll: true });
    const time = this.list.moment?.element.textContent ?? `From ${minute(mark.querySelector("time")?.dateTime)} on`;
    announce(time);
    this.settle();
  }

  /** Leaves the place of the address for the newest messages. */
  toNewest() {
    const { at, seq, ...others } = this.params;
    if (at || seq) return this.go(others);
    this.take({ type: "latest" });
    this.box.focus();
  }

  /** Other channels begin with their newest messages again. */
  leavePlace() {
    this.params = { ...this.params, at: "" };
    this.bar.reset();
    this.drawChannels();
  }

  /** Opens and folds a thread in place. */
  clicked(event) {
    if (!event.target.closest("button")) return;
    this.take({ type: "stay", isBottom: this.scroll.isAtBottom });
    this.scroll.touched();
    this.settle();
  }

  /** Enter opens the replies, or without any the details. */
  open(item) {
    const thread = item.querySelector(":scope > div > .thread");
    if (thread) thread.click();
    else openDetails(item);
  }

  /** The items for `j` and `k`: messages, or channels if the focus is among those. */
  items() {
    const isChoosing = this.channels.contains(document.activeElement);
    return [...(isChoosing ? this.channels.querySelectorAll("a") : this.ol.querySelectorAll(".message, .moment"))];
  }

  /** Handles a press on a channel's pin or bell. */
  marked(event) {
    const { pin: pinned, mute: muted } = event.target.closest("button")?.dataset ?? {};
    if (pinned) pin(pinned);
    if (muted) mute(muted);
    if (pinned || muted) this.drawChannels(true);
  }

  /** `isChosen`: the order may change under the pointer, because a press requested it. */
  drawChannels(isChosen = false) {
    clearTimeout(this.channelsTimer);
    this.channelsTimer = undefined;
    if (!this.element.isConnected || !this.state) return;
    const wanted = { chosen: this.channel, params: this.params, text: this.find.value };
    const shown =
      this.channels.matches(":hover") && !isChosen
        ? [...this.channels.children].map((item) => item.dataset.channel)
        : null;
    const isFirst = this.channels.children.length === 0;
    morphItems(this.channels, channelItems(this.state, wanted, shown), (item) => item.dataset.channel);
    if (isFirst) this.channels.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  /** Requests receipts and cards for the messages that are visible a moment later, not for those that scroll past. */
  refresh() {
    this.refreshTimer ??= setTimeout(() => {
      this.refreshTimer = undefined;
      if (this.element.isConnected) refreshVisible(this.ol, this.state?.gitea);
    }, REFRESH_MS);
  }

  /** Notes which messages have been in view for a second. */
  noteRead() {
    if (document.visibilityState !== "visible" || !this.element.isConnected) return this.inView.clear();
    const { top, bottom } = this.box.getBoundingClientRect();
    const now = Date.now();
    const before = this.inView;
    this.inView = new Map();
    for (const item of this.ol.querySelectorAll(".message")) {
      const place = item.getBoundingClientRect();
      const isSeen = place.bottom > top && place.top < bottom && place.height > 0;
      if (isSeen) this.inView.set(Number(item.dataset.seq), before.get(Number(item.dataset.seq)) ?? now);
    }
    const read = [...this.inView].filter(([, since]) => now - since >= READ_AFTER_MS).map(([seq]) => seq);
    if (see(read, this.state?.lastSeq ?? 0)) this.drawChannels();
  }

  end() {
    clearInterval(this.reading);
    clearTimeout(this.channelsTimer);
    clearTimeout(this.refreshTimer);
    this.scroll.end();
  }
}
