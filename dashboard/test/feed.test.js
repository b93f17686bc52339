// The feed's part of the log, and the messages that were read.

import assert from "node:assert/strict";
import { test } from "node:test";

import { mark, marks, overChannels, readUpTo, see, seen } from "../js/model/marks.js";
import { chosen, mute, ordered, pin } from "../js/model/channels.js";
import { FIRSTS_MAX, ROWS_MAX, append, covers, emptyRun, prepend } from "../js/model/run.js";
import { threads } from "../js/model/threads.js";
import { words } from "../js/views/feed/moment.js";

const row = (seq, more = {}) => ({ seq, channel: "#c", sender: "alice", ts: "t", ...more });
const rows = (from, to, more) => Array.from({ length: to - from + 1 }, (_, at) => row(from + at, more));
const ends = ({ rows: all }) => [all[0]?.seq, all.at(-1)?.seq, all.length];

function storage() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
}

test("a run that grows below is cut above, and no row is in it twice", () => {
  let run = append({ ...emptyRun, isWhole: true }, rows(1, 10), 10);
  assert.deepEqual([ends(run), run.upTo, run.isWhole], [[1, 10, 10], 10, true]);
  run = append(run, rows(8, 12), 15);
  assert.deepEqual([ends(run), run.upTo], [[1, 12, 12], 15]);
  run = append(run, rows(16, 500), 500);
  assert.deepEqual([ends(run), run.upTo, run.isWhole], [[500 - FIRSTS_MAX + 1, 500, FIRSTS_MAX], 500, false]);
});

test("a run that grows above is cut below, and then knows no more than what it has", () => {
  let run = append(emptyRun, rows(101, 200), 300);
  run = prepend(run, rows(51, 105), false);
  assert.deepEqual([ends(run), run.upTo, run.isWhole], [[51, 200, 150], 300, false]);
  run = prepend(run, rows(1, 50 + 1), true);
  assert.deepEqual([ends(run), run.upTo, run.isWhole], [[1, 200, 200], 300, true]);
  run = prepend({ ...run, rows: run.rows.slice(1) }, [row(0), row(1)], true);
  assert.deepEqual([ends(run), run.upTo], [[0, 199, 200], 199]);
});

test("replies count to the whole but not to what stands by itself", () => {
  const replies = (first, count) => rows(first + 1, first + count, { reply_to: first });
  const run = append(emptyRun, [row(1), ...replies(1, 150), ...rows(152, 200)], 200);
  assert.equal(run.rows.length, 200);
  const many = append(
    emptyRun,
    Array.from({ length: 30 }, (_, at) => [row(at * 50), ...replies(at * 50, 49)]).flat(),
    1500,
  );
  assert.equal(many.rows.length, ROWS_MAX);
});

test("what the page has goes on from a run only where nothing is missing between", () => {
  assert.ok(covers(rows(11, 20), 10));
  assert.ok(covers(rows(11, 20), 15));
  assert.ok(!covers(rows(11, 20), 9));
  assert.ok(!covers([], 0));
});

test("unread is what came after it was read, and nothing for who looks for the first time", () => {
  const kept = storage();
  assert.equal(mark(marks(kept), "#c", 50), 50);
  readUpTo("#b", 20, kept);
  assert.equal(mark(marks(kept), "#c", 50), 20);
  readUpTo("#c", 30, kept);
  assert.deepEqual(
    ["#c", "#b"].map((channel) => mark(marks(kept), channel, 50)),
    [30, 20],
  );
  readUpTo("", 40, kept);
  assert.deepEqual(
    ["#c", "#b"].map((channel) => mark(marks(kept), channel, 50)),
    [40, 40],
  );
  // Another log, whose seqs begin again.
  assert.equal(mark(marks(kept), "#c", 5), 0);
  kept.setItem("orochi-read", "{");
  assert.deepEqual(marks(kept), {});
});

