// One message as a row, with how far it got with each agent that it is for.

import { el } from "../ui/dom.js";
import { clock, routeTo } from "../ui/format.js";
import * as hub from "../wire/hub.js";
import { showCards } from "../ui/issues.js";
import { fromHub } from "../ui/markup.js";
import { inOrder, render } from "../ui/text.js";

/** Longer texts are cut, and shown whole when asked. */
const CHARS_SHOWN = 4000;
/** How far a message got is not asked more often. */
const ASK_AGAIN_MS = 2000;
const ISSUES_AGAIN_MS = 60_000;
/** A receipt's states: in a word, and what it means. */
const STATES = {
  unknown: ["not known", "the hub has restarted since: what was handed over before that is not known"],
  pending: ["waiting", "not handed over yet: it gets it when it is there"],
  delivered: ["delivered", "handed over to it; it has not said that it dealt with it"],
  seen: ["seen", "it has said that it dealt with it"],
};
/** Messages about which is asked at once. */
const ASKS_MAX = 4;

/** `channel`: the one that is read, where its time's link stays in it. */
export function messageRow(row, { parent = null, isInThread = false, isTarget = false, channel = "" } = {}) {
  const isDirect = row.channel.startsWith("@");
  const classes = ["message", isDirect && "direct", isTarget && "target"];
  return el(
    "li",
    {
      class: classes.filter(Boolean).join(" "),
      data: { seq: row.seq },
      tabindex: "-1",
    },
    el(
      "p",
      { class: "head" },
      el("a", { class: "sender", href: routeTo(["agent", row.sender]) }, row.sender),
      el("a", { class: "channel", href: channelRoute(row.channel) }, isDirect ? `to ${row.channel}` : row.channel),
      el(
        "a",
        { class: "when", href: routeTo(["feed"], { channel, seq: row.seq }), title: "In the feed" },
        el("time", { datetime: row.ts }, clock(row.ts)),
      ),
    ),
    // In a thread it is the first message that is answered, unless it says otherwise.
    row.reply_to && !(isInThread && !parent) && answered(row.reply_to, parent),
    body(row),
    (isDirect || row.mentions?.length > 0) && delivery(row),
  );
}

/** Leads to where a message stands among the others. */
export const openInFeed = (item) => item.querySelector(".when").click();

const channelRoute = (channel) =>
  channel.startsWith("@") ? routeTo(["agent", channel.slice(1)]) : routeTo(["feed"], { channel });

/** What a message answers: in words where it is known, else by its number until it is asked for. */
function answered(seq, parent) {
  const words = ({ sender, content }) => `in reply to ${sender}: ${inOrder(content.slice(0, 100))}`;
  const element = el("p", { class: "reply", dir: "auto" }, parent ? words(parent) : `in reply to message ${seq}`);
  if (!parent)
    element.ask = () =>
      hub.message(seq).then(
        (row) => (element.textContent = words(row)),
        () => {},
      );
  return element;
}

function body(row) {
  if (row.html !== undefined) return rich(row);
  const text = (content) => render(el, content, row.mentions ?? []);
  if (row.content.length <= CHARS_SHOWN) return el("div", { class: "body written", dir: "auto" }, text(row.content));
  const element = el("div", { class: "body written", dir: "auto" }, text(row.content.slice(0, CHARS_SHOWN)));
  const all = el(
    "button",
    { type: "button", onclick: () => element.replaceChildren(...text(row.content)) },
    `show all ${row.content.length} characters`,
  );
  element.append(" … ", all);
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

/** What is known of a receipt: the hub forgets what it handed over when it restarts. */
export function receiptState(state, { ts }, started) {
  return state === "pending" && started !== null && Date.parse(ts) < Date.parse(started) ? "unknown" : state;
}

function delivery(row) {
  const states = el("ul", { class: "delivery", "aria-label": "delivery" });
  const show = async () => {
    try {
      const { agents } = await hub.receipts(row.seq);
      const named = Object.entries(agents).filter(
        ([name]) => row.mentions?.includes(name) || row.channel === `@${name}`,
      );
      const item = ([name, found]) => {
        const state = receiptState(found, row, hubStarted);
        const [word, title] = STATES[state] ?? [state];
        return el("li", { data: { state }, title }, `${name}: ${word}`);
      };
      states.replaceChildren(...named.map(item));
    } catch (error) {
      states.replaceChildren(el("li", {}, error.message));
    }
  };
  states.refresh = show;
  return states;
}

/** Asks, for what is on the screen, how far it got, what it answers where that is not known, and, with the address of a
 * Gitea, how the issues stand that it links to. */
export function refreshVisible(list, gitea = null) {
  const height = globalThis.innerHeight;
  for (const row of gitea ? list.querySelectorAll(".message") : []) {
    const { top, bottom } = row.getBoundingClientRect();
    if (bottom <= 0 || top >= height || Date.now() - (row.issuesAt ?? 0) < ISSUES_AGAIN_MS) continue;
    row.issuesAt = Date.now();
    showCards(row, gitea);
  }
  for (const reply of list.querySelectorAll(".reply")) {
    const { top, bottom } = reply.getBoundingClientRect();
    if (!reply.ask || bottom <= 0 || top >= height) continue;
    reply.ask();
    reply.ask = null;
  }
  due = [...list.querySelectorAll(".delivery")].filter((states) => {
    const { top, bottom } = states.parentElement.getBoundingClientRect();
    const isDone = states.children.length > 0 && !states.querySelector(":not([data-state=seen])");
    const isAsked = Date.now() - (states.askedAt ?? 0) < ASK_AGAIN_MS;
    return bottom > 0 && top < height && !isDone && !isAsked;
  });
  askNext();
}

/** When the hub started, as its overview had it last. */
let hubStarted = null;
export const noteStart = (started) => (hubStarted = started);

/** Deliveries in sight that are to be asked for, and how many are being asked for. */
let due = [];
let underWay = 0;

function askNext() {
  while (underWay < ASKS_MAX && due.length > 0) {
    const states = due.shift();
    states.askedAt = Date.now();
    underWay += 1;
    states.refresh().finally(() => {
      underWay -= 1;
      askNext();
    });
  }
}
