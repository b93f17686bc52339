// Losses that somebody has dealt with, kept in this browser: an agent that is lost again counts again.

const KEY = "orochi-dismissed";
/** Kept at most; the oldest go first. */
const KEPT_MAX = 200;

/** `{agent: since}`; what can't be read counts as nothing. */
export function dismissed(storage = localStorage) {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "null");
    return kept !== null && typeof kept === "object" && !Array.isArray(kept) ? kept : {};
  } catch {
    return {};
  }
}

/**
 * Dismisses the loss of an agent that began at `since`; an empty `since` takes the dismissal back. Gives all that are
 * dismissed.
 */
export function dismiss(name, since, storage = localStorage) {
  const others = Object.entries(dismissed(storage)).filter(([other]) => other !== name);
  const kept = Object.fromEntries(since ? [...others, [name, since]].slice(-KEPT_MAX) : others);
  storage.setItem(KEY, JSON.stringify(kept));
  return kept;
}
