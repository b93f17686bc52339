// Agents as a lead sees them: filtered, grouped and counted, and the waits between them. Pure functions.

import { secondsBetween } from "../ui/format.js";
import { isLost, isMissed, reasonSince, sinceOf, statusOf } from "./status.js";

/** @typedef {import("../../types.js").Agent} Agent */

/** Filters, by their names in the address. They apply to every page. */
export const FILTERS = ["project", "machine", "role", "status", "agent"];
/** The fields by which agents can be grouped. */
export const GROUPS = ["project", "machine", "role"];
/** The statuses, by how much they need a person. */
const NEEDS = ["lost", "stuck", "error", "blocked", "missed", "busy", "online", "idle", "dismissed", "offline"];
/** The words for each status, in figures and filters. */
export const STATUS_WORDS = {
  here: "here",
  lost: "lost",
  stuck: "stuck",
  error: "in error",
  blocked: "blocked",
  missed: "away, messages wait",
  busy: "busy",
  online: "online",
  idle: "idle",
  dismissed: "lost, dismissed",
  offline: "offline",
};
/** A message that has waited for less is still on its way. */
const WAITS_S = 60;

/** The status by which an agent is counted, filtered and ranked. */
export function standingOf(agent) {
  if (isMissed(agent)) return "missed";
  return !agent.online && agent.lost && agent.isDismissed ? "dismissed" : statusOf(agent);
}

/** The params that are filters and are set. */
export const filtersIn = (params) =>
  Object.fromEntries(FILTERS.filter((name) => params[name]).map((name) => [name, params[name]]));

/**
 * True if an agent passes the filters; `agent` is a part of the name.
 * @param {Agent} agent
 */
export function passes(agent, params) {
  return FILTERS.every((name) => {
    const wanted = params[name];
    if (!wanted) return true;
    if (name === "agent") return agent.name.toLowerCase().includes(wanted.toLowerCase());
    if (name !== "status") return agent[name] === wanted;
    if (wanted === "here") return agent.online;
    if (wanted === "offline") return !agent.online && !isLost(agent);
    return standingOf(agent) === wanted;
  });
}

/** The names of the agents that pass, or null without filters. */
export function chosenNames(agents, params) {
  if (Object.keys(filtersIn(params)).length === 0) return null;
  return new Set([...agents.values()].filter((agent) => passes(agent, params)).map(({ name }) => name));
}

/** True if a message is by or to one of these agents; null means all. */
export function concerns(row, names) {
  if (names === null || names.has(row.sender)) return true;
  if (row.channel.startsWith("@") && names.has(row.channel.slice(1))) return true;
  return (row.mentions ?? []).some((name) => names.has(name));
}

/** Sorts agents by `key`: the status by need, a text alphabetically with empty ones last; then by name. */
export function sorted(agents, key) {
  const rank = (agent) => NEEDS.indexOf(standingOf(agent));
  const long = (agent) => Date.parse(reasonSince(agent) ?? "") || Infinity;
  const compare = {
    status: (a, b) => rank(a) - rank(b),
    since: (a, b) => long(a) - long(b),
    unread: (a, b) => b.waiting.count - a.waiting.count,
    progress: (a, b) => (b.progress ?? -1) - (a.progress ?? -1),
  };
  const text = (a, b) => Number(!a[key]) - Number(!b[key]) || String(a[key]).localeCompare(String(b[key]));
  return [...agents].sort((a, b) => (compare[key] ?? text)(a, b) || a.name.localeCompare(b.name));
}

/**
 * Groups agents by project, machine or role as `[[name, agents]]`, those without one last; otherwise one group without
 * a name.
 */
export function grouped(agents, key) {
  if (!GROUPS.includes(key)) return [["", agents]];
  const groups = new Map();
  for (const agent of agents) groups.set(agent[key] || "", [...(groups.get(agent[key] || "") ?? []), agent]);
  return [...groups]
    .sort(([a], [b]) => Number(!a) - Number(!b) || a.localeCompare(b))
    .map(([name, all]) => [name || `no ${key}`, all]);
}

/** Counts agents by status as `[{status, count, words}]`, the most urgent first, without empty ones. */
export function figures(agents) {
  const counts = new Map();
  for (const agent of agents) counts.set(standingOf(agent), (counts.get(standingOf(agent)) ?? 0) + 1);
  return NEEDS.filter((status) => counts.has(status)).map((status) => ({
    status,
    count: counts.get(status),
    words: STATUS_WORDS[status],
  }));
}

/**
 * Agents that wait for a person, the longest wait first: `[{name, task, since}]`.
 * @param {Iterable<Agent>} agents
 */
export function waitsForPerson(agents) {
  const found = [...agents].filter((agent) => statusOf(agent) === "blocked");
  return sorted(found, "since").map((agent) => ({
    name: agent.name,
    task: agent.current_task,
    since: sinceOf(agent),
  }));
}

/**
 * Agents that others wait for, the one with the most waiters first: `[{name, waiters, count, since}]`.
 * @param {Iterable<Agent>} agents
 * @param {string} now
 */
export function waits(agents, now) {
  const all = [...agents].filter(
    ({ waiting }) => waiting.count > 0 && waiting.oldest_ts && secondsBetween(waiting.oldest_ts, now) >= WAITS_S,
  );
  const found = all.map(({ name, waiting }) => ({
    name,
    waiters: waiting.from.filter((from) => from !== name),
    count: waiting.count,
    since: waiting.oldest_ts ?? now,
  }));
  return found.sort(
    (a, b) => b.waiters.length - a.waiters.length || b.count - a.count || Date.parse(a.since) - Date.parse(b.since),
  );
}
