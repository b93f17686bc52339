// The feed's machine as tables: its rows and requests, for any order of events.

import assert from "node:assert/strict";
import { test } from "node:test";

import { initial, step } from "../js/views/feed/machine.js";

const ts = (seq) => new Date(Date.UTC(2026, 0, 1) + seq * 60_000).toISOString();
const row = (seq, channel = "#c") => ({ seq, channel, sender: `s${seq}`, ts: ts(seq), content: "x" });
const rows = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => row(from + at));

/** Plays events in turn. Returns the feed and the effects of the last event, in words. */
function play(feed, ...events) {
  let effects = [];
  for (const event of events) ({ feed, effects } = step(feed, event));
  const words = effects.map(({ type, query, count }) =>
    type === "ask"
      ? `ask ${["after", "before", "since"].filter((key) => key in query).map((key) => `${key} ${query[key]}`)}`
      : count
        ? `${type} ${count}`
        : type,
  );
  return { feed, words };
}

const state = (from, to, isLive = true) => ({ type: "state", messages: rows(from, to), lastSeq: to, isLive });
const moved = (isTop, isBottom) => ({ type: "moved", isTop, isBottom });
const answer = (feed, found) => ({ type: "rows", id: feed.asks, rows: found });
const ends = ({ run }) => [run.rows[0]?.seq, run.rows.at(-1)?.seq];

test("machine keeps as much of what it follows as a window holds, and has the rest when a hand moves up", () => {
  const { feed } = play(initial("", {}), state(1, 100), state(1, 150), state(1, 200), state(1, 250));
  assert.deepEqual([feed.mode, ends(feed)], ["following", [151, 250]]);
  const { feed: above } = play(feed, moved(true, false));
  assert.deepEqual([above.mode, ends(above)], ["browsing", [51, 250]]);
});

test("machine follows the newest until a hand moves up, and again at the bottom", () => {
  const steps = [
    ["the newest to begin with", state(1, 100), "following", [41, 100], ["draw", "settle"]],
    ["one more comes", state(1, 101), "following", [41, 101], ["news 1", "draw"]],
    ["a hand moves up", moved(false, false), "browsing", [41, 101], ["draw"]],
    ["others come meanwhile", state(1, 103), "browsing", [41, 101], ["news 2", "draw"]],
    ["down again", moved(false, true), "following", [41, 103], ["draw"]],
  ];
  let feed = initial("", {});
  for (const [what, event, mode, shown, effects] of steps) {
    const after = play(feed, event);
    feed = after.feed;
    assert.deepEqual([feed.mode, ends(feed), after.words], [mode, shown, effects], what);
  }
  assert.equal(feed.fresh, 0);
});

test("machine asks the hub for what is older than the page holds, once at a time", () => {
  let { feed } = play(initial("", {}), state(501, 560), moved(false, false));
  let after = play(feed, moved(true, false));
  assert.deepEqual(after.words, ["ask before 501"]);
  assert.deepEqual(play(after.feed, moved(true, false)).words, [], "it is asked already");
  after = play(after.feed, answer(after.feed, rows(401, 500)));
  assert.deepEqual([ends(after.feed), after.words], [[401, 560], ["draw"]]);
  after = play(after.feed, moved(true, false));
  after = play(after.feed, answer(after.feed, rows(390, 400)));
  assert.ok(after.feed.run.isWhole, "fewer than were asked for: there is nothing older");
});

test("machine goes to a message, shows what stands before it, and stays there whatever comes", () => {
  let after = play(initial("", { seq: "300" }), state(501, 560));
  assert.deepEqual(after.words, ["draw", "ask after 299"]);
  after = play(after.feed, answer(after.feed, rows(300, 399)));
  assert.deepEqual([after.feed.target, after.words], [300, ["draw", "ask before 300"]]);
  after = play(after.feed, answer(after.feed, rows(200, 299)));
  assert.deepEqual([after.feed.mode, after.words], ["anchored", ["draw", "bring"]]);
  after = play(after.feed, state(501, 570));
  assert.deepEqual([after.feed.mode, after.feed.fresh], ["anchored", 10]);
  after = play(after.feed, moved(false, false));
  assert.equal(after.feed.mode, "browsing");
});

test("machine keeps a link while the hub is away, and goes there when it is back", () => {
  let after = play(initial("", { seq: "300" }), state(501, 560, false));
  after = play(after.feed, { type: "failed", id: after.feed.asks, isAway: true });
  assert.deepEqual([after.feed.waiting, after.words], [{ after: 299 }, []]);
  assert.deepEqual(play(after.feed, state(501, 561, false)).words, ["news 1", "draw"]);
  after = play(after.feed, state(501, 561, true));
  assert.deepEqual(after.words, ["news 1", "ask after 299"]);
  after = play(after.feed, answer(after.feed, rows(300, 399)));
  assert.equal(after.feed.target, 300);
});

test("machine shows the newest where a place can't be had for another reason", () => {
  let after = play(initial("", { at: ts(10) }), state(1, 60));
  after = play(after.feed, { type: "failed", id: after.feed.asks, isAway: false });
  assert.deepEqual([after.feed.mode, after.words], ["following", ["draw", "settle"]]);
  assert.equal(play(initial("", { at: "nonsense" }), state(1, 60)).feed.moment.head, Infinity);
});

test("machine drops answers that nobody waits for any more", () => {
  const asked = play(initial("", { seq: "300" }), state(501, 560)).feed;
  const gone = play(asked, { type: "latest" }).feed;
  const late = play(gone, answer(asked, rows(300, 399)));
  assert.deepEqual(
    [late.feed.mode, late.feed.target, ends(late.feed), late.words],
    ["following", null, [501, 560], []],
  );
  // Older rows that come after the newest were cut off are not put above a gap.
  const older = play(play(initial("", {}), state(501, 560), moved(false, false)).feed, moved(true, false)).feed;
  const latest = play(older, { type: "latest" }).feed;
  assert.deepEqual(ends(play(latest, answer(older, rows(401, 500))).feed), [501, 560]);
});

test("machine goes to a time: the line stands before the first message after it", () => {
  let after = play(initial("", { at: ts(300) }), state(501, 560));
  assert.deepEqual(after.words, ["draw", `ask since ${ts(300)}`]);
  after = play(after.feed, answer(after.feed, rows(300, 399)));
  assert.deepEqual([after.feed.moment.after.seq, after.feed.target], [300, null]);
  // A time later than all messages shows the newest, and the line below them until something comes.
  let end = play(initial("", { at: ts(600) }), state(501, 560));
  end = play(end.feed, answer(end.feed, []));
  assert.deepEqual([end.feed.mode, end.feed.moment.after], ["following", null]);
  end = play(end.feed, state(501, 601));
  assert.equal(end.feed.moment.after.seq, 600);
});

test("machine shows one channel of what the page holds", () => {
  const mixed = [row(1, "#a"), row(2), row(3, "#a"), row(4)];
  const { feed } = play(initial("#a", {}), { type: "state", messages: mixed, lastSeq: 4, isLive: true });
  assert.deepEqual(
    feed.run.rows.map(({ seq }) => seq),
    [1, 3],
  );
});

test("machine begins anew at the end where more came at once than anybody reads", () => {
  const { feed } = play(initial("", {}), state(1, 60), state(1, 900));
  assert.deepEqual(ends(feed), [841, 900]);
});
