// Agents filtered, grouped and counted; who waits for whom; conversations, incidents and what Ctrl-K finds.

import assert from "node:assert/strict";
import { test } from "node:test";

import { chosenNames, concerns, figures, grouped, passes, waits } from "../js/model/fleet.js";
import { events, rowsOf, words } from "../js/model/incident.js";
import { tokens } from "../js/ui/highlight.js";
import { pattern } from "../js/ui/identicon.js";

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
  ];
  assert.deepEqual(
    figures(all).map(({ status, count }) => [status, count]),
    [
      ["lost", 1],
      ["blocked", 1],
      ["missed", 1],
      ["busy", 2],
    ],
  );
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

test("a name has one picture", () => {
  assert.equal(pattern("alice"), pattern("alice"));
  assert.notEqual(pattern("alice"), pattern("bob"));
});
