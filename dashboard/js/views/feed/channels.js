// The channels beside the feed: who is in them, when something was said last, and how much of it is unread.

import { el } from "../../ui/dom.js";
import { ago, routeTo } from "../../ui/format.js";
import { marks, overChannels } from "../../model/marks.js";

/** The list's items. Where the feed was led to a time, `at`, the others' links keep it; the chosen one's is without. */
export function channelItems(state, chosen, at) {
  const all = [...overChannels(state.channels, state.messages, marks())].sort(([a], [b]) => a.localeCompare(b));
  return [
    item({ name: "", text: "all channels", chosen, at }),
    ...all.map(([name, channel]) => item({ name, text: name, chosen, at, more: detail(channel, state.now) })),
  ];
}

function item({ name, text, chosen, at, more = [] }) {
  const href = routeTo(["feed"], { channel: name, at: name === chosen ? "" : at });
  return el(
    "li",
    { data: { channel: name } },
    el("a", { href, "aria-current": name === chosen ? "page" : null }, text, more),
  );
}

function detail({ members, last, unread, isMore }, now) {
  const count = isMore ? `${Math.max(unread, 1)}+` : String(unread);
  const said = last && now ? ` · ${ago(last.ts, now)}` : "";
  return [
    (unread > 0 || isMore) &&
      el("span", { class: "unread" }, count, el("span", { class: "visually-hidden" }, " unread")),
    el("span", { class: "count" }, `${members.length} ${members.length === 1 ? "member" : "members"} now${said}`),
  ];
}

/** Who is in a channel, as links; nothing where it is none. */
export function membersBox(state, channel) {
  const names = state.channels.get(channel)?.members;
  if (!names) return el("div", { class: "members" });
  const links = names.map((name) => el("li", {}, el("a", { href: routeTo(["agent", name]) }, name)));
  return el(
    "div",
    { class: "members" },
    el("span", {}, names.length ? "Members now:" : "Nobody is in it now."),
    el("ul", { "aria-label": "Members" }, links),
  );
}
