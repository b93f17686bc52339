// The status of an agent as the page shows it, and its beginning. Pure.

/** The status that decides the colour: from the agent's report, the hub's judgement, and presence. */
export function statusOf(agent) {
  if (!agent.online) return isLost(agent) ? "lost" : "offline";
  // The hub counts a blocked agent as stuck from the first moment; here it has a word of its own.
  if (isStuck(agent)) return "stuck";
  return ["busy", "blocked", "error", "idle"].includes(agent.status) ? agent.status : "online";
}

const isStuck = (agent) => Boolean(agent.stuck) && agent.status !== "blocked";

/** True if the agent vanished in the middle of its work, and the loss is not dismissed. */
export const isLost = (agent) => Boolean(agent.lost) && !agent.isDismissed;

/** True if an agent is away while messages wait for it. */
export const isMissed = (agent) => !agent.online && !isLost(agent) && agent.waiting.count > 0;

/** True if an agent needs a person. */
export const needsPerson = (agent) => ["lost", "stuck", "error", "blocked"].includes(statusOf(agent));

/** True if the agent's task is the reason why it needs a person. */
export const isTaskReason = (agent) => ["error", "blocked"].includes(statusOf(agent)) && Boolean(agent.current_task);

/** The beginning of the agent's status; null if unknown. */
export function sinceOf(agent) {
  const status = statusOf(agent);
  if (status === "lost") return agent.lost.since;
  if (status === "stuck") return agent.stuck.since;
  return agent.state_since ?? agent.last_seen ?? null;
}

/** The beginning of the reason beside the status, or without a reason of the status. */
export function reasonSince(agent) {
  const isUnread = agent.waiting.count > 0 && !isTaskReason(agent) && !["lost", "stuck"].includes(statusOf(agent));
  return isUnread ? agent.waiting.oldest_ts : sinceOf(agent);
}
