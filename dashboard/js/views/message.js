// One message as a row, with its receipts.

import { el } from "../ui/dom.js";
import { clock, exact } from "../ui/format.js";
import { identicon } from "../ui/identicon.js";
import * as hub from "../wire/hub.js";
import { showCards } from "../ui/issues.js";
import { fromHub } from "../ui/markup.js";
import { markIn, snippetParts } from "../ui/matches.js";
import { inOrder, render } from "../ui/text.js";
import { showDetails } from "./details.js";
import { shortReceipts } from "./receipts.js";
import { routeTo } from "../route.js";

export { noteStart } from "./receipts.js";

/** Longer texts are cut, and shown in full on request. */
const CHARS_SHOWN = 4000;
/** A hit of a search that is longer is shown as its snippet. */
const HIT_CHARS_SHOWN = 600;
/** The shortest time between two requests for the same receipts. */
const ASK_AGAIN_MS = 2000;
const ISSUES_AGAIN_MS = 60_000;
/** The most requests for receipts at once. */
const ASKS_MAX = 4;

/**
 * @param {import("../../types.js").Row} row
 * `channel`: the shown channel, which the link of the time keeps. The matches of a search's hit are marked.
 */
export function messageRow(row, { parent = null, isInThread = false, isTarget = false, channel = "" } = {}) {
  const isDirect = row.channel.startsWith("@");
  const classes = ["message", isDirect && "direct", isTarget && "target"];
  const item = el(
    "li",
    { class: classes.filter(Boolean).join(" "), data: { seq: row.seq }, tabindex: "-1" },
    el(
      "p",
      { class: "head" },
      identicon(row.sender),
      el("a", { class: "sender", href: routeTo(["agent", row.sender]) }, row.sender),
      el("a", { class: "channel", href: channelRoute(row) }, isDirect ? `to ${row.channel}` : row.channel),
      el(
        "a",
        { class: "when", href: routeTo(["feed"], { channel, seq: row.seq }), title: `In the feed; ${exact(row.ts)}` },
        el("time", { datetime: row.ts }, clock(row.ts)),
      ),
      el(
        "button",
        {
          type: "button",
          class: "more",
          "aria-label": `Details of message ${row.seq}`,
          onclick: () => showDetails(row),
        },
        "⋯",
      ),
    ),
    // A reply in a thread answers the first message, unless it says otherwise.
    row.reply_to && !(isInThread && !parent) && answered(row.reply_to, parent),
    row.ranges ? hit(row) : body(row),
    (isDirect || (row.mentions?.length ?? 0) > 0) && delivery(row),
  );
  rows.set(item, row);
  return item;
}

/** The row of each item. It is stored beside the page, because elements hold no state. */
const rows = new WeakMap();

/** Shows the details of an item's message. */
export const openDetails = (item) => rows.has(item) && showDetails(rows.get(item));

/** Opens the feed at an item's message. */
export const openInFeed = (item) => item.querySelector(".when").click();

const channelRoute = ({ channel, sender }) =>
  channel.startsWith("@") ? routeTo(["direct", sender, channel.slice(1)]) : routeTo(["feed"], { channel });

/** The message that a reply answers: as text if it is known, otherwise as its number until it is requested. */
function answered(seq, parent) {
  const words = ({ sender, content }) => `in reply to ${sender}: ${inOrder(content.slice(0, 100))}`;
  const element = el("p", { class: "reply", dir: "auto" }, parent ? words(parent) : `in reply to message ${seq}`);
  if (!parent)
    unasked.set(element, () =>
      hub.message(seq).then(
        (row) => (element.textContent = words(row)),
        () => {},
      ),
    );
  return element;
}

/** Replies to unknown messages, and the function that requests each. */
const unasked = new WeakMap();

