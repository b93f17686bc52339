// Times and numbers as people read them. Pure functions.

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

/** The time from `ts` to `now` in words; no number within the first minute, because it would change all the time. */
export function ago(ts, now) {
  const seconds = secondsBetween(ts, now);
  return seconds < 60 ? "just now" : `${duration(seconds)} ago`;
}

const ZONE_KEY = "orochi-zone";
const store = globalThis.localStorage;
// Both are stored: a feed needs the day of every row, and a request to the browser takes 30 times as long.
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
let isUtc = store?.getItem(ZONE_KEY) === "utc";
globalThis.addEventListener?.("storage", ({ key }) => {
  if (key === ZONE_KEY) isUtc = store.getItem(ZONE_KEY) === "utc";
});

/** The zone of shown times, and its name. */
export const zone = () => ({ isUtc, name: isUtc ? "UTC" : HERE });

/** Shows times in `local` time or in `utc`, now and in later visits. */
export function useZone(name) {
  isUtc = name === "utc";
  store?.setItem(ZONE_KEY, name);
}

/** `[year, month, day, hours, minutes, seconds]` in the shown zone. */
function fields(date) {
  if (!isUtc)
    return [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  return [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), ...time];
}

const two = (n) => String(n).padStart(2, "0");

/** The day in the shown zone: "2026-11-29". */
export function day(ts) {
  const [year, month, date] = fields(new Date(ts));
  return `${year}-${two(month + 1)}-${two(date)}`;
}

/** True if two times are on one day; most neighbours share a minute, which is quickly checked. */
export const isSameDay = (one, other) => one.slice(0, 16) === other.slice(0, 16) || day(one) === day(other);

/** The time of day, with the date if it is not the day of `now`. */
export function clock(ts, now = new Date()) {
  const date = new Date(ts);
  if (Number.isNaN(date.getTime())) return "?";
  const time = fields(date).slice(3).map(two).join(":");
  return day(date) === day(now) ? time : `${day(date)} ${time}`;
}

/** The value for a `datetime-local` field: local time, to the minute. */
export const localInput = (date) =>
  new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

/** Date, time and zone, for details. */
export const exact = (ts) => `${day(ts)} ${clock(ts, new Date(ts))} ${zone().name}`;

/** As `clock`, to the minute, for the ends of a picture. */
export const minute = (ts, now = new Date()) => clock(ts, now).replace(/:\d\d$/, "");
