// Announces to screen readers that messages came, without their texts: one sentence for all that came in a while.

import { announce } from "./dom.js";

/** Long enough that a busy feed does not speak without a pause. */
const GATHER_MS = 2000;

export class News {
  count = 0;
  /** @type {number | undefined} */
  timer;

  constructor(say = announce, gatherMs = GATHER_MS) {
    this.say = say;
    this.gatherMs = gatherMs;
  }

  add(count) {
    this.count += count;
    if (this.count > 0) this.timer ??= setTimeout(() => this.tell(), this.gatherMs);
  }

  tell() {
    this.say(this.count === 1 ? "1 new message" : `${this.count} new messages`);
    this.count = 0;
    this.timer = undefined;
  }
}