function body(row) {
  if (row.html !== undefined) return rich(row);
  const text = (content) => render(el, content, row.mentions ?? []);
  if (row.content.length <= CHARS_SHOWN) return el("div", { class: "body written", dir: "auto" }, text(row.content));
  const element = el("div", { class: "body written", dir: "auto" }, text(row.content.slice(0, CHARS_SHOWN)));
  // One text node: code and links of a quarter megabyte would become ten thousands of elements.
  const show = () => (element.textContent = inOrder(row.content));
  element.append(" … ", el("button", { type: "button", onclick: show }, `show all ${row.content.length} characters`));
  return element;
}

/** A search's hit: of a long message only the part around its matches, until the reader asks for all of it. */
function hit(row) {
  if (row.content.length <= HIT_CHARS_SHOWN) {
    const element = [body(row)].flat();
    markIn(element[0], row);
    return element;
  }
  const parts = snippetParts(row.snippet).map(({ text, isMatch }) => (isMatch ? el("mark", {}, text) : text));
  const show = () => {
    const all =
      row.html === undefined
        ? el("div", { class: "body written", dir: "auto" }, inOrder(row.content))
        : el("div", { class: "body", dir: "auto" }, fromHub(row.html, row.mentions ?? []));
    markIn(all, row);
    element.replaceWith(all);
  };
  const button = el("button", { type: "button", onclick: show }, "show the whole message");
  const element = el("div", { class: "body snippet", dir: "auto" }, parts, " ", button);
  return element;
}

function rich(row) {
  const element = el("div", { class: "body", dir: "auto" }, fromHub(row.html, row.mentions ?? []));
  if (row.content.length <= CHARS_SHOWN) return element;
  element.classList.add("cut");
  const all = el(
    "button",
    { type: "button", onclick: () => (element.classList.remove("cut"), all.remove()) },
    `show all ${row.content.length} characters`,
  );
  return [element, all];
}

function delivery(row) {
  const states = el("ul", { class: "delivery", "aria-label": "delivery" });
  const show = async () => {
    try {
      const { agents } = await hub.receipts(row.seq);
      const named = Object.entries(agents).filter(
        ([name]) => row.mentions?.includes(name) || row.channel === `@${name}`,
      );
      states.replaceChildren(...shortReceipts(named, row));
      asks.get(states).isDone = named.length > 0 && named.every(([, state]) => state === "seen");
    } catch (error) {
      states.replaceChildren(el("li", {}, error.message));
    }
  };
  asks.set(states, { show, at: 0, isDone: false });
  return states;
}

/** For each list of receipts: the function that requests it, the time of the last request, and whether it is final. */
const asks = new WeakMap();
/** For each message, the time of the last request for its issues. */
const issuesAskedAt = new WeakMap();

/**
 * Requests, for the visible messages, their receipts, the unknown messages that they answer, and, with the address of a
 * Gitea, the state of the issues that they link to.
 * @param {Element} list
 * @param {string | null} [gitea]
 */
export function refreshVisible(list, gitea = null) {
  const height = globalThis.innerHeight;
  const isSeen = (element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom > 0 && top < height;
  };
  for (const row of gitea ? list.querySelectorAll(".message") : []) {
    if (Date.now() - (issuesAskedAt.get(row) ?? 0) < ISSUES_AGAIN_MS || !isSeen(row)) continue;
    issuesAskedAt.set(row, Date.now());
    showCards(row, gitea);
  }
  for (const reply of list.querySelectorAll(".reply")) {
    if (!unasked.has(reply) || !isSeen(reply)) continue;
    unasked.get(reply)();
    unasked.delete(reply);
  }
  due = [...list.querySelectorAll(".delivery")].filter((states) => {
    const ask = asks.get(states);
    return ask && !ask.isDone && Date.now() - ask.at >= ASK_AGAIN_MS && isSeen(states.parentElement);
  });
  askNext();
}

/** Visible receipts that are to be requested, and the number of running requests. */
let due = [];
let underWay = 0;

function askNext() {
  while (underWay < ASKS_MAX && due.length > 0) {
    const ask = asks.get(due.shift());
    ask.at = Date.now();
    underWay += 1;
    ask.show().finally(() => {
      underWay -= 1;
      askNext();
    });
  }
}
