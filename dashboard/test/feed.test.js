// What the feed shows of the log, and what of it somebody has read.

import assert from "node:assert/strict";
import { test } from "node:test";

import { mark, marks, overChannels, read } from "../js/marks.js";
import { FIRSTS_MAX, ROWS_MAX, append, covers, emptyRun, prepend } from "../js/run.js";

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
  read("#b", 20, kept);
  assert.equal(mark(marks(kept), "#c", 50), 20);
  read("#c", 30, kept);
  assert.deepEqual(
    ["#c", "#b"].map((channel) => mark(marks(kept), channel, 50)),
    [30, 20],
  );
  read("", 40, kept);
  assert.deepEqual(
    ["#c", "#b"].map((channel) => mark(marks(kept), channel, 50)),
    [40, 40],
  );
  // Another log, whose places begin anew.
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
