// Up to where somebody has read, by channel. It is kept in this browser: the hub knows agents, not those who watch.

const KEY = "orochi-read";
/** Stands for all channels. */
const ALL = "";

/** `{channel: seq}`, empty where nothing was read yet; what can't be understood counts as that. */
export function marks(storage = localStorage) {
  try {
    const kept = JSON.parse(storage.getItem(KEY));
    return kept !== null && typeof kept === "object" ? kept : {};
  } catch {
    return {};
  }
}

/** Notes that `channel`, or where it is empty all of them, was read up to `seq`. */
export function read(channel, seq, storage = localStorage) {
  const known = marks(storage);
  // Who looks for the first time has missed nothing.
  if (Object.keys(known).length === 0) known[ALL] = seq;
  if (known[channel] !== seq) storage.setItem(KEY, JSON.stringify({ ...known, [channel]: seq }));
}

/** Up to where a channel was read; a log that ends before that is another one, of which nothing was. */
export function mark(known, channel, head) {
  const seqs = [known[ALL], known[channel]].filter((seq) => Number.isSafeInteger(seq) && seq <= head);
  return Object.keys(known).length === 0 ? head : Math.max(0, ...seqs);
}

/**
 * Each channel's newest message and what is unread of it: `Map(name -> {members, last, unread, isMore})`. They are
 * counted among `rows`, which have no gaps; where `isMore` there are others before them.
 */
export function overChannels(channels, rows, known) {
  const head = rows.at(-1)?.seq ?? 0;
  const all = new Map([...channels].map(([name, { members, last }]) => [name, { members, last, unread: 0 }]));
  for (const row of rows) {
    const channel = all.get(row.channel);
    if (!channel) continue;
    if (row.seq > (channel.last?.seq ?? 0)) channel.last = row;
    channel.mark ??= mark(known, row.channel, head);
    if (row.seq > channel.mark) channel.unread += 1;
  }
  const first = rows[0]?.seq ?? 0;
  for (const [name, channel] of all) {
    channel.mark ??= mark(known, name, head);
    channel.isMore = channel.mark + 1 < first && (channel.last?.seq ?? 0) > channel.mark;
  }
  return all;
}
