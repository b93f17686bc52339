// Keeps the page's picture true: asks for the overview, follows the socket, and notices when one of the two has died.

import * as hub from "./hub.js";
import { observe } from "./socket.js";

const OVERVIEW_EVERY_MS = 5000;
const OVERVIEW_SOON_MS = 500;

/**
 * Whether a socket that says it is open has brought nothing although the log went on: after a sleep, or behind a router
 * that forgot it, nobody tells that its other end is gone. Asked with each overview.
 */
export class Watch {
  seen = null;
  #wasBehind = false;

  isDead(head, lastSeq) {
    const isBehind = head > (lastSeq ?? 0);
    const isDead = isBehind && this.#wasBehind && this.seen === lastSeq;
    this.seen = lastSeq;
    this.#wasBehind = isBehind && !isDead;
    return isDead;
  }
}

/**
 * `lastSeq()` says where to go on; `onOverview(data)`, `onFrame(frame)`, `onConnection("live" | "retrying")` and
 * `onError(error)` say what came of it. Gives `{soon, end}`: `soon` asks for the overview soon, once for many calls.
 */
export function follow({ lastSeq, onOverview, onFrame, onConnection, onError }) {
  const watch = new Watch();
  let isOpen = false;
  let isAnswering = true;
  let timer = null;
  let shown = null;
  let isEnded = false;
  /** One overview is asked for at a time; what is wanted meanwhile is asked for afterwards. */
  let isAsking = false;
  let isWanted = false;
  let judgedAt = 0;
  const show = () => {
    const now = isOpen && isAnswering ? "live" : "retrying";
    if (now !== shown) onConnection(now);
    shown = now;
  };
  const take = (data) => {
    isAnswering = true;
    onOverview(data);
    // Asked sooner than that, a message may only be on its way.
    if (isEnded || !isOpen || Date.now() - judgedAt < OVERVIEW_EVERY_MS / 2) return;
    judgedAt = Date.now();
    if (watch.isDead(data.seq, lastSeq())) socket.again();
  };
  const poll = async () => {
    isWanted = isAsking;
    if (isAsking) return;
    isAsking = true;
    try {
      const data = await hub.overview();
      if (!isEnded) take(data);
    } catch (error) {
      if (error instanceof hub.Away) isAnswering = false;
      else if (!isEnded) onError(error);
    }
    isAsking = false;
    if (isEnded) return;
    show();
    if (isWanted) soon();
  };
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      poll();
    }, OVERVIEW_SOON_MS);
  };
  const socket = observe({
    lastSeq,
    onFrame: (frame) => {
      // The answer that is under way may be from before this.
      isWanted ||= isAsking && frame.type !== "message";
      onFrame(frame);
    },
    onState: (state) => {
      isOpen = state === "live";
      judgedAt = Date.now();
      show();
      // What changed before the socket was there is in no frame.
      if (isOpen) soon();
      // Where the hub is, and does not take the session any more, it says so.
      else poll();
    },
  });
  // A machine that wakes up, and a page that is looked at again, need not wait for the next turn.
  const wake = () => {
    if (document.visibilityState !== "visible") return;
    socket.now();
    poll();
  };
  const wakes = [
    [globalThis, "online"],
    [globalThis, "pageshow"],
    [document, "resume"],
    [document, "visibilitychange"],
  ];
  for (const [place, event] of wakes) place.addEventListener(event, wake);
  const every = setInterval(poll, OVERVIEW_EVERY_MS);
  const end = () => {
    isEnded = true;
    socket.end();
    clearInterval(every);
    clearTimeout(timer);
    for (const [place, event] of wakes) place.removeEventListener(event, wake);
  };
  return { soon, end };
}
