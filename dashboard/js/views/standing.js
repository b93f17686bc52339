// An agent's state, as its card, its row and its own page show it: status, task, and the reason why it needs a person.

import { el } from "../ui/dom.js";
import { ago, duration, secondsBetween } from "../ui/format.js";
import { isTaskReason, reasonSince, sinceOf, statusOf } from "../model/status.js";
import { routeTo } from "../route.js";

/** The most named senders, in full and in little room. */
const NAMES_MAX = 3;
const NAMES_MAX_SHORT = 2;
/** The hub counts up to this number. */
const COUNT_MAX = 1000;
/** An older sign of life is mentioned. */
const QUIET_S = 120;

/** The time for which the shown reason has lasted, or without one the status; empty if unknown. */
export function lasting(agent, now) {
  const since = reasonSince(agent);
  if (!since) return "";
  return statusOf(agent) === "lost" ? ago(since, now) : duration(secondsBetween(since, now));
}

/** The status as a word in its own colour: the word by which it is counted and filtered. */
export const badge = (agent) => el("span", { class: "badge" }, statusOf(agent));

/** The status that the agent itself reports, or reported before it was lost, if it differs from the shown one. */
export function ownWord(agent) {
  const status = statusOf(agent);
  if (agent.lost && !agent.online) return `was ${agent.lost.was}`;
  return agent.online && agent.status !== status ? agent.status : "";
}

/** The reaches that an agent can report, each with its meaning. */
const REACHES = {
  wake: "wake: a message wakes it at once",
  turn: "turn: it reads messages in its next turn",
  poll: "poll: it reads messages when it asks",
};

/** The reach as a word with an explanation on hover; a dash if the agent reported none. */
export function reach({ reach: how }) {
  const title = Object.hasOwn(REACHES, how ?? "") ? REACHES[how] : "not reported";
  return el("span", { class: "reach", title }, how || "–");
}

/** The status, its duration, and the agent's own report. */
export function statusLine(agent, now) {
  const [status, own, since] = [statusOf(agent), ownWord(agent), sinceOf(agent)];
  const long = status === "lost" ? ago(since, now) : since && `for ${duration(secondsBetween(since, now))}`;
  const said = own && (status === "stuck" ? `reports ${own}` : own);
  return el("p", { class: "status", data: { status } }, badge(agent), long && ` ${long}`, said && `, ${said}`);
}

/** The progress bar in the colour of the state, or nothing if the agent reports no progress. */
export function progressBar(agent) {
  if (agent.progress === null || agent.progress === undefined) return null;
  return el("progress", { max: 1, value: agent.progress, "aria-label": `progress of ${agent.name}` });
}

export const percent = ({ progress }) =>
  progress === null || progress === undefined ? "" : `${Math.round(progress * 100)} %`;

/** The agent's task and progress. */
export function task(agent) {
  const bar = progressBar(agent);
  return [
    agent.current_task && el("p", { class: "task" }, agent.current_task),
    bar && el("p", { class: "progress" }, bar, percent(agent)),
  ];
}

/** For each agent's element, the inputs of its last drawing. */
const drawn = new WeakMap();

/**
 * The agents' elements for a list: the present element of an unchanged agent, otherwise a new one from `make(agent)`.
 * All of them depend on `from`.
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

/**
 * The reason why an agent needs a person, in one sentence below its status, or its waiting messages; empty if all is
 * well.
 */
export function reason(agent, now) {
  if (statusOf(agent) === "lost") return el("span", { class: "why" }, agent.lost.detail);
  const { stuck, waiting } = agent;
  if (stuck?.reason === "silent") return el("span", { class: "why" }, stuck.detail);
  if (waiting.count === 0) return null;
  // A blocked agent has a badge of its own, and its task says what it needs.
  const isStuck = stuck && stuck.reason !== "blocked";
  return el("span", { class: isStuck ? "why" : "waiting" }, unread(agent, now));
}

/** The reason in few words, for a row with the duration in another column: `{text, why}`, or null. */
export function shortReason(agent, now) {
  const { current_task: task, lost, waiting } = agent;
  const status = statusOf(agent);
  const shown = (text) => ({ text, why: text });
  if (status === "blocked") return shown(task ? `waits for a person: ${task}` : "waits for a person");
  if (isTaskReason(agent)) return shown(task);
  if (lost && !agent.online && status !== "lost") return shown(`was lost ${ago(lost.since, now)}`);
  const why = reason(agent, now);
  if (!why) return null;
  const text = why.textContent ?? "";
  const isUnread = waiting.count > 0 && status !== "lost" && agent.stuck?.reason !== "silent";
  return { text, why: isUnread ? el("span", { class: why.className }, many(agent, NAMES_MAX_SHORT)) : why };
}

/** The reason as a paragraph, and unusual signs. */
export function needs(agent, now) {
  const why = reason(agent, now);
  const isQuiet = agent.online && secondsBetween(agent.last_heartbeat, now) >= QUIET_S;
  return [
    statusOf(agent) === "blocked" && el("p", {}, "waits for a person"),
    why && el("p", {}, why),
    isQuiet && el("p", { class: "quiet" }, `last sign of life ${ago(agent.last_heartbeat, now)}`),
  ];
}

/** "alice, bob and carol". */
const listed = (names) => [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");

/** For an agent that never reports what it has read, only the messages since its last own message are known. */
function unread(agent, now) {
  const waited = duration(secondsBetween(agent.waiting.oldest_ts, now));
  const why = agent.cursor === null ? "; it does not report what it has read" : "";
  return [...many(agent, NAMES_MAX), `, for ${waited}${why}`];
}

/** The number of waiting messages, and their senders. */
function many({ name, cursor, waiting: { count, from } }, namesMax) {
  const words = `${countWords(count)} ${cursor === null ? "unanswered" : "unread"}`;
  const named = listed(from.length > namesMax ? [...from.slice(0, namesMax - 1), "others"] : from);
  return [el("a", { href: routeTo(["agent", name]) }, words), ` from ${named}`];
}

const countWords = (count) => (count >= COUNT_MAX ? `${COUNT_MAX}+` : String(count));

/** The number of waiting messages; a question mark if the agent does not report what it has read. */
export function unreadFigure({ name, cursor, waiting: { count } }) {
  const title =
    cursor === null
      ? `does not report what it has read; ${countWords(count)} came since it last spoke`
      : `${countWords(count)} mentions and direct messages that it has not read`;
  const link = count > 0 && el("a", { href: routeTo(["agent", name]), title }, countWords(count));
  return [link, cursor === null && el("span", { class: "quiet", title }, "?")];
}
