// How an agent stands, as its card, its row and its own page say it: status, task, and why it needs a person.

import { el } from "../ui/dom.js";
import { ago, duration, secondsBetween } from "../ui/format.js";
import { statusOf } from "../model/status.js";
import { routeTo } from "../route.js";

/** Senders that are named. */
const NAMES_MAX = 3;
/** The hub counts no further. */
const COUNT_MAX = 1000;
/** A sign of life that is older is worth a line. */
const QUIET_S = 120;

/** How long an agent has been in its state, or nothing where that is not known. */
export function lasting(agent, now) {
  const since = statusOf(agent) === "lost" ? agent.lost.since : (agent.state_since ?? agent.last_seen);
  return since ? duration(secondsBetween(since, now)) : "";
}

/** The status in a word of its own colour; an agent that is simply there has its own word for what it does. */
export const badge = (agent) => el("span", { class: "badge" }, isOwn(agent) ? agent.status : statusOf(agent));

const isOwn = (agent) => statusOf(agent) === "online" && agent.status !== "";

/** What the agent itself reports, where that is another word than its status. */
export function ownWord(agent) {
  const status = statusOf(agent);
  const said = status === "lost" ? agent.lost.was : agent.status;
  return (agent.online || status === "lost") && said !== status && !isOwn(agent) ? said : "";
}

/** How messages reach an agent, by what it said when it registered, each with what that means. */
const REACHES = {
  wake: "wake: a message wakes it at once",
  turn: "turn: it reads messages in its next turn",
  poll: "poll: it reads messages when it asks",
};

/** The reach in a word that explains itself on hover; a dash where the agent did not say. */
export function reach({ reach: how }) {
  const title = Object.hasOwn(REACHES, how ?? "") ? REACHES[how] : "not reported";
  return el("span", { class: "reach", title }, how || "–");
}

/** The status, what the agent itself says, and for how long. */
export function statusLine(agent, now) {
  const [own, long] = [ownWord(agent), lasting(agent, now)];
  return el(
    "p",
    { class: "status", data: { status: statusOf(agent) } },
    badge(agent),
    own && ` ${own}`,
    long && ` for ${long}`,
  );
}

/** The progress bar, in the colour of the state, or nothing where the agent reports none. */
export function progressBar(agent) {
  if (agent.progress === null || agent.progress === undefined) return null;
  return el("progress", { max: 1, value: agent.progress, "aria-label": `progress of ${agent.name}` });
}

export const percent = ({ progress }) =>
  progress === null || progress === undefined ? "" : `${Math.round(progress * 100)} %`;

/** What it works on, and how far that is. */
export function task(agent) {
  const bar = progressBar(agent);
  return [
    agent.current_task && el("p", { class: "task" }, agent.current_task),
    bar && el("p", { class: "progress" }, bar, percent(agent)),
  ];
}

/** By an agent's element, what it was last drawn from. */
const drawn = new WeakMap();

/**
 * The agents' elements for a list: of one that has not changed the element that is shown, else one that `make(agent)`
 * gives. `from` is what all of them depend on.
 */
export function elementsOf(list, agents, from, make) {
  const known = new Map([...list.children].map((item) => [item.dataset.agent, item]));
  return agents.map((agent) => {
    const shown = known.get(agent.name);
    const sources = [agent, ...from];
    if (shown && drawn.get(shown)?.every((source, at) => source === sources[at])) return shown;
    const made = make(agent);
    drawn.set(shown ?? made, sources);
    return made;
  });
}

/** Why an agent needs a person, in one sentence under its status; what waits for it; nothing where all is well. */
export function reason(agent, now) {
  if (statusOf(agent) === "lost") return el("span", { class: "why" }, agent.lost.detail);
  const { stuck, waiting } = agent;
  if (stuck?.reason === "silent") return el("span", { class: "why" }, stuck.detail);
  if (waiting.count === 0) return null;
  // A blocked agent has its own badge, and its task says what it needs.
  const isStuck = stuck && stuck.reason !== "blocked";
  return el("span", { class: isStuck ? "why" : "waiting" }, unread(agent, now));
}

/** The reason as a paragraph, and signs that are out of the ordinary. */
export function needs(agent, now) {
  const why = reason(agent, now);
  const isQuiet = agent.online && secondsBetween(agent.last_heartbeat, now) >= QUIET_S;
  return [
    why && el("p", {}, why),
    isQuiet && el("p", { class: "quiet" }, `last sign of life ${ago(agent.last_heartbeat, now)}`),
  ];
}

/** "alice, bob and carol". */
const listed = (names) => [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");

/** Of an agent that never reports what it has read one knows only what came since it spoke. */
function unread({ name, cursor, waiting: { count, from, oldest_ts } }, now) {
  const many = `${count >= COUNT_MAX ? `${COUNT_MAX}+` : count} ${cursor === null ? "unanswered" : "unread"}`;
  const named = listed(from.length > NAMES_MAX ? [...from.slice(0, NAMES_MAX), "others"] : from);
  const waited = duration(secondsBetween(oldest_ts, now));
  const why = cursor === null ? "; it does not report what it has read" : "";
  return [el("a", { href: routeTo(["agent", name]) }, many), ` from ${named}, for ${waited}${why}`];
}
