// A receipt's states in words.

const STATES = {
  unknown: ["not known", "the hub has restarted since: what was handed over before that is not known"],
  pending: ["waiting", "not handed over yet: it gets it when it is there"],
  delivered: ["delivered", "handed over to it; it has not said that it dealt with it"],
  offered: ["offered", "it was put before it, or it was woken for it; it has not said that it dealt with it"],
  seen: ["seen", "it has said that it dealt with it"],
};

/** When the hub started, as its overview had it last. */
let hubStarted = null;
export const noteStart = (started) => (hubStarted = started);

/** What is known of a receipt: the hub forgets what it handed over when it restarts. Pure. */
export function receiptState(state, { ts }, started) {
  return state === "pending" && started !== null && Date.parse(ts) < Date.parse(started) ? "unknown" : state;
}

/** `{state, word, title}` of a receipt as the hub has it. */
export function receiptWords(found, row) {
  const state = receiptState(found, row, hubStarted);
  const [word, title = ""] = STATES[state] ?? [state];
  return { state, word, title };
}
