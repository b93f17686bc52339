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
 * Asks for the overview: one at a time, and what is wanted meanwhile afterwards. `onData(data)` and `onError(error)`
 * say what came of it. Gives `{now, soon, changed, end}`: `soon` asks soon, once for many calls; `changed` says that
 * something came that an answer which is under way may not have yet.
 */
function overviews({ onData, onError }) {
  let isAsking = false;
  let isWanted = false;
  let isEnded = false;
  let timer = null;
  const now = async () => {
    isWanted = isAsking;
    if (isAsking) return;
    isAsking = true;
    const answer = await hub.overview().then(
      (data) => () => onData(data),
      (error) => () => onError(error),
    );
    isAsking = false;
    if (isEnded) return;
    answer();
    if (isWanted && !isEnded) soon();
  };
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      now();
    }, OVERVIEW_SOON_MS);
  };
  const every = setInterval(now, OVERVIEW_EVERY_MS);
  const end = () => {
    isEnded = true;
    clearInterval(every);
    clearTimeout(timer);
  };
  return { now, soon, changed: () => (isWanted ||= isAsking), end };
}

/**
 * `lastSeq()` says where to go on; `onOverview(data)`, `onFrame(frame)`, `onConnection("live" | "retrying")` and
 * `onError(error)` say what came of it. Gives `{soon, end}`: `soon` asks for the overview soon, once for many calls.
 */
export function follow({ lastSeq, onOverview, onFrame, onConnection, onError }) {
  const watch = new Watch();
  let isOpen = false;
  let isAnswering = true;
  let isEnded = false;
  let judgedAt = 0;
  let shown = null;
  const show = () => {
    const now = isOpen && isAnswering ? "live" : "retrying";
    if (now !== shown) onConnection(now);
    shown = now;
  };
  const judge = (head) => {
    // Asked sooner than that, a message may only be on its way.
    if (!isOpen || Date.now() - judgedAt < OVERVIEW_EVERY_MS / 2) return;
    judgedAt = Date.now();
    if (watch.isDead(head, lastSeq())) socket.again();
  };
  const overview = overviews({
    onData: (data) => {
      isAnswering = true;
      onOverview(data);
      if (isEnded) return;
      judge(data.seq);
      show();
    },
    onError: (error) => {
      if (!(error instanceof hub.Away)) return onError(error);
      isAnswering = false;
      show();
    },
  });
  const socket = observe({
    lastSeq,
    onFrame: (frame) => {
      if (frame.type !== "message") overview.changed();
      onFrame(frame);
    },
    onState: (state) => {
      isOpen = state === "live";
      judgedAt = Date.now();
      show();
      // What changed before the socket was there is in no frame. Where the hub is, and does not take the session any
      // more, it says so.
      if (isOpen) overview.soon();
      else overview.now();
    },
  });
  // A machine that wakes up, and a page that is looked at again, need not wait for the next turn.
  const wake = () => {
    if (document.visibilityState !== "visible") return;
    socket.now();
    overview.now();
  };
  /** @type {[EventTarget, string][]} */
  const wakes = [
    [globalThis, "online"],
    [globalThis, "pageshow"],
    [document, "resume"],
    [document, "visibilitychange"],
  ];
  for (const [place, event] of wakes) place.addEventListener(event, wake);
  const end = () => {
    isEnded = true;
    socket.end();
    overview.end();
    for (const [place, event] of wakes) place.removeEventListener(event, wake);
  };
  return { soon: overview.soon, end };
}
