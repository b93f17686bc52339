// A receipt's states in words.

const STATES = {
  unknown: ["not known", "the hub restarted since; deliveries before that are not known"],
  pending: ["waiting", "not delivered yet: the agent gets it when it connects"],
  delivered: ["delivered", "written to its connection; not reported as seen"],
  offered: ["offered", "put before the agent, or the agent was woken for it; not reported as seen"],
  seen: ["seen", "the agent reported it as seen"],
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
