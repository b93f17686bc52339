// Agents filtered, grouped and counted; the waits between them; conversations, incidents and the results of Ctrl-K.

import assert from "node:assert/strict";
import { test } from "node:test";

import { chosenNames, concerns, figures, grouped, passes, waits, waitsForPerson } from "../js/model/fleet.js";
import { events, rowsOf, words } from "../js/model/incident.js";
import { tokens } from "../js/ui/highlight.js";
import { dismiss, dismissed } from "../js/model/losses.js";
import { reasonSince, sinceOf } from "../js/model/status.js";
import { picture } from "../js/ui/identicon.js";
import { waitingWords } from "../js/views/agent.js";
import { orderedReceipts } from "../js/views/receipts.js";

const now = "2026-01-01T12:00:00Z";
const waiting = (count = 0, from = [], oldest_ts = null) => ({ count, from, oldest_ts });
const agent = (name, more = {}) => ({ name, online: true, stuck: null, status: "busy", waiting: waiting(), ...more });

test("filters are by exact value, but the name by a part of it", () => {
  const one = agent("web-builder", { project: "web" });
  const cases = [
    [{}, true],
    [{ project: "web" }, true],
    [{ project: "we" }, false],
    [{ agent: "BUILD" }, true],
    [{ status: "busy" }, true],
    [{ status: "here" }, true],
    [{ status: "offline" }, false],
    [{ project: "web", status: "idle" }, false],
  ];
  for (const [params, isIn] of cases) assert.equal(passes(one, params), isIn, JSON.stringify(params));
  const agents = new Map([[one.name, one]]);
  assert.equal(chosenNames(agents, { sort: "name" }), null, "nothing is filtered");
  assert.deepEqual([...chosenNames(agents, { project: "web" })], ["web-builder"]);
});

test("messages concern agents that sent them, that they mention, or that they are for", () => {
  const names = new Set(["bob"]);
  const row = (more) => ({ sender: "alice", channel: "#c", mentions: [], ...more });
  assert.ok(concerns(row({ sender: "bob" }), names));
  assert.ok(concerns(row({ mentions: ["bob"] }), names));
  assert.ok(concerns(row({ channel: "@bob" }), names));
  assert.ok(!concerns(row({}), names));
  assert.ok(concerns(row({}), null));
});

test("groups are by name, those without one last", () => {
  const all = [agent("a", { project: "web" }), agent("b"), agent("c", { project: "api" })];
  assert.deepEqual(
    grouped(all, "project").map(([name, list]) => [name, list.length]),
    [
      ["api", 1],
      ["web", 1],
      ["no project", 1],
    ],
  );
  assert.deepEqual(grouped(all, "nothing"), [["", all]]);
});

test("figures count each agent once, the most urgent first", () => {
  const all = [
    agent("a"),
    agent("b", { online: false, lost: { was: "busy" } }),
    agent("c", { online: false, waiting: waiting(2) }),
    agent("d", { status: "blocked" }),
    agent("e"),
    agent("f", { online: false, lost: { was: "busy" }, isDismissed: true }),
    agent("g", { status: "reviewing" }),
  ];
  assert.ok(passes(all[5], { status: "dismissed" }), "a loss that was dismissed can be found");
  assert.ok(passes(all[6], { status: "online" }));
  assert.deepEqual(
    figures(all).map(({ status, count }) => [status, count]),
    [
      ["lost", 1],
      ["blocked", 1],
      ["missed", 1],
      ["busy", 2],
      ["online", 1],
      ["dismissed", 1],
    ],
  );
});

test("a blocked agent waits for a person, the longest first", () => {
  const all = [
    agent("a", { status: "blocked", current_task: "May I?", state_since: "2026-01-01T11:50:00Z" }),
    agent("b", { status: "blocked", current_task: "", state_since: "2026-01-01T11:40:00Z" }),
    agent("c"),
  ];
  assert.deepEqual(
    waitsForPerson(all).map(({ name, task }) => [name, task]),
    [
      ["b", ""],
      ["a", "May I?"],
    ],
  );
});

test("a row's time is that of the reason beside it, else of the status", () => {
  const [state, unread, loss] = ["2026-01-01T11:00:00Z", "2026-01-01T11:55:00Z", "2026-01-01T11:51:00Z"];
  const waits = waiting(1, ["bob"], unread);
  const cases = [
    ["busy", {}, state, state],
    ["busy with something unread", { waiting: waits }, state, unread],
    ["stuck", { waiting: waits, stuck: { reason: "waiting", since: unread } }, unread, unread],
    ["in error, which is the reason", { status: "error", current_task: "no disk", waiting: waits }, state, state],
    ["in error without a word", { status: "error", current_task: "", waiting: waits }, state, unread],
    ["lost", { online: false, lost: { since: loss }, waiting: waits }, loss, loss],
    ["away", { online: false, waiting: waits }, state, unread],
  ];
  for (const [what, more, status, reason] of cases) {
    const one = agent("a", { state_since: state, ...more });
    assert.deepEqual([sinceOf(one), reasonSince(one)], [status, reason], what);
  }
});

