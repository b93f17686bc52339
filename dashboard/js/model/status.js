// The status of an agent as the page shows it. Pure.

/** The status that has a colour of its own, by what the agent says, how the hub judges it, and whether it is there. */
export function statusOf(agent) {
  if (!agent.online) return agent.lost && !agent.isDismissed ? "lost" : "offline";
  // One that is blocked counts as stuck from its first moment, and has a word of its own.
  if (agent.stuck && agent.status !== "blocked") return "stuck";
  return ["busy", "blocked", "error", "idle"].includes(agent.status) ? agent.status : "online";
}

/** Whether an agent needs a person. */
export const needsPerson = (agent) => ["lost", "stuck", "error", "blocked"].includes(statusOf(agent));
