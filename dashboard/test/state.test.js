// The page's pure parts: the reducer, formats, text, and the socket's attempts. Run by `node --test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sorted } from "../js/model/fleet.js";
import { MESSAGES_MAX, initial, reduce } from "../js/model/state.js";
import { clock, duration } from "../js/ui/format.js";
import { ALL, noticeOf, noticesOf, want, wanted } from "../js/model/notices.js";
import { News } from "../js/ui/news.js";
import { FOLD_WITHIN, threads } from "../js/model/threads.js";
import { parts, plainParts } from "../js/ui/text.js";
import { statusOf } from "../js/model/status.js";
import { parseRoute, routeTo } from "../js/route.js";

const row = (seq, more = {}) => ({ seq, sender: "alice", channel: "#c", content: String(seq), mentions: [], ...more });
const frame = (seq) => ({
  type: "message",
  seq,
  sender: "alice",
  ts: "t",
  id: "i",
  payload: { channel: "#c", content: String(seq), mentions: [] },
});
const seqs = (state) => state.messages.map((message) => message.seq);

test("messages stand once and in order, however they come", () => {
  let state = reduce(initial(), { kind: "history", rows: [row(5), row(4)] });
  state = reduce(state, { kind: "frame", frame: frame(6) });
  state = reduce(state, { kind: "frame", frame: frame(6) });
  state = reduce(state, { kind: "history", rows: [row(2), row(4), row(3)] });
  assert.deepEqual(seqs(state), [2, 3, 4, 5, 6]);
  assert.equal(state.lastSeq, 6);
});

test("what is kept of live messages is bounded", () => {
  let state = initial();
  for (let seq = 1; seq <= MESSAGES_MAX + 10; seq += 1) state = reduce(state, { kind: "frame", frame: frame(seq) });
  assert.equal(state.messages.length, MESSAGES_MAX);
  assert.equal(state.messages.at(-1).seq, MESSAGES_MAX + 10);
});

test("events change the agent that they are about, and nothing that was shown before", () => {
  const agent = {
    name: "__proto__",
    online: true,
    status: "busy",
    stuck: { reason: "silent", detail: "x" },
    waiting: { count: 0 },
  };
  const before = reduce(initial(), { kind: "overview", data: { now: "t", agents: [agent], channels: [] } });
  const payload = { agent: "__proto__", status: "idle", current_task: "", progress: null };
  const after = reduce(before, { kind: "frame", frame: { type: "status_update", payload } });
  assert.equal(statusOf(after.agents.get("__proto__")), "idle");
  assert.equal(statusOf(before.agents.get("__proto__")), "stuck");
  const unread = new Map([["__proto__", { ...agent, stuck: { reason: "waiting" } }]]);
  const still = reduce({ ...before, agents: unread }, { kind: "frame", frame: { type: "status_update", payload } });
  assert.equal(statusOf(still.agents.get("__proto__")), "stuck", "a status says nothing of what was read");
  const gone = reduce(after, {
    kind: "frame",
    frame: { type: "presence_change", payload: { agent: "__proto__", event: "disconnected" } },
  });
  assert.equal(statusOf(gone.agents.get("__proto__")), "offline");
});

test("those that need a person come first", () => {
  const agent = (name, more) => ({ name, online: true, stuck: null, status: "idle", waiting: { count: 0 }, ...more });
  const agents = [
    agent("a"),
    agent("b", { status: "error" }),
    agent("c", { stuck: {} }),
    agent("d", { online: false }),
    agent("e", { status: "busy" }),
    agent("f", { online: false, waiting: { count: 1 } }),
  ];
  assert.deepEqual(
    sorted(agents, "status").map(({ name }) => name),
    ["c", "b", "f", "e", "a", "d"],
  );
  const places = [
    agent("a", { project: "web" }),
    agent("b", { project: "" }),
    agent("d", { project: "api" }),
    agent("c", { project: "api" }),
  ];
  assert.deepEqual(
    sorted(places, "project").map(({ name }) => name),
    ["c", "d", "a", "b"],
  );
});