test("the dismissal of a loss is kept and can be taken back", () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  dismiss("b", "t0", storage);
  assert.deepEqual(dismiss("a", "t1", storage), { b: "t0", a: "t1" });
  assert.deepEqual(dismiss("a", "", storage), { b: "t0" });
  assert.deepEqual(dismissed(storage), { b: "t0" });
});

test("an agent that does not report what it has read never counts as one that has read all", () => {
  const [reports, mute, stranger] = [{ cursor: 0 }, { cursor: null }, null].map(waitingWords);
  assert.match(reports.title, /^Unread/);
  assert.match(reports.empty, /has read all/);
  for (const { title, empty } of [mute, stranger]) {
    assert.match(title, /^Unanswered/);
    assert.match(empty, /not known/);
  }
});

test("receivers that have not seen a message come before those that have", () => {
  const agents = [
    ["a", "seen"],
    ["b", "delivered"],
    ["z", "pending"],
    ["c", "pending"],
    ["d", "offered"],
    ["e", "of another day"],
  ];
  const names = (started) => orderedReceipts(agents, { ts: "2026-01-01T00:00:00Z" }, started).join(" ");
  assert.equal(names(null), "c,pending z,pending b,delivered d,offered a,seen e,of another day");
  assert.match(names("2026-01-02T00:00:00Z"), /^c,unknown z,unknown b/);
});

test("the one that most wait for comes first, and what was only just said waits for nobody", () => {
  const old = "2026-01-01T11:50:00Z";
  const all = [
    agent("alice", { waiting: waiting(9, ["bob"], old) }),
    agent("night-shift", { waiting: waiting(3, ["planner", "reviewer", "deployer"], old) }),
    agent("carol", { waiting: waiting(1, ["bob"], "2026-01-01T11:59:30Z") }),
  ];
  assert.deepEqual(
    waits(all, now).map(({ name, waiters }) => [name, waiters.length]),
    [
      ["night-shift", 3],
      ["alice", 1],
    ],
  );
});

test("an incident is one line of messages, changes, arrivals and losses", () => {
  const at = (minute) => `2026-01-01T12:${String(minute).padStart(2, "0")}:00Z`;
  const spans = [
    { state: "busy", since: at(0), until: at(5) },
    { state: "lost", since: at(5), until: at(9) },
    { state: "online", since: at(9), until: at(10) },
    { state: "error", since: at(10), until: at(20) },
  ];
  const row = { seq: 7, ts: at(6), sender: "bob", channel: "#c", content: "x", mentions: ["nomad"] };
  const found = events({ nomad: spans }, [row], { since: at(0), until: at(20) });
  assert.deepEqual(
    found.map((event) => `${event.agent} ${words(event)}`),
    ["nomad was lost while busy", "bob wrote in #c", "nomad is back: online", "nomad is error, was online"],
  );
  assert.deepEqual(rowsOf([row], { agents: ["nomad"], channels: [] }), [row]);
  assert.deepEqual(rowsOf([row], { agents: [], channels: ["#other"] }), []);
});

test("code is coloured without changing it", () => {
  const code = 'const n = 12; // "no string"\nreturn "a // b";';
  const found = tokens(code, "js");
  assert.equal(found.map(({ text }) => text).join(""), code);
  assert.deepEqual(
    found.filter(({ kind }) => kind === "comment").map(({ text }) => text),
    ['// "no string"'],
  );
  assert.equal(tokens("# x", "py")[0].kind, "comment");
});

test("a name has one picture, and names with the same initials differ in colour or shape", () => {
  assert.deepEqual(picture("web-builder"), picture("web-builder"));
  const letters = ["web-builder", "alice", "b", "失敗 二", "", "--"].map((name) => picture(name).initials);
  assert.deepEqual(letters, ["wb", "al", "b", "失二", "", "--"]);
  const names = ["api", "web", "docs", "infra", "data", "mobile"].flatMap((project) =>
    ["builder", "tester", "reviewer", "writer", "planner", "triager", "runner"].map((role) => `${project}-${role}`),
  );
  const pictures = new Set(names.map((name) => Object.values(picture(name)).join()));
  assert.equal(pictures.size, names.length);
});
