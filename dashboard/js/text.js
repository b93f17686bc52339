// An agent's text as nodes. Of a message that came as HTML this finds links and mentions in its text; one too long for
// that is shown as written, with code, links and mentions. What is found is pure and tested without a browser.

import { routeTo } from "./format.js";

const INLINE =
  /`([^`\n]+)`|(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}])|(?<![\p{L}\p{N}_.])@([\p{L}\p{N}_][\p{L}\p{N}_.-]*)/gu;

/** `[{kind: "text" | "code" | "block" | "link" | "mention", text}]`; mentions are those in `mentions`. */
export function parts(content, mentions = []) {
  const found = [];
  content.split(/^```[^\n]*\n([\s\S]*?)^```[ \t]*$/m).forEach((piece, index) => {
    if (index % 2 === 1) found.push({ kind: "block", text: piece.replace(/\n$/, "") });
    else inline(piece, new Set(mentions), found);
  });
  return found;
}

function inline(text, mentions, found) {
  const add = (kind, value) => value && found.push({ kind, text: value });
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, link, written] = match;
    const name = written?.replace(/[.-]+$/, "");
    if (written && !mentions.has(name)) continue;
    add("text", text.slice(at, match.index));
    if (code) add("code", code);
    else if (link) add("link", link);
    else add("mention", name);
    at = match.index + (name ? name.length + 1 : whole.length);
  }
  add("text", text.slice(at));
}

/** Text in which the code is found already: `[{kind: "text" | "link" | "mention", text}]`. */
export function plainParts(text, mentions) {
  const found = [];
  // Ticks that are left are no code.
  for (const piece of text.split(/(`)/)) inline(piece, mentions, found);
  return found;
}

/** The same as nodes; `mentions` is a Set. */
export const linked = (el, text, mentions) => nodes(el, plainParts(text, mentions));

/** A message that came without HTML, as nodes. */
export const render = (el, content, mentions) => nodes(el, parts(content, mentions));

/**
 * Characters that make text read in another order than it is written (a name that ends in another way) are shown as
 * such.
 */
export const inOrder = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

function nodes(el, found) {
  return found.map(({ kind, text: written }) => {
    const text = kind === "link" ? written : inOrder(written);
    switch (kind) {
      case "block":
        return el("pre", {}, el("code", {}, text));
      case "code":
        return el("code", {}, text);
      case "link":
        return el("a", { href: text, rel: "noopener noreferrer nofollow", target: "_blank" }, text);
      case "mention":
        return el("a", { class: "mention", href: routeTo(["agent", text]) }, `@${text}`);
      default:
        return text;
    }
  });
}
