// The feed as a pure machine: `(feed, event) -> {feed, effects}`. It decides which run of the log is shown and which
// requests are sent. `view.js` draws and executes the effects, `scroll.js` moves the scroll bar.
//
// Modes: `following` shows new messages as they come; `anchored` stays at the place of the address until the reader
// moves; `browsing` is any other place.

import { append, covers, emptyRun, newestOf, prepend } from "../../model/run.js";
import { secondsBetween } from "../../ui/format.js";

/** Rows asked for at a time. */
export const STEP = 100;
/** The rows of one request while a filter hides some. */
export const STEP_FILTERED = 500;
/** The rows of the first drawing: after a burst, only the newest are read. */
export const BURST = 60;

/**
 * @typedef {object} Feed
 * @property {"following" | "anchored" | "browsing"} mode
 * @property {string} channel empty for all
 * @property {{seq?: string, at?: string}} place that the address names
 * @property {typeof emptyRun} run
 * @property {import("../../../types.js").Row[]} messages that the page got over its socket, without gaps
 * @property {number} lastSeq
 * @property {boolean} isBegun
 * @property {boolean} isAtBottom
 * @property {number | null} newest the newest message that was counted
 * @property {number} fresh messages that came while somebody read elsewhere
 * @property {number | null} target the seq that is marked
 * @property {{at: string, after: object | null, head: number} | null} moment the time that is marked
 * @property {{id: number, kind: string, query: object, run?: object} | null} asked
 * @property {number} asks
 * @property {boolean} isBringing whether the mark is still to be brought into sight
 * @property {object | null} waiting a jump that is tried again when the hub is back
 */

/** @returns {Feed} */
export function initial(channel, place, isFiltered = false) {
  return {
    mode: "following",
    channel,
    place,
    run: { ...emptyRun, isFiltered },
    messages: [],
    lastSeq: 0,
    isBegun: false,
    isAtBottom: true,
    newest: null,
    fresh: 0,
    target: null,
    moment: null,
    asked: null,
    asks: 0,
    isBringing: false,
    waiting: null,
  };
}

/**
 * Events: `state {messages, lastSeq, isLive}`, `again` (the same address was opened again), `moved {isTop, isBottom}`
 * by hand, `settled {isShort, isBottom}` after drawing, `latest`, `older`, `stay {isBottom}` (something was opened at
 * the reader's place), `rows {id, rows}` and `failed {id, isAway}` as the hub answers.
 *
 * Effects: `ask {id, query}`, `draw`, `bring` (scroll to the mark), `settle` (report the layout), `news {count}`,
 * `announce {text}`, `leave` (remove the place from the address).
 */
export function step(feed, event) {
  const handler = HANDLERS[event.type];
  return handler ? handler(feed, event) : out(feed);
}

const out = (feed, ...effects) => ({ feed, effects });
const DRAW = { type: "draw" };

/** Applies `next` after an earlier step, and returns the effects of both. */
function then({ feed, effects }, next) {
  const after = next(feed);
  return { feed: after.feed, effects: [...effects, ...after.effects] };
}

const HANDLERS = {
  state,
  again: (feed) => begin(feed),
  moved,
  settled,
  latest: (feed) => showNewest(feed),
  older: (feed) => older(feed),
  stay: (feed, { isBottom }) =>
    feed.mode === "following" && !isBottom ? out({ ...feed, mode: "browsing", isAtBottom: false }, DRAW) : out(feed),
  rows: answered,
  failed,
};

/** Messages of the feed's channel, or all. */
const ownRows = ({ channel, messages }) => (channel ? messages.filter((row) => row.channel === channel) : messages);

/** The rows after `seq` of rows in order. */
const after = (rows, seq) => rows.slice(rows.findLastIndex((row) => row.seq <= seq) + 1);

const stepOf = ({ run }) => (run.isFiltered ? STEP_FILTERED : STEP);

