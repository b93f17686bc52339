// The page's socket: when it tries again, and when it is given up although it claims to be open.

import assert from "node:assert/strict";
import { test } from "node:test";

import { delay, observe } from "../js/wire/socket.js";
import { Watch } from "../js/wire/sync.js";

function sockets() {
  const made = [];
  class Socket {
    constructor(address) {
      this.address = address;
      this.isClosed = false;
      made.push(this);
    }
    close() {
      this.isClosed = true;
    }
  }
  const states = [];
  let seq = 7;
  const socket = observe({
    lastSeq: () => seq,
    onFrame: (frame) => (seq = frame.seq),
    onState: (state) => states.push(state),
    address: (after) => `a${after}`,
    protocols: () => [],
    WebSocketClass: Socket,
  });
  return { made, states, socket };
}

test("a lost connection goes on after the last message, later with each try", () => {
  const { made, states, socket } = sockets();
  made[0].onopen();
  made[0].onmessage({ data: '{"seq":9}' });
  made[0].onclose();
  socket.now();
  assert.deepEqual(
    [made.map((one) => one.address), states],
    [
      ["a7", "a9"],
      ["live", "retrying", "retrying"],
    ],
  );
  // An attempt is running already.
  socket.now();
  assert.equal(made.length, 2);
  socket.end();
  assert.ok(made[1].isClosed);
  assert.deepEqual(
    [0, 3, 99].map((attempt) => delay(attempt, 1)),
    [250, 2000, 10000],
  );
});

test("a socket that is given up says nothing any more", () => {
  const { made, states, socket } = sockets();
  made[0].onopen();
  socket.again();
  assert.ok(made[0].isClosed);
  assert.equal(made[0].onclose, null);
  made[1].onopen();
  assert.deepEqual(states, ["live", "retrying", "live"]);
  socket.end();
});

test("a socket is dead when the log went on twice and it brought nothing, not while it is only behind", () => {
  const asked = (steps) => {
    const watch = new Watch();
    return steps.map(([head, lastSeq]) => watch.isDead(head, lastSeq));
  };
  assert.deepEqual(
    asked([
      [5, 5],
      [5, 5],
      [6, 6],
    ]),
    [false, false, false],
  );
  assert.deepEqual(
    asked([
      [9, 5],
      [99, 50],
      [999, 500],
    ]),
    [false, false, false],
  );
  assert.deepEqual(
    asked([
      [6, 5],
      [6, 5],
      [6, 5],
      [6, 5],
    ]),
    [false, true, false, true],
  );
  assert.deepEqual(
    asked([
      [1, null],
      [1, null],
    ]),
    [false, true],
  );
});