test("text is split into what it is, and only mentions that the hub took are mentions", () => {
  const kinds = (text, mentions) => parts(text, mentions).map(({ kind, text }) => `${kind}:${text}`);
  assert.deepEqual(kinds("hi @bob. mail me@host.com @nobody", ["bob"]), [
    "text:hi ",
    "mention:bob",
    "text:. mail me@host.com @nobody",
  ]);
  assert.deepEqual(kinds("see https://x.org/a?b=c. `@bob`", ["bob"]), [
    "text:see ",
    "link:https://x.org/a?b=c",
    "text:. ",
    "code:@bob",
  ]);
  assert.deepEqual(kinds("a\n```js\n<b>@bob</b>\n```\nz", ["bob"]), ["text:a\n", "block:<b>@bob</b>", "text:\nz"]);
  assert.deepEqual(kinds("javascript:alert(1) <img src=x onerror=alert(1)>"), [
    "text:javascript:alert(1) <img src=x onerror=alert(1)>",
  ]);
});

test("where code was found already, ticks are text", () => {
  const kinds = (text) =>
    plainParts(text, new Set(["bob"]))
      .map(({ kind, text }) => `${kind}:${text}`)
      .join(" ");
  assert.equal(kinds("`@bob` <https://x.org>"), "text:` mention:bob text:` text: < link:https://x.org text:>");
});

test("a sender's own html is not the hub's", () => {
  const forged = { ...frame(1), payload: { ...frame(1).payload, html: "<script>" } };
  assert.equal(reduce(initial(), { kind: "frame", frame: forged }).messages[0].html, undefined);
});

test("replies stand under the first message of their thread, unless that is unknown or far above", () => {
  const far = Array.from({ length: FOLD_WITHIN }, (_, at) => row(10 + at));
  const rows = [
    row(1),
    row(2),
    row(3, { reply_to: 1 }),
    row(4, { reply_to: 3 }),
    row(5, { reply_to: 99 }),
    ...far,
    row(900, { reply_to: 1 }),
    row(901, { reply_to: 900 }),
  ];
  const { firsts, replies } = threads(rows);
  assert.deepEqual(
    firsts.map(({ seq }) => seq),
    [1, 2, 5, ...far.map(({ seq }) => seq), 900],
  );
  assert.deepEqual(
    [...replies].map(([seq, found]) => [seq, found.map((reply) => reply.seq)]),
    [
      [1, [3, 4]],
      [900, [901]],
    ],
  );
});

test("one is told of what was chosen, as plain text, and of nothing before", () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const status = {
    type: "status_update",
    sender: "bob",
    payload: { agent: "bob", status: "error", current_task: "a\u202e\u001b[31mb" },
  };
  const said = (more) => ({
    type: "message",
    sender: "alice",
    payload: { channel: "#c", content: "hi", mentions: ["bob"], ...more },
  });
  const agents = (more) =>
    new Map([["bob", { name: "bob", online: true, stuck: null, waiting: { count: 0 }, ...more }]]);
  assert.deepEqual(
    [noticeOf(status, wanted(storage), agents()), noticeOf(said(), wanted(storage), agents())],
    [null, null],
  );
  want({ ...ALL, mentions: ["bob"] }, storage);
  const choice = wanted(storage);
  assert.equal(noticeOf(status, choice, agents({ status: "busy" })).body, "a [31mb");
  assert.equal(noticeOf(status, choice, agents({ status: "error" })), null);
  assert.equal(noticeOf(said(), choice, agents()).title, "alice to bob, #c");
  assert.equal(noticeOf(said({ channel: "@bob", mentions: [] }), choice, agents()).tag, "orochi-mention-bob");
  assert.equal(noticeOf({ ...said(), sender: "bob" }, choice, agents()), null);
  assert.equal(noticeOf(said({ mentions: ["carol"] }), choice, agents()), null);
  storage.setItem("orochi-notices", "{broken");
  assert.equal(wanted(storage).isOn, false);
});