function state(feed, { messages, lastSeq, isLive }) {
  const came = feed.newest === null ? [] : after(ownRows({ ...feed, messages }), feed.newest);
  const newest = Math.max(feed.newest ?? 0, ownRows({ ...feed, messages }).at(-1)?.seq ?? 0);
  const fresh = feed.mode === "following" ? 0 : feed.fresh + came.length;
  const next = found({ ...feed, messages, lastSeq: lastSeq ?? 0, newest, fresh });
  const news = came.length > 0 ? [{ type: "news", count: came.length }] : [];
  return then(out(next, ...news), (now) => {
    if (!now.isBegun) return begin({ ...now, isBegun: true });
    if (now.waiting && isLive) return ask({ ...now, waiting: null }, "jump", now.waiting);
    if (now.mode === "following") return out(withLive(now), DRAW);
    // New messages are added to the visible ones, and nothing moves.
    if (now.mode === "anchored" && now.isAtBottom && now.run.upTo < now.lastSeq) return newer(now);
    return out(now, DRAW);
  });
}

/** Notes the first message after the marked time, if the socket brought it. */
function found(feed) {
  const { moment, messages } = feed;
  if (!moment || moment.after || !covers(messages, moment.head)) return feed;
  const isAfter = ({ seq, ts }) => seq > moment.head && secondsBetween(moment.at, ts) >= 0;
  const first = ownRows(feed).find(isAfter) ?? null;
  return first ? { ...feed, moment: { ...moment, after: first } } : feed;
}

/** Begins at the place of the address. */
function begin(feed) {
  const { seq, at } = feed.place;
  if (/^[1-9]\d{0,14}$/.test(seq ?? "")) return jump(feed, { after: Number(seq) - 1 });
  if (!at) return showNewest(feed);
  if (Number.isNaN(Date.parse(at))) return showNewest(feed, { at, after: null, head: Infinity });
  return jump(feed, { since: at });
}

/** Requests the messages from a place on; until they are there, nothing moves. */
const jump = (feed, query) =>
  then(out({ ...feed, mode: "browsing", asked: null }, DRAW), (now) => ask(now, "jump", query));

function ask(feed, kind, query) {
  const id = feed.asks + 1;
  const whole = { ...query, limit: stepOf(feed), channel: feed.channel };
  const asked = { id, kind, query, run: feed.run };
  return out({ ...feed, asks: id, asked }, { type: "ask", id, query: whole });
}

/** Adds the rows from the socket. If messages before them are missing, the run begins with them. */
function withLive(feed) {
  const { messages, run, lastSeq } = feed;
  if (messages.length === 0) return feed;
  const rows = ownRows(feed);
  const goesOn = covers(messages, run.upTo) && (after(rows, run.upTo).length <= BURST || run.isFiltered);
  const anew = { ...emptyRun, isFiltered: run.isFiltered };
  const first = run.isFiltered ? rows : rows.slice(-BURST);
  return { ...feed, run: goesOn ? newestOf(append(run, rows, lastSeq)) : append(anew, first, lastSeq) };
}

/**
 * Shows the newest messages; `moment` is a line below them.
 * @param {Feed} feed
 * @param {Feed["moment"]} [moment]
 */
function showNewest(feed, moment = null) {
  const run = { ...emptyRun, isFiltered: feed.run.isFiltered };
  const cleared = { mode: "following", asked: null, waiting: null, isBringing: false, fresh: 0, target: null };
  const next = withLive({ ...feed, ...cleared, moment, run });
  return out(/** @type {Feed} */ (next), DRAW, { type: "settle" });
}

function moved(feed, { isTop, isBottom }) {
  const was = feed.mode;
  const mode = was === "anchored" || (was === "following" && !isBottom) ? "browsing" : was;
  const next = { ...feed, mode, isAtBottom: isBottom };
  const changed = was === "following" && mode === "browsing" ? [DRAW] : [];
  return then(out(next, ...changed), (now) => {
    if (isTop) return older(now);
    return isBottom ? newer(now) : out(now);
  });
}

