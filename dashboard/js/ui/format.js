// Times, numbers and links as people read them. Pure functions.

/** Seconds in words: "4 s", "12 min", "3 h 20 min", "11 h", "2 d". */
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  const minutes = Math.floor((s % 3600) / 60);
  if (s < 36_000 && minutes > 0) return `${Math.floor(s / 3600)} h ${minutes} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** Seconds from one RFC 3339 time to another. */
export function secondsBetween(from, to) {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}

/** How long before `now` something was; within the minute no number, which would change all the time. */
export function ago(ts, now) {
  const seconds = secondsBetween(ts, now);
  return seconds < 60 ? "just now" : `${duration(seconds)} ago`;
}

/** The time of day, and the date where it is not that of `now`. */
export function clock(ts, now = new Date()) {
  const date = new Date(ts);
  if (Number.isNaN(date.getTime())) return "?";
  const two = (n) => String(n).padStart(2, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** The same to the minute, for the ends of a picture. */
export const minute = (ts, now = new Date()) => clock(ts, now).replace(/:\d\d$/, "");

/** Statuses that have a colour of their own, in the order in which they need a person. */
export const STATUSES = ["lost", "stuck", "error", "blocked", "busy", "online", "idle", "offline"];

/** One of these statuses, by what the agent says, how the hub judges it, and whether it is there. */
export function statusOf(agent) {
  if (!agent.online) return agent.lost && !agent.isDismissed ? "lost" : "offline";
  if (agent.stuck) return "stuck";
  return ["busy", "blocked", "error", "idle"].includes(agent.status) ? agent.status : "online";
}

/** Whether an agent needs a person. */
export const needsPerson = (agent) => ["lost", "stuck", "error", "blocked"].includes(statusOf(agent));

/** `#/name?key=value` as `{name, params}`; and back. */
export function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").map(decoded), params: Object.fromEntries(new URLSearchParams(query)) };
}

/** What can't be decoded is taken as it is: addresses are typed by hand too. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function routeTo(path, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}
