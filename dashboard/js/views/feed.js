// Live messages of all channels or of one, newest at the bottom. A few hundred rows are in the document at a time:
// scrolling up moves this window to older ones, which the hub is asked for when they are not here.

import { el } from "../dom.js";
import * as hub from "../hub.js";
import { inChannel } from "../state.js";
import { messageRow, refreshDelivery } from "./message.js";

const ROWS_MAX = 200;
const STEP = 100;
/** Messages of one sender within so many milliseconds stand under one name. */
const GROUP_MS = 120_000;

export function feed({ params, onRows, onError }) {
  const channel = params.channel ?? "";
  const list = el("ol", { class: "messages", "aria-label": channel || "all messages" });
  const chip = el("button", { type: "button", class: "chip", hidden: true, onclick: () => toNewest() });
  const channels = el("ul", { class: "channels", "aria-label": "Channels" });
  const box = el("div", { class: "scroll", tabindex: "0", "aria-label": "Messages", role: "region" }, list);
  const element = el("section", { class: "feed", "aria-labelledby": "feed-title" },
    el("div", { class: "side" }, el("h1", { id: "feed-title" }, channel || "All messages"), channels), el("div", { class: "stream" }, box, chip));
  let state = null;
  /** The seq of the last row shown; null follows the newest. */
  let end = null;
  let shown = [];
  let isLoading = false;
  let isWhole = false;

  const isAtBottom = () => box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const toNewest = () => {
    end = null;
    draw();
    box.scrollTop = box.scrollHeight;
  };

  function draw() {
    const rows = inChannel(state, channel);
    const until = end === null ? rows.length : rows.findLastIndex((row) => row.seq <= end) + 1;
    const next = rows.slice(Math.max(0, until - ROWS_MAX), until);
    const known = new Map([...list.children].map((item) => [Number(item.dataset.seq), item]));
    const bySeq = new Map(state.messages.map((row) => [row.seq, row]));
    const anchor = firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    list.replaceChildren(...next.map((row, index) => known.get(row.seq) ?? messageRow(row, { follows: follows(next[index - 1], row), parent: bySeq.get(row.reply_to) })));
    if (end !== null && anchor?.isConnected) box.scrollTop += anchor.getBoundingClientRect().top - before;
    shown = next;
    const missed = rows.length - until;
    chip.hidden = missed === 0;
    chip.textContent = `${missed} new`;
    if (next.length === 0) list.replaceChildren(el("li", { class: "empty" }, "Nothing was said here yet."));
  }

  const firstVisible = () => {
    const top = box.getBoundingClientRect().top;
    return [...list.children].find((item) => item.getBoundingClientRect().bottom > top);
  };

  async function older() {
    const rows = inChannel(state, channel);
    const first = shown[0]?.seq;
    const at = rows.findIndex((row) => row.seq === first);
    if (first === undefined || isLoading) return;
    if (at < STEP && !isWhole) {
      isLoading = true;
      try {
        const asked = { before: rows[0].seq, limit: ROWS_MAX };
        const more = channel ? await hub.history(channel, asked) : await hub.recent(asked);
        isWhole = more.length === 0;
        onRows(more);
      } catch (error) {
        onError(error);
      } finally {
        isLoading = false;
      }
    }
    const all = inChannel(state, channel);
    const place = all.findIndex((row) => row.seq === first);
    if (place > 0) {
      end = all[Math.min(all.length - 1, Math.max(place - STEP, 0) + ROWS_MAX - 1)].seq;
      draw();
    }
  }

  function newer() {
    const rows = inChannel(state, channel);
    const until = rows.findLastIndex((row) => row.seq <= end) + 1;
    if (until >= rows.length) {
      end = null;
    } else {
      end = rows[Math.min(rows.length - 1, until + STEP - 1)].seq;
      draw();
    }
  }

  box.addEventListener("scroll", () => {
    if (state === null) return;
    if (box.scrollTop < 200) older();
    else if (isAtBottom() && end !== null) newer();
    else if (!isAtBottom() && end === null) end = shown.at(-1)?.seq ?? null;
  });

  const update = (next) => {
    const isFirst = state === null;
    state = next;
    const follow = end === null;
    draw();
    if (follow) box.scrollTop = box.scrollHeight;
    if (isFirst) onFirst();
    channels.replaceChildren(...channelLinks(state, channel));
  };
  const onFirst = async () => {
    if (!channel) return;
    try {
      onRows(await hub.history(channel, { limit: ROWS_MAX }));
    } catch (error) {
      onError(error);
    }
  };
  return { element, update, tick: () => refreshDelivery(list), items: () => [...list.querySelectorAll(".message")] };
}

function follows(before, row) {
  return before?.sender === row.sender && before.channel === row.channel && !row.reply_to && Date.parse(row.ts) - Date.parse(before.ts) < GROUP_MS;
}

function channelLinks(state, chosen) {
  const link = (name, text, members) =>
    el("li", {}, el("a", { href: name ? `#/feed?channel=${encodeURIComponent(name)}` : "#/feed", "aria-current": name === chosen ? "page" : null, title: members?.join(", ") || "no members" }, text, members && el("span", { class: "count" }, ` ${members.length}`)));
  return [link("", "all channels"), ...[...state.channels].sort(([a], [b]) => a.localeCompare(b)).map(([name, members]) => link(name, name, members))];
}
