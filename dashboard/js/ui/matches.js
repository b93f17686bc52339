// The parts of a message that a search found. The hub gives positions in the text as it was written. The page draws the
// text without Markdown's marks, so positions are converted. Pure except for `markIn`.

import { el } from "./dom.js";
import { inOrder } from "./text.js";

const OPEN = "\ue000";
const CLOSE = "\ue001";

/** A snippet as `[{text, isMatch}]`: the hub puts each match between two private characters. */
export function snippetParts(snippet) {
  return inOrder(snippet)
    .split(OPEN)
    .flatMap((piece, at) => {
      const [match, ...rest] = at === 0 ? ["", piece] : piece.split(CLOSE);
      return [
        { text: match, isMatch: true },
        { text: rest.join(""), isMatch: false },
      ];
    })
    .filter(({ text }) => text !== "");
}

/** Ranges in code points as ranges in UTF-16 units, which JavaScript counts. */
export function inUnits(content, ranges) {
  const units = [];
  let [points, at] = [0, 0];
  const unitAt = (wanted) => {
    while (points < wanted && at < content.length) {
      at += content.codePointAt(at) > 0xffff ? 2 : 1;
      points += 1;
    }
    return at;
  };
  for (const [start, end] of ranges) units.push([unitAt(start), unitAt(end)]);
  return units;
}

/**
 * Returns, for each of the drawn `texts`, in their order in `content`, the parts of it that lie in `ranges` (in UTF-16
 * units, ascending): `[[start, end], …]`.
 */
export function spread(content, ranges, texts) {
  const whole = inOrder(content);
  let from = 0;
  return texts.map((text) => {
    const found = [];
    for (const { at, length } of placed(text)) {
      for (const [start, end] of ranges) {
        const [first, last] = [Math.max(start, from - length), Math.min(end, from)];
        if (first < last) found.push([at + first - (from - length), at + last - (from - length)]);
      }
    }
    return joined(found);
  });

  /** The pieces of a text that are in the content: all of it, else its words. Afterwards `from` is behind each. */
  function* placed(text) {
    if (text.trim() === "") return;
    const at = whole.indexOf(text, from);
    if (at >= 0) {
      from = at + text.length;
      yield { at: 0, length: text.length };
      return;
    }
    for (const { 0: word, index } of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
      const place = whole.indexOf(word, from);
      if (place < 0) continue;
      from = place + word.length;
      yield { at: index, length: word.length };
    }
  }
}

/** Joins neighbouring ranges: a run that was found word by word. */
function joined(ranges) {
  /** @type {[number, number][]} */
  const all = [];
  for (const [start, end] of ranges) {
    const last = all.at(-1);
    if (last && last[1] === start) last[1] = end;
    else all.push([start, end]);
  }
  return all;
}

/** A text with marks around its ranges, as nodes. */
function marked(text, ranges) {
  const nodes = [];
  let at = 0;
  for (const [start, end] of ranges) {
    nodes.push(text.slice(at, start), el("mark", {}, text.slice(start, end)));
    at = end;
  }
  return [...nodes, text.slice(at)].filter((node) => node !== "");
}

/** Puts marks around a hit's matches in the element that shows its content. */
export function markIn(element, { content, ranges }) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement?.closest("button, .box") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  /** @type {Text[]} */
  const nodes = [];
  while (walker.nextNode()) nodes.push(/** @type {Text} */ (walker.currentNode));
  const found = spread(
    content,
    inUnits(content, ranges),
    nodes.map(({ data }) => data),
  );
  nodes.forEach((node, at) => found[at].length > 0 && node.replaceWith(...marked(node.data, found[at])));
}
