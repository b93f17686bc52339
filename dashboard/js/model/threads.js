// Sorts messages into those shown on their own and replies below the first message of their thread. Pure functions.

/**
 * A reply is shown below its thread's first message while fewer messages than this lie between them. A later reply is
 * shown on its own with a link: a reader of the newest messages would not see it far above.
 */
export const FOLD_WITHIN = 200;

/**
 * Returns `{firsts: [row], replies: Map(seq of a first -> [row])}` for rows in the order of the log. Rows from the seq
 * `from` on are not folded below older ones.
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
