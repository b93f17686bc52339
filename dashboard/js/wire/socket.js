// The observer's WebSocket: connects, continues after its last seq, and backs off with each attempt.

import * as key from "./key.js";

/** Milliseconds before an attempt: half of a doubling time, and a random part of the other half. */
export function delay(attempt, chance = Math.random()) {
  const whole = Math.min(10_000, 250 * 2 ** attempt);
  return whole / 2 + (whole / 2) * chance;
}

/**
 * Calls `onFrame(frame)` and `onState("live" | "retrying")`; `lastSeq()` returns the position to continue from. Returns
 * `{now, again, end}`: `now` does not wait for the next attempt, `again` replaces an open socket.
 */
export function observe({
  lastSeq,
  onFrame,
  onState,
  address = socketAddress,
  protocols = key.protocols,
  WebSocketClass = WebSocket,
}) {
  let attempt = 0;
  let socket = null;
  let timer = null;
  const leave = () => {
    clearTimeout(timer);
    timer = null;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close();
  };
  const open = () => {
    leave();
    socket = new WebSocketClass(address(lastSeq()), protocols());
    socket.onopen = () => {
      attempt = 0;
      onState("live");
    };
    socket.onmessage = (event) => onFrame(JSON.parse(event.data));
    socket.onclose = () => {
      onState("retrying");
      timer = setTimeout(open, delay(attempt++));
    };
  };
  const again = () => {
    attempt = 0;
    onState("retrying");
    open();
  };
  open();
  return { now: () => timer !== null && again(), again, end: leave };
}

function socketAddress(after) {
  const address = new URL(`./ws?html=true${after === null ? "" : `&after=${after}`}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}
