// Asks for the page's first picture while the modules that draw it are still on their way.

import * as hub from "./hub.js";
import { takeFromAddress } from "./key.js";

/** Messages that the page begins with. */
const RECENT = 500;

/** The overview, and the newest messages. */
export const ask = () => Promise.all([hub.overview(), hub.recent({ limit: RECENT })]);

takeFromAddress();
export const first = ask();
// Whoever takes it says what went wrong.
first.catch(() => {});
