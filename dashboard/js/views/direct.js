// Direct messages: all conversations, or the messages between two agents, direct or by mentions.

import { el, morph } from "../ui/dom.js";
import { ago } from "../ui/format.js";
import { identicon } from "../ui/identicon.js";
import { chosenNames } from "../model/fleet.js";
import { oneLine } from "../model/state.js";
import * as hub from "../wire/hub.js";
import { filterChips } from "./filters.js";
import { messageRow, openDetails, openInFeed, refreshVisible } from "./message.js";
import { routeTo } from "../route.js";

const EVERY_MS = 4000;
const ROWS_MAX = 500;

/**
 * Conversations among rows, the latest first: `[{sides, last, count}]`; pure.
 * @param {import("../../types.js").Row[]} rows
 * @param {Set<string> | null} names
 */
export function conversations(rows, names = null) {
  const found = new Map();
  for (const row of rows) {
    if (!row.channel.startsWith("@")) continue;
    const sides = [row.sender, row.channel.slice(1)].sort();
    if (names !== null && !sides.some((side) => names.has(side))) continue;
    const key = sides.join(" ");
    found.set(key, { sides, last: row, count: (found.get(key)?.count ?? 0) + 1 });
  }
  return [...found.values()].sort((one, other) => other.last.seq - one.last.seq);
}

/** True if a row is from one of the two to the other. */
export const isBetween = (row, one, other) =>
  [
    [one, other],
    [other, one],
  ].some(([from, to]) => row.sender === from && (row.channel === `@${to}` || (row.mentions ?? []).includes(to)));

/** @param {import("../../types.js").Given} given @returns {import("../../types.js").View} */
export function direct(given) {
  const [, one, other] = given.path;
  return one && other ? conversation(given, one, other) : list(given);
}

function list({ params }) {
  const items = el("ul", { class: "conversations", "aria-label": "conversations" });
  const element = el(
    "section",
    { "aria-labelledby": "direct-title" },
    el("h1", { id: "direct-title" }, "Direct messages"),
    el("p", { class: "quiet" }, "From the newest messages that this page has loaded, latest first."),
    filterChips("direct", params),
    items,
  );
  const update = (state) => {
    const found = conversations(state.messages, chosenNames(state.agents, params));
    const rows = found.map(({ sides, last, count }) =>
      el(
        "li",
        {},
        el(
          "a",
          { class: "name", href: routeTo(["direct", ...sides]) },
          sides.flatMap((side, at) => [at > 0 && " and ", identicon(side), ` ${side}`]),
        ),
        el(
          "span",
          { class: "quiet" },
          ` ${count === 1 ? "1 message" : `${count} messages`}, ${ago(last.ts, state.now)} · `,
        ),
        el("span", {}, `${last.sender}: ${oneLine(last.content)}`),
      ),
    );
    const nothing = el("li", { class: "empty" }, "No direct messages among them.");
    morph(items, el("ul", { class: "conversations", "aria-label": "conversations" }, rows.length ? rows : nothing));
  };
  return { element, update, items: () => [...items.querySelectorAll("a.name")] };
}

function conversation({ onError }, one, other) {
  const rows = el("ol", { class: "messages", "aria-label": "messages" });
  const note = el("p", { class: "quiet", role: "status" }, "loading");
  const link = (name) => el("a", { href: routeTo(["agent", name]) }, name);
  const element = el(
    "section",
    { "aria-labelledby": "direct-title" },
    el("h1", { id: "direct-title" }, `${one} and ${other}`),
    el(
      "p",
      { class: "quiet" },
      "Direct messages and mentions between ",
      link(one),
      " and ",
      link(other),
      ", newest first.",
    ),
    note,
    rows,
  );
  let had = [];
  let askedAt = 0;
  let state = null;
  const draw = () => {
    const bySeq = new Map(
      [...had, ...state.messages].filter((row) => isBetween(row, one, other)).map((row) => [row.seq, row]),
    );
    const shown = [...bySeq.values()].sort((a, b) => b.seq - a.seq).slice(0, ROWS_MAX);
    const known = new Map([...rows.children].map((item) => [item.dataset.seq, item]));
    rows.replaceChildren(...shown.map((row) => known.get(String(row.seq)) ?? messageRow(row)));
    refreshVisible(rows, state.gitea);
  };
  const load = async () => {
    if (Date.now() - askedAt < EVERY_MS) return;
    askedAt = Date.now();
    try {
      const answers = await Promise.all([one, other].map((name) => hub.saidByOrTo(name, ROWS_MAX)));
      had = answers.flat();
      draw();
      note.textContent = rows.children.length ? "" : "Neither has written to the other lately.";
    } catch (error) {
      onError(error);
    }
  };
  const update = (now) => {
    const isNews = state?.messages !== now.messages;
    state = now;
    if (isNews) draw();
  };
  const keys = { i: () => openDetails(document.activeElement) };
  return { element, update, tick: load, shown: load, items: () => [...rows.children], chosen: openInFeed, keys };
}
