// One message as a row, with how far it got with each agent that it is for.

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

/** Longer texts are cut, and shown whole when asked. */
const CHARS_SHOWN = 4000;
/** A hit of a search that is longer is shown as its snippet. */
const HIT_CHARS_SHOWN = 600;
/** How far a message got is not asked more often. */
const ASK_AGAIN_MS = 2000;
const ISSUES_AGAIN_MS = 60_000;
/** Messages about which is asked at once. */
const ASKS_MAX = 4;

/**
 * @param {import("../../types.js").Row} row
 * `channel`: the one that is read, where its time's link stays in it. A row that a search found has its matches marked.
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
    // In a thread it is the first message that is answered, unless it says otherwise.
    row.reply_to && !(isInThread && !parent) && answered(row.reply_to, parent),
    row.ranges ? hit(row) : body(row),
    (isDirect || (row.mentions?.length ?? 0) > 0) && delivery(row),
  );
  rows.set(item, row);
  return item;
}

/** The row that an item shows. It is kept beside the page: elements hold no state. */
const rows = new WeakMap();

/** Shows the details of the message that an item shows. */
export const openDetails = (item) => rows.has(item) && showDetails(rows.get(item));

/** Leads to where a message stands among the others. */
export const openInFeed = (item) => item.querySelector(".when").click();

const channelRoute = ({ channel, sender }) =>
  channel.startsWith("@") ? routeTo(["direct", sender, channel.slice(1)]) : routeTo(["feed"], { channel });

/** What a message answers: in words where it is known, else by its number until it is asked for. */
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

/** Replies whose first message is not known yet, and what asks for it. */
const unasked = new WeakMap();

function body(row) {
  if (row.html !== undefined) return rich(row);
  const text = (content) => render(el, content, row.mentions ?? []);
  if (row.content.length <= CHARS_SHOWN) return el("div", { class: "body written", dir: "auto" }, text(row.content));
  const element = el("div", { class: "body written", dir: "auto" }, text(row.content.slice(0, CHARS_SHOWN)));
  // One text node: code and links of a quarter megabyte would be ten thousands of elements.
  const show = () => (element.textContent = inOrder(row.content));
  element.append(" … ", el("button", { type: "button", onclick: show }, `show all ${row.content.length} characters`));
  return element;
}

/** What a search found: a long message as the part around its matches, until all of it is asked for. */
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

/** By its list of receipts: what asks for them, when that was last done, and whether nothing more can change. */
const asks = new WeakMap();
/** By message: when the issues that it links to were last asked for. */
const issuesAskedAt = new WeakMap();

/**
 * Asks, for what is on the screen, how far it got, what it answers where that is not known, and, with the address of a
 * Gitea, how the issues stand that it links to.
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

/** Deliveries in sight that are to be asked for, and how many are being asked for. */
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
