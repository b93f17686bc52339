// Requests the page's first data while the modules that draw it are still loading.

import * as hub from "./hub.js";
import { takeFromAddress } from "./key.js";

/** The first messages: as many as the feed draws at first. The others are requested once something is shown. */
const FIRST = 60;

/** Requests the overview and the newest messages; the page shows one without waiting for the other. */
export function ask() {
  const answers = { overview: hub.overview(), recent: hub.recent({ limit: FIRST }) };
  // The code that awaits them reports errors.
  for (const answer of Object.values(answers)) answer.catch(() => {});
  return answers;
}

takeFromAddress();
export const first = ask();