/** If everything is visible, no scrolling can request more. */
function settled(feed, { isShort, isBottom }) {
  const next = { ...feed, isAtBottom: isBottom };
  const most = feed.run.isFiltered ? 3000 : STEP;
  if (isShort && !feed.run.isWhole && feed.run.rows.length < most) return older(next);
  return isBottom ? newer(next) : out(next);
}

function older(feed) {
  if (feed.asked !== null || feed.run.isWhole) return brought(feed);
  const before = feed.run.rows[0]?.seq ?? feed.messages[0]?.seq;
  const known = ownRows(feed).filter((row) => row.seq < before);
  if (known.length >= STEP) return withOlder(feed, known.slice(-STEP), false);
  return ask(feed, "older", { before });
}

function withOlder(feed, rows, isWhole) {
  const run = prepend(feed.run, rows, isWhole);
  // The newest rows were cut off, so they are not followed any more.
  const mode = run.upTo < feed.run.upTo && feed.mode === "following" ? "browsing" : feed.mode;
  const again = run.isFiltered && !isWhole ? [{ type: "settle" }] : [];
  return then(out({ ...feed, run, mode }, DRAW, ...again), brought);
}

/** Scrolls to the mark, once the rows before it are there too. */
function brought(feed) {
  return feed.isBringing ? out({ ...feed, isBringing: false, mode: "anchored" }, { type: "bring" }) : out(feed);
}

function newer(feed) {
  if (feed.mode === "following" || feed.asked !== null) return out(feed);
  const { messages, run, lastSeq } = feed;
  if (!covers(messages, run.upTo)) return run.upTo < lastSeq ? ask(feed, "newer", { after: run.upTo }) : out(feed);
  const rows = after(ownRows(feed), run.upTo);
  const isAll = rows.length <= STEP;
  const isFollowing = isAll && feed.mode !== "anchored";
  const next = { ...feed, run: append(run, rows.slice(0, STEP), isAll ? lastSeq : 0) };
  if (!isFollowing) return out(next, DRAW);
  return out({ ...next, mode: "following", fresh: 0 }, ...(feed.place.at ? [{ type: "leave" }] : []), DRAW);
}

/** Uses an answer if it belongs to the last request. */
function answered(feed, { id, rows }) {
  if (feed.asked?.id !== id) return out(feed);
  const { kind, query, run } = feed.asked;
  const next = { ...feed, asked: null };
  if (kind === "jump") return landed(next, query, rows);
  const isEnd = rows.length < stepOf(feed);
  if (kind === "older") {
    // Changes at the other end do not matter, except that the first rows came or the oldest were cut off.
    if (run.rows[0] !== feed.run.rows[0]) return out(next, { type: "settle" });
    return withOlder(next, rows, isEnd);
  }
  if (run !== feed.run) return out(next);
  return out({ ...next, run: append(run, rows, isEnd ? feed.lastSeq : 0) }, DRAW, { type: "settle" });
}

/** The messages from the place on have arrived. */
function landed(feed, query, rows) {
  const [first = null] = rows;
  const head = feed.lastSeq;
  const moment = query.since ? { at: query.since, after: first, head } : null;
  if (first === null) {
    const shown = showNewest(feed, moment);
    const note = { type: "announce", text: `There is no message ${feed.place.seq} here.` };
    return then(shown, (now) => out(now, moment ? { type: "bring" } : note));
  }
  const run = append(
    { ...emptyRun, isFiltered: feed.run.isFiltered, upTo: first.seq - 1 },
    rows,
    rows.length < stepOf(feed) ? head : 0,
  );
  const next = { ...feed, moment, target: moment ? null : first.seq, run, isBringing: true, isAtBottom: false };
  return then(out(next, DRAW), older);
}

/** A place that could not be requested is kept: it is tried again when the hub is back. */
function failed(feed, { id, isAway }) {
  if (feed.asked?.id !== id) return out(feed);
  const { kind, query } = feed.asked;
  const next = { ...feed, asked: null };
  if (kind === "jump") return isAway ? out({ ...next, waiting: query }) : showNewest(next);
  return brought(next);
}
