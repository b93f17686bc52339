// Dismissed losses, stored in this browser. A later loss of the same agent counts again.

const KEY = "orochi-dismissed";
/** The most stored losses; the oldest are dropped. */
const KEPT_MAX = 200;

/** Returns `{agent: since}`; unreadable storage counts as empty. */
export function dismissed(storage = localStorage) {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "null");
    return kept !== null && typeof kept === "object" && !Array.isArray(kept) ? kept : {};
  } catch {
    return {};
  }
}

/**
 * Dismisses the loss of an agent that began at `since`; an empty `since` undoes the dismissal. Returns all dismissals.
 */
export function dismiss(name, since, storage = localStorage) {
  const others = Object.entries(dismissed(storage)).filter(([other]) => other !== name);
  const kept = Object.fromEntries(since ? [...others, [name, since]].slice(-KEPT_MAX) : others);
  storage.setItem(KEY, JSON.stringify(kept));
  return kept;
}
