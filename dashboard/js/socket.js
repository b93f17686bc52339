// The observer's WebSocket: connects, goes on after the last seq it got, backs off by the number of the try.

/** Milliseconds before the try with this number: half of a doubling time, and chance for the other half. */
export function delay(attempt, chance = Math.random()) {
  const whole = Math.min(10_000, 250 * 2 ** attempt);
  return whole / 2 + (whole / 2) * chance;
}

/** Calls `onFrame(frame)` and `onState("live" | "retrying")`; `lastSeq()` says where to go on. Gives what ends it. */
export function observe({ lastSeq, onFrame, onState, address = socketAddress, WebSocketClass = WebSocket }) {
  let attempt = 0;
  let socket = null;
  let timer = null;
  let isOver = false;
  const open = () => {
    socket = new WebSocketClass(address(lastSeq()));
    socket.onopen = () => {
      attempt = 0;
      onState("live");
    };
    socket.onmessage = (event) => onFrame(JSON.parse(event.data));
    socket.onclose = () => {
      if (isOver) return;
      onState("retrying");
      timer = setTimeout(open, delay(attempt++));
    };
  };
  // A machine that wakes up need not wait for the next try.
  const now = () => {
    if (isOver || timer === null || socket?.readyState < 2) return;
    clearTimeout(timer);
    attempt = 0;
    open();
  };
  globalThis.addEventListener?.("online", now);
  open();
  return () => {
    isOver = true;
    clearTimeout(timer);
    globalThis.removeEventListener?.("online", now);
    socket?.close();
  };
}

function socketAddress(after) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}/ws?html=true${after === null ? "" : `&after=${after}`}`;
}
