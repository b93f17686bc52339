// Pinned and muted channels, stored in this browser, and the order of channels in lists.

const KEY = "orochi-channels";

/** Returns `{pinned: Set, muted: Set}`; unreadable storage counts as empty. */
export function chosen(storage = localStorage) {
  let kept = null;
  try {
    kept = JSON.parse(storage.getItem(KEY) ?? "null");
  } catch {
    // Unreadable storage counts as empty.
  }
  const names = (list) => new Set(Array.isArray(list) ? list.filter((name) => typeof name === "string") : []);
  return { pinned: names(kept?.pinned), muted: names(kept?.muted) };
}

function toggle(which, name, storage) {
  const now = chosen(storage);
  if (!now[which].delete(name)) now[which].add(name);
  storage.setItem(KEY, JSON.stringify({ pinned: [...now.pinned], muted: [...now.muted] }));
}

/** Pins or unpins a channel. */
export const pin = (name, storage = localStorage) => toggle("pinned", name, storage);
/** Mutes or unmutes a channel. */
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
