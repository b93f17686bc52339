// The status of an agent as the page shows it, and since when. Pure.

/** The status that has a colour of its own, by what the agent says, how the hub judges it, and whether it is there. */
export function statusOf(agent) {
  if (!agent.online) return isLost(agent) ? "lost" : "offline";
  // One that is blocked counts as stuck from its first moment, and has a word of its own.
  if (isStuck(agent)) return "stuck";
  return ["busy", "blocked", "error", "idle"].includes(agent.status) ? agent.status : "online";
}

const isStuck = (agent) => Boolean(agent.stuck) && agent.status !== "blocked";

/** Whether it vanished in the middle of its work, and nobody has dealt with that. */
export const isLost = (agent) => Boolean(agent.lost) && !agent.isDismissed;

/** Whether an agent is away while something waits for it. */
export const isMissed = (agent) => !agent.online && !isLost(agent) && agent.waiting.count > 0;

/** Whether an agent needs a person. */
export const needsPerson = (agent) => ["lost", "stuck", "error", "blocked"].includes(statusOf(agent));

/** Whether what an agent works on is the reason why it needs a person. */
export const isTaskReason = (agent) => ["error", "blocked"].includes(statusOf(agent)) && Boolean(agent.current_task);

/** Since when the agent has its status; null where that is not known. */
export function sinceOf(agent) {
  const status = statusOf(agent);
  if (status === "lost") return agent.lost.since;
  if (status === "stuck") return agent.stuck.since;
  return agent.state_since ?? agent.last_seen ?? null;
}

/** Since when the reason beside the status holds, where there is one; else the same. */
export function reasonSince(agent) {
  const isUnread = agent.waiting.count > 0 && !isTaskReason(agent) && !["lost", "stuck"].includes(statusOf(agent));
  return isUnread ? agent.waiting.oldest_ts : sinceOf(agent);
}
