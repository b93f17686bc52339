// The observer's WebSocket: connects, goes on after the last seq it got, backs off by the number of the try.

import * as key from "./key.js";

/** Milliseconds before the try with this number: half of a doubling time, and chance for the other half. */
export function delay(attempt, chance = Math.random()) {
  const whole = Math.min(10_000, 250 * 2 ** attempt);
  return whole / 2 + (whole / 2) * chance;
}

/**
 * Calls `onFrame(frame)` and `onState("live" | "retrying")`; `lastSeq()` says where to go on. Gives `{now, again,
 * end}`: `now` does not wait for the next try, `again` leaves an open socket for a new one.
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
