// How an agent stands, as its card and its own page both say it: status, task, why it is stuck, what waits for it.

import { el } from "../ui/dom.js";
import { duration, routeTo, secondsBetween, statusOf } from "../ui/format.js";

/** Senders that are named. */
const NAMES_MAX = 3;
/** The hub counts no further. */
const COUNT_MAX = 1000;

/** The status in a word of its own colour, what the agent itself says where that is another, and for how long. */
export function statusLine(agent, now) {
  const status = statusOf(agent);
  const said = status === "lost" ? agent.lost.was : agent.status;
  const own = (agent.online || status === "lost") && said !== status ? ` ${said}` : "";
  const since = agent.state_since ?? agent.last_seen;
  const lasting = since ? ` for ${duration(secondsBetween(since, now))}` : "";
  const badge = el("span", { class: "badge", title: agent.stuck?.detail ?? null }, status);
  return el("p", { class: "status", data: { status } }, badge, own, lasting);
}

/** What it works on, and how far that is. */
export function task(agent) {
  const isMeasured = agent.progress !== null && agent.progress !== undefined;
  const bar = () => el("progress", { max: 1, value: agent.progress, "aria-label": "progress" });
  return [
    agent.current_task && el("p", { class: "task" }, agent.current_task),
    isMeasured && el("p", { class: "progress" }, bar(), `${Math.round(agent.progress * 100)} %`),
  ];
}

/** Why it is stuck, and what it has not dealt with, from whom and for how long. */
export function needs(agent, now) {
  const { stuck, waiting } = agent;
  const isLate = stuck?.reason === "waiting" || stuck?.reason === "unanswered";
  return [
    statusOf(agent) === "lost" && el("p", { class: "stuck" }, `Lost: ${agent.lost.detail}`),
    stuck && !isLate && el("p", { class: "stuck" }, `Stuck: ${stuck.detail}`),
    waiting.count === 0 && agent.cursor !== null && el("p", { class: "identity" }, "nothing unread"),
    waiting.count > 0 && el("p", { class: isLate ? "stuck" : "waiting" }, isLate && "Stuck: ", unread(agent, now)),
  ];
}

/** Of an agent that never says what it has read one knows only what came since it spoke. */
function unread({ name, cursor, waiting: { count, from, oldest_ts } }, now) {
  const many = `${count >= COUNT_MAX ? `${COUNT_MAX}+` : count} ${cursor === null ? "unanswered" : "unread"}`;
  const named = from.length > NAMES_MAX ? `${from.slice(0, NAMES_MAX).join(", ")} and others` : from.join(" and ");
  const waited = duration(secondsBetween(oldest_ts, now));
  const why = cursor === null ? "; it does not report what it has read" : "";
  return [el("a", { href: routeTo(["agent", name]) }, many), ` from ${named}, for ${waited}${why}`];
}
