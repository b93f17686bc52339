// A receipt's states in words, the unread ones first.

import { el } from "../ui/dom.js";

/** In the order of display: agents that have not seen the message come first. */
const STATES = {
  pending: ["waiting", "not delivered yet: the agent gets it when it connects"],
  unknown: ["not known", "the hub restarted since; deliveries before that are not known"],
  delivered: ["delivered", "written to its connection; not reported as seen"],
  offered: ["offered", "put before the agent, or the agent was woken for it; not reported as seen"],
  seen: ["seen", "the agent reported it as seen"],
};
const ORDER = Object.keys(STATES);
/** Above this number of agents that have seen a message, only the number is shown, and the names on hover. */
const SEEN_MAX = 4;

/** The hub's start, from the last overview. */
let hubStarted = null;
export const noteStart = (started) => (hubStarted = started);

/**
 * The state of a receipt as far as it is known: after a restart, the hub has forgotten what it delivered before. Pure.
 */
export function receiptState(state, { ts }, started) {
  return state === "pending" && started !== null && Date.parse(ts) < Date.parse(started) ? "unknown" : state;
}

/** `[name, state]` of each receiver, those that have not seen the message first, then by name; pure. */
export function orderedReceipts(agents, row, started) {
  const found = agents.map(([name, state]) => [name, receiptState(state, row, started)]);
  const rank = (state) => (ORDER.indexOf(state) + ORDER.length + 1) % (ORDER.length + 1);
  return found.sort(([a, one], [b, other]) => rank(one) - rank(other) || a.localeCompare(b));
}

/** The receipts as list items; `agents` is `[name, state]` of each receiver from the hub. */
export function receiptItems(agents, row, { seenMax = Infinity } = {}) {
  const all = orderedReceipts(agents, row, hubStarted);
  const seen = all.filter(([, state]) => state === "seen").map(([name]) => name);
  const isMany = seen.length > seenMax;
  const items = all
    .filter(([, state]) => !isMany || state !== "seen")
    .map(([name, state]) => {
      const [word, title = ""] = STATES[state] ?? [state];
      return el("li", { data: { state }, title }, `${name}: ${word}`);
    });
  const rest = isMany && el("li", { data: { state: "seen" }, title: seen.join(", ") }, `${seen.length} have seen it`);
  return [...items, rest].filter(Boolean);
}

/** The receipts below a message, where there is little room. */
export const shortReceipts = (agents, row) => receiptItems(agents, row, { seenMax: SEEN_MAX });
