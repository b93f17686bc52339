// Keeps the page up to date: requests the overview, follows the socket, and detects when one of the two has died.

import * as hub from "./hub.js";
import { observe } from "./socket.js";

const OVERVIEW_EVERY_MS = 5000;
const OVERVIEW_SOON_MS = 500;

/**
 * Detects a dead socket: it is open but has brought nothing although the log continued. After a sleep, or behind a
 * router that forgot the connection, nothing else reports this. Checked with each overview.
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
 * Requests the overview: one request at a time, with at most one more after it. Calls `onData(data)` or
 * `onError(error)`. Returns `{now, soon, changed, end}`: `soon` requests soon, once for many calls; `changed` says that
 * a pending answer may lack something newer.
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
 * `lastSeq()` returns the position to continue from; `onOverview(data)`, `onFrame(frame)`, `onConnection("live" |
 * "retrying")` and `onError(error)` get the results. Returns `{soon, end}`: `soon` requests the overview soon, once for
 * many calls.
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
    // If the overview comes sooner than that, a message may only be on its way.
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
      // Changes before the socket was open are in no frame. If the hub is there but no longer accepts the login, the
      // overview's answer reports it.
      if (isOpen) overview.soon();
      else overview.now();
    },
  });
  // After a machine wakes up, or a page becomes visible, do not wait for the next turn.
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