test("many messages are one sentence", async () => {
  const said = await new Promise((resolve) => {
    const news = new News(resolve, 1);
    news.add(0);
    news.add(5);
    news.add(7);
  });
  assert.equal(said, "12 new messages");
});

test("addresses survive what names can hold", () => {
  const { path, params } = parseRoute(routeTo(["agent", "gpu-1.lab"], { channel: "#a/b", q: "", since: null }));
  assert.deepEqual([path, params], [["agent", "gpu-1.lab"], { channel: "#a/b" }]);
  assert.deepEqual(parseRoute("#/agent/100%?q=50%"), { path: ["agent", "100%"], params: { q: "50%" } });
  assert.deepEqual(parseRoute("#/timeline?from=x"), { path: ["incident-timeline"], params: { from: "x" } });
  assert.deepEqual([59, 61, 3600, 4860, 41_000, 200_000].map(duration), [
    "59 s",
    "1 min",
    "1 h",
    "1 h 21 min",
    "11 h",
    "2 d",
  ]);
  assert.equal(clock("no time"), "?");
});

test("notices by rule tell of an agent once, when it comes to need a person, and only of the chosen project", () => {
  const agent = (more) => ({
    name: "bob",
    project: "web",
    online: true,
    stuck: null,
    waiting: { count: 0 },
    status: "busy",
    ...more,
  });
  const map = (more) => new Map([["bob", agent(more)]]);
  const lost = { online: false, lost: { was: "busy", detail: "gone", since: "t" } };
  const titles = (before, after, choice = ALL) => noticesOf(before, after, choice).map(({ title }) => title);
  assert.deepEqual(titles(map(), map(lost)), ["bob is lost"]);
  assert.deepEqual(titles(map(lost), map(lost)), []);
  assert.deepEqual(titles(map(), map({ stuck: { reason: "waiting", detail: "x" } })), ["bob is stuck"]);
  assert.deepEqual(titles(map(), map({ online: false, waiting: { count: 2 } })), ["bob is away with unread mentions"]);
  assert.deepEqual(titles(map(), map({ status: "blocked" })), ["bob is blocked"]);
  assert.deepEqual(titles(map(), map(lost), { ...ALL, project: "api" }), []);
  assert.deepEqual(titles(map(), map(lost), { ...ALL, rules: ["error"] }), []);
  assert.deepEqual(titles(new Map(), map(lost)), [], "the first overview is no news");
});

test("last words follow the socket, and an older overview does not take them back", () => {
  const alice = { name: "alice", online: true, waiting: { count: 0 }, last_words: { seq: 1, content: "old" } };
  const data = { now: "t", epoch: "e", agents: [alice], channels: [] };
  const first = reduce(initial(), { kind: "overview", data });
  const spoke = reduce(first, { kind: "frame", frame: frame(5) });
  assert.equal(spoke.agents.get("alice").last_words.content, "5");
  assert.equal(reduce(spoke, { kind: "overview", data }).agents.get("alice").last_words.content, "5");
});

test("a dismissed loss is no loss until the agent is lost again", () => {
  const lost = (since) => ({ name: "a", online: false, waiting: { count: 0 }, lost: { was: "busy", since } });
  const data = (since) => ({ now: "t", agents: [lost(since)], channels: [] });
  const before = reduce(initial(), { kind: "overview", data: data("t1") });
  const after = reduce(before, { kind: "dismissed", losses: { a: "t1" } });
  const status = (state) => statusOf(state.agents.get("a"));
  assert.deepEqual([status(before), status(after)], ["lost", "offline"]);
  assert.equal(status(reduce(after, { kind: "overview", data: data("t1") })), "offline");
  assert.equal(status(reduce(after, { kind: "overview", data: data("t2") })), "lost");
});
