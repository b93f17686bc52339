// A run of messages without gaps, as the feed shows it: it grows at one end and is cut at the other. Pure functions.

import { threads } from "./threads.js";

/** The most messages that are not replies in a thread; more are cut at the end that the reader moves away from. */
export const FIRSTS_MAX = 200;
/** The most messages with the folded replies. */
export const ROWS_MAX = 1000;
/** The limit while the newest messages are followed: each row costs time with every frame. */
export const FOLLOWED_MAX = 100;
/** The limit of rows while a filter hides some. */
export const FILTERED_MAX = 4000;

/**
 * `rows` in the order of the log; `upTo`: the seq up to which nothing is missing; `isWhole`: there is nothing older;
 * `isFiltered`: only some of its rows are shown.
 */
export const emptyRun = { rows: [], upTo: 0, isWhole: false, isFiltered: false };

const limits = ({ isFiltered }) => (isFiltered ? [FILTERED_MAX, FILTERED_MAX] : [FIRSTS_MAX, ROWS_MAX]);

/** Appends newer rows, after which nothing is missing up to `upTo`. */
export function append(run, newer, upTo) {
  const [firstsMax, rowsMax] = limits(run);
  const rows = [...run.rows, ...newer.filter((row) => row.seq > run.upTo)];
  const { firsts } = threads(rows);
  const from = firsts.length > firstsMax ? rows.indexOf(firsts.at(-firstsMax)) : 0;
  const kept = rows.slice(Math.max(from, rows.length - rowsMax));
  return {
    ...run,
    rows: kept,
    upTo: Math.max(upTo, rows.at(-1)?.seq ?? 0),
    isWhole: run.isWhole && kept.length === rows.length,
  };
}

/** The newest part of a run, as much as a followed feed shows. */
export function newestOf(run) {
  const { firsts } = threads(run.rows);
  if (run.isFiltered || firsts.length <= FOLLOWED_MAX) return run;
  return { ...run, rows: run.rows.slice(run.rows.indexOf(firsts.at(-FOLLOWED_MAX))), isWhole: false };
}

/** Prepends older rows. */
export function prepend(run, older, isWhole) {
  const [firstsMax, rowsMax] = limits(run);
  const first = run.rows[0]?.seq ?? run.upTo + 1;
  const rows = [...older.filter((row) => row.seq < first), ...run.rows];
  const { firsts } = threads(rows);
  const until = firsts.length > firstsMax ? rows.indexOf(firsts[firstsMax]) : rows.length;
  const kept = rows.slice(0, Math.min(until, rowsMax));
  return { ...run, rows: kept, upTo: kept.length === rows.length ? run.upTo : kept.at(-1).seq, isWhole };
}

/** True if every message after `seq` is among `messages`, which have no gaps. */
export const covers = (messages, seq) => messages.length > 0 && messages[0].seq <= seq + 1;
