// Asks for the page's first picture while the modules that draw it are still on their way.

import * as hub from "./hub.js";
import { takeFromAddress } from "./key.js";

/** Messages that the page begins with: what the feed draws first. Others are asked for once something is shown. */
const FIRST = 60;

/** The overview and the newest messages: what is shown first need not wait for both. */
export function ask() {
  const answers = { overview: hub.overview(), recent: hub.recent({ limit: FIRST }) };
  // Whoever takes them says what went wrong.
  for (const answer of Object.values(answers)) answer.catch(() => {});
  return answers;
}

takeFromAddress();
export const first = ask();
