// Channels that are pinned or muted, kept in this browser, and the order in which channels are listed.

const KEY = "orochi-channels";

/** `{pinned: Set, muted: Set}`; what can't be read counts as none. */
export function chosen(storage = localStorage) {
  let kept = null;
  try {
    kept = JSON.parse(storage.getItem(KEY) ?? "null");
  } catch {
    // Nothing was chosen.
  }
  const names = (list) => new Set(Array.isArray(list) ? list.filter((name) => typeof name === "string") : []);
  return { pinned: names(kept?.pinned), muted: names(kept?.muted) };
}

function toggle(which, name, storage) {
  const now = chosen(storage);
  if (!now[which].delete(name)) now[which].add(name);
  storage.setItem(KEY, JSON.stringify({ pinned: [...now.pinned], muted: [...now.muted] }));
}

/** Pins a channel, or takes that back. */
export const pin = (name, storage = localStorage) => toggle("pinned", name, storage);
/** Mutes a channel, or takes that back. */
export const mute = (name, storage = localStorage) => toggle("muted", name, storage);

/**
 * Channels in the order of the list: pinned ones first, then those with unread messages, then by the newest message;
 * a muted one is never first for its unread messages. Pure.
 */
export function ordered(channels, { pinned, muted }) {
  const rank = ([name, { unread, isMore }]) => {
    if (pinned.has(name)) return 0;
    if (muted.has(name)) return 3;
    return unread > 0 || isMore ? 1 : 2;
  };
  const newest = ([, { last }]) => last?.seq ?? 0;
  return [...channels].sort((a, b) => rank(a) - rank(b) || newest(b) - newest(a) || a[0].localeCompare(b[0]));
}
