// The messages that the user has read, stored in this browser: the hub knows agents, not the users of the dashboard.

const KEY = "orochi-read";
const SEEN_KEY = "orochi-seen";
/** The key for all channels. */
const ALL = "";
/** Seqs that are stored one by one; older messages count as read. */
const SEEN_MAX = 3000;

function kept(key, storage) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

/** Returns `{channel: seq}`, the seq up to which each channel was read; empty before the first visit. */
export function marks(storage = localStorage) {
  const found = kept(KEY, storage);
  return found !== null && typeof found === "object" && !Array.isArray(found) ? found : {};
}

/** Returns the seqs of messages that were in view. */
export function seen(storage = localStorage) {
  const found = kept(SEEN_KEY, storage);
  return new Set(Array.isArray(found) ? found.filter(Number.isSafeInteger) : []);
}

/** Notes that a channel, or all if `channel` is empty, was read up to `seq`. */
export function readUpTo(channel, seq, storage = localStorage) {
  const known = marks(storage);
  if (Object.keys(known).length === 0) known[ALL] = seq;
  storage.setItem(KEY, JSON.stringify({ ...known, [channel]: seq }));
}

/** Notes that these messages were in view. Returns true if one of them is new. `head` is the newest seq. */
export function see(seqs, head, storage = localStorage) {
  const known = marks(storage);
  // On a first visit nothing counts as missed.
  if (Object.keys(known).length === 0) readUpTo(ALL, head, storage);
  const all = seen(storage);
  const before = all.size;
  for (const seq of seqs) if (seq > (known[ALL] ?? 0)) all.add(seq);
  if (all.size === before) return false;
  storage.setItem(SEEN_KEY, JSON.stringify([...all].sort((a, b) => a - b).slice(-SEEN_MAX)));
  return true;
}

/** The seq up to which a channel was read. A log that ends before that is another one, of which nothing was read. */
export function mark(known, channel, head) {
  const seqs = [known[ALL], known[channel]].filter((seq) => Number.isSafeInteger(seq) && seq <= head);
  return Object.keys(known).length === 0 ? head : Math.max(0, ...seqs);
}

/**
 * Each channel's newest message and its unread ones: `Map(name -> {members, last, unread, isMore})`. They are counted
 * in `rows`, which have no gaps; `isMore` says that there are others before them.
 */
export function overChannels(channels, rows, known, inView = new Set()) {
  const head = rows.at(-1)?.seq ?? 0;
  const all = new Map(
    [...channels].map(([name, { members, last }]) => [
      name,
      { members, last, unread: 0, isMore: false, mark: mark(known, name, head) },
    ]),
  );
  for (const row of rows) {
    const channel = all.get(row.channel);
    if (!channel) continue;
    if (row.seq > (channel.last?.seq ?? 0)) channel.last = row;
    if (row.seq > channel.mark && !inView.has(row.seq)) channel.unread += 1;
  }
  const first = rows[0]?.seq ?? 0;
  for (const channel of all.values()) {
    channel.isMore = channel.mark + 1 < first && (channel.last?.seq ?? 0) > channel.mark;
  }
  return all;
}
