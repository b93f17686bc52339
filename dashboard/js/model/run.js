// A run of messages without gaps, which the feed shows: it grows at one end and is cut at the other. Pure functions.

import { threads } from "./threads.js";

/** Messages that stand by themselves; more are cut off at the end that one moves away from. */
export const FIRSTS_MAX = 200;
/** With those that are folded under them. */
export const ROWS_MAX = 1000;

/**
 * `rows` in the order of the log; `upTo`: the seq up to which nothing is missing; `isWhole`: there is nothing older.
 */
export const emptyRun = { rows: [], upTo: 0, isWhole: false };

/** With these newer rows, after which nothing is missing up to `upTo`. */
export function append(run, newer, upTo) {
  const rows = [...run.rows, ...newer.filter((row) => row.seq > run.upTo)];
  const { firsts } = threads(rows);
  const from = firsts.length > FIRSTS_MAX ? rows.indexOf(firsts.at(-FIRSTS_MAX)) : 0;
  const kept = rows.slice(Math.max(from, rows.length - ROWS_MAX));
  return {
    rows: kept,
    upTo: Math.max(upTo, rows.at(-1)?.seq ?? 0),
    isWhole: run.isWhole && kept.length === rows.length,
  };
}

/** With these older rows. */
export function prepend(run, older, isWhole) {
  const first = run.rows[0]?.seq ?? run.upTo + 1;
  const rows = [...older.filter((row) => row.seq < first), ...run.rows];
  const { firsts } = threads(rows);
  const until = firsts.length > FIRSTS_MAX ? rows.indexOf(firsts[FIRSTS_MAX]) : rows.length;
  const kept = rows.slice(0, Math.min(until, ROWS_MAX));
  return { rows: kept, upTo: kept.length === rows.length ? run.upTo : kept.at(-1).seq, isWhole };
}

/** Whether every message after `seq` is among `messages`, which have no gaps. */
export const covers = (messages, seq) => messages.length > 0 && messages[0].seq <= seq + 1;