test("channels have their newest message and what is unread, also where the page does not have all of it", () => {
  const channels = new Map(
    Object.entries({
      "#a": { members: ["x"], last: { seq: 3, ts: "t", sender: "x" } },
      "#b": { members: [], last: null },
      "#c": { members: [], last: { seq: 12, ts: "t", sender: "y" } },
    }),
  );
  const found = overChannels(channels, [...rows(11, 13), row(14, { channel: "#b" })], { "": 2, "#c": 12 });
  const figures = [...found].map(([name, { last, unread, isMore }]) => [name, last?.seq, unread, isMore]);
  assert.deepEqual(figures, [
    ["#a", 3, 0, true],
    ["#b", 14, 1, true],
    ["#c", 13, 1, false],
  ]);
});

test("nothing is folded from a moment on under what was said before it", () => {
  const log = [row(1), row(2, { reply_to: 1 }), row(3), row(4, { reply_to: 1 }), row(5, { reply_to: 4 })];
  const shape = ({ firsts, replies }) => [
    firsts.map(({ seq }) => seq),
    [...replies].map(([seq, all]) => [seq, all.length]),
  ];
  assert.deepEqual(shape(threads(log)), [[1, 3], [[1, 3]]]);
  assert.deepEqual(shape(threads(log, 4)), [
    [1, 3, 4],
    [
      [1, 1],
      [4, 1],
    ],
  ]);
});

test("a moment says where it is, and how long nothing was said around it", () => {
  const today = new Date();
  const at = (hour, more = 0) =>
    new Date(today.getFullYear(), today.getMonth(), today.getDate(), hour, more).toISOString();
  const said = (before, after, channel = "", now = at(12)) =>
    words({ at: at(11), before: before && { ts: before }, after: after && { ts: after }, now, channel });
  assert.deepEqual(said(at(10, 58), at(11, 2)), ["11:00, 1 h ago", ""]);
  assert.deepEqual(said(at(10, 30), at(11, 9)), ["11:00, 1 h ago", "nothing was said from 10:30 to 11:09"]);
  assert.equal(said(null, at(11, 9), "#c")[1], "nothing was said here before; the first message is of 11:09");
  // A message of another day than the chosen time has its date.
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1, 8).toISOString();
  const older = words({ at: yesterday, before: null, after: { ts: at(9) }, now: at(12), channel: "" });
  assert.match(older[1], /is of \d{4}-\d\d-\d\d 09:00$/);
  assert.equal(said(at(9), null, "#c")[1], "nothing was said here since 09:00");
  assert.deepEqual(said(at(9), null, "", at(10)), ["11:00 is yet to come", ""]);
  // The known time of the hub may be older than the chosen time.
  assert.equal(said(at(10, 59), null, "", at(10, 59))[0], "11:00, just now");
});

test("unread are messages that have not been in view, wherever they were seen", () => {
  const kept = storage();
  readUpTo("", 10, kept);
  assert.ok(see([11, 13], 14, kept));
  assert.ok(!see([11, 5], 14, kept), "nothing new: one was seen before, one is older than what counts as read");
  const channels = new Map([["#c", { members: [], last: null }]]);
  const found = overChannels(channels, rows(11, 14), marks(kept), seen(kept));
  assert.equal(found.get("#c").unread, 2);
});

test("channels are listed pinned first, then unread, then newest; a muted one is never first", () => {
  const kept = storage();
  pin("#old", kept);
  mute("#loud", kept);
  const channel = (seq, unread) => ({ last: { seq }, unread, isMore: false });
  const all = [
    ["#quiet", channel(9, 0)],
    ["#loud", channel(10, 5)],
    ["#old", channel(1, 0)],
    ["#new", channel(5, 2)],
  ];
  assert.deepEqual(
    ordered(all, chosen(kept)).map(([name]) => name),
    ["#old", "#new", "#quiet", "#loud"],
  );
  pin("#old", kept);
  assert.deepEqual([...chosen(kept).pinned], []);
});
