// Which messages stand by themselves and which under the first one of their thread. Pure functions.

/**
 * A reply stands under its thread's first message while fewer than so many messages lie between them. A later one
 * stands by itself, naming what it answers: whoever follows the newest messages would not see it far above.
 */
export const FOLD_WITHIN = 200;

/**
 * `{firsts: [row], replies: Map(seq of a first -> [row])}` of rows in the order of the log. Nothing is folded from
 * `from`, a seq, on under what was said before that.
 */
export function threads(rows, from = 0) {
  const placed = new Map();
  const firsts = [];
  const replies = new Map();
  rows.forEach((row, index) => {
    const first = placed.get(row.reply_to);
    const isFolded = first !== undefined && index - first.index < FOLD_WITHIN && first.seq < from === row.seq < from;
    if (isFolded) {
      placed.set(row.seq, first);
      if (!replies.has(first.seq)) replies.set(first.seq, []);
      replies.get(first.seq).push(row);
    } else {
      placed.set(row.seq, { index, seq: row.seq });
      firsts.push(row);
    }
  });
  return { firsts, replies };
}
