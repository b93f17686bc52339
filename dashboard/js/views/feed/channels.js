// The channels beside the feed: pinned ones, then unread ones, then by the newest message. Each can be pinned and
// muted.

import { el } from "../../ui/dom.js";
import { ago } from "../../ui/format.js";
import { chosen as chosenChannels, ordered } from "../../model/channels.js";
import { marks, overChannels, seen } from "../../model/marks.js";
import { routeTo } from "../../route.js";

/**
 * The list's items. If the feed shows a time, the links of the others keep it; the chosen one's does not. `shown` is
 * the present order, if it must not change now.
 * @param {import("../../../types.js").State} state
 * @param {{chosen: string, params: Record<string, string>, text: string}} wanted
 * @param {(string | undefined)[] | null} shown
 */
export function channelItems(state, { chosen, params, text }, shown = null) {
  const choice = chosenChannels();
  const found = ordered(overChannels(state.channels, state.messages, marks(), seen()), choice);
  const all = shown ? found.toSorted(([a], [b]) => shown.indexOf(a) - shown.indexOf(b)) : found;
  const wanted = text.trim().toLowerCase();
  const passing = all.filter(([name]) => name === chosen || name.toLowerCase().includes(wanted));
  const { seq: _seq, ...kept } = params;
  const to = (name) => routeTo(["feed"], { ...kept, channel: name, at: name === chosen ? "" : params.at });
  const link = (name, text, more) =>
    el("a", { href: to(name), "aria-current": name === chosen ? "page" : null }, text, more);
  return [
    el("li", { data: { channel: "" } }, link("", "All channels")),
    ...passing.map(([name, channel]) => {
      const isMuted = choice.muted.has(name);
      return el(
        "li",
        { data: { channel: name, muted: isMuted ? "yes" : null }, class: isMuted ? "muted" : null },
        link(name, name, detail(channel, state.now, isMuted)),
        marker("pin", name, choice.pinned.has(name)),
        marker("mute", name, isMuted),
      );
    }),
  ];
}

/** The word on each button, and the effect of a press: while it is off, and while it is on. */
const MARKERS = {
  pin: ["Pin", "Pin: keep this channel at the top", "Unpin: no longer at the top"],
  mute: ["Mute", "Mute: no unread count, and new messages do not move it up", "Unmute: count unread messages again"],
};

function marker(what, name, isOn) {
  const [word, off, on] = MARKERS[what];
  return el(
    "button",
    {
      type: "button",
      class: `marker ${what}`,
      data: { [what]: name },
      "aria-pressed": String(isOn),
      title: `${isOn ? on : off}. Kept in this browser.`,
    },
    el("span", { class: "visually-hidden" }, `${word} ${name}`),
  );
}

function detail({ members, last, unread, isMore }, now, isMuted) {
  const count = isMore ? `${Math.max(unread, 1)}+` : String(unread);
  const noun = members.length === 1 ? "member" : "members";
  const said = last && now ? ` · ${ago(last.ts, now)}` : "";
  return [
    !isMuted &&
      (unread > 0 || isMore) &&
      el("span", { class: "unread" }, count, el("span", { class: "visually-hidden" }, " unread")),
    el("span", { class: "count" }, isMuted && "muted · ", `${members.length} ${noun}${said}`),
  ];
}

/** The members of a channel, as links; nothing without a channel. */
export function membersBox(state, channel) {
  const names = state.channels.get(channel)?.members;
  if (!names) return el("div", { class: "members" });
  const links = names.map((name) => el("li", {}, el("a", { href: routeTo(["agent", name]) }, name)));
  return el(
    "details",
    { class: "members" },
    el("summary", {}, names.length === 1 ? "1 member now" : `${names.length} members now`),
    el("ul", { "aria-label": "Members" }, links),
  );
}
