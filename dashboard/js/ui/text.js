// An agent's text as nodes. For a message that came as HTML, this finds links and mentions in its text. A message that
// is too long for that is shown as written, with code, links and mentions. The search is pure and is tested without a
// browser.

import { routeTo } from "../route.js";


// This finds a sign and the run of name characters after it. `mentions`, the hub's list of mentioned agents, decides
// which beginning of the run is a name (docs/protocol.md, section 4).
const CODE = /`([^`\n]+)`/;
const LINK = /(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}])/;
const SIGNED = /[@\uff20]([\p{Alphabetic}\p{N}_][\p{Alphabetic}\p{N}\p{Mn}\p{Mc}_.-]*)/u;
const INLINE = new RegExp(`${CODE.source}|${LINK.source}|${SIGNED.source}`, "gu");
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
const NEUTRAL = /[\p{sc=Common}\p{sc=Inherited}]/u;
const WORD_BEFORE = /[\p{Alphabetic}\p{N}_.][\p{Mn}\p{Mc}]*$/u;
/** A name's 64 characters, each with marks in any normal form. */
const RUN_CHARS_MAX = 512;
/** Characters before a sign that are checked: a letter and its marks. */
const BEFORE_CHARS = 32;

/** `[{kind: "text" | "code" | "block" | "link" | "mention", text, name, sign}]`; mentions are those in `mentions`. */
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
    const [whole, code, link, run] = match;
    const mention = run && isApart(text, match.index) && mentioned(run, mentions);
    if (run && !mention) continue;
    add("text", text.slice(at, match.index));
    if (code) add("code", code);
    else if (link) add("link", link);
    else found.push({ kind: "mention", text: mention.written, name: mention.name, sign: whole[0] });
    at = match.index + (mention ? mention.written.length + 1 : whole.length);
  }
  add("text", text.slice(at));
}

/** True if the sign at `index` is separate from the text before it, unlike in an address. */
function isApart(text, index) {
  const word = WORD_BEFORE.exec(text.slice(Math.max(0, index - BEFORE_CHARS), index));
  return !word || UNSPACED.test([...word[0]][0]);
}

/** The longest beginning of a run that is one of the mentions, in any case and normal form: `{written, name}`. */
function mentioned(run, mentions) {
  if (mentions.size === 0) return null;
  for (const written of beginnings(run).reverse()) {
    const name = written.normalize("NFC");
    if (mentions.has(name)) return { written, name };
    const alike = spellings(mentions).get(folded(name)) ?? [];
    if (alike.length === 1) return { written, name: alike[0] };
  }
  return null;
}

/** A message's mentions by their folded names; made once, since its text may have thousands of signs. */
const known = new WeakMap();

function spellings(mentions) {
  let byName = known.get(mentions);
  if (byName) return byName;
  byName = new Map();
  for (const name of mentions) byName.set(folded(name), [...(byName.get(folded(name)) ?? []), name]);
  known.set(mentions, byName);
  return byName;
}

/** The possible ends of a name: the run's end, and changes between scripts with and without spaces. */
function beginnings(run) {
  const ends = [];
  let before = null;
  let at = 0;
  for (const c of run) {
    const here = UNSPACED.test(c) ? "unspaced" : NEUTRAL.test(c) ? null : "spaced";
    if (here && before && here !== before) ends.push(at);
    before = here ?? before;
    at += c.length;
    if (at > RUN_CHARS_MAX) break;
  }
  return [...ends, run.length].map((end) => run.slice(0, end).replace(/[.-]+$/, ""));
}

/** The same key for all spellings that differ in case. */
const folded = (name) =>
  [...name]
    .map((c) => [...c.toUpperCase()].map((upper) => upper.toLowerCase()).join(""))
    .join("")
    .normalize("NFC");

/** Splits text without code: `[{kind: "text" | "link" | "mention", text, name, sign}]`. */
export function plainParts(text, mentions) {
  const found = [];
  // Remaining ticks are not code.
  for (const piece of text.split(/(`)/)) inline(piece, mentions, found);
  return found;
}

/** The parts of `plainParts` as nodes; `mentions` is a Set. */
export const linked = (el, text, mentions) => nodes(el, plainParts(text, mentions));

/** A message that came without HTML, as nodes. */
export const render = (el, content, mentions) => nodes(el, parts(content, mentions));

/**
 * Replaces characters that reorder text (a name that reads in another way) by a visible sign.
 */
export const inOrder = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

function nodes(el, found) {
  return found.map(({ kind, text: written, name, sign }) => {
    const text = kind === "link" ? written : inOrder(written);
    switch (kind) {
      case "block":
        return el("pre", {}, el("code", {}, text));
      case "code":
        return el("code", {}, text);
      case "link":
        return el("a", { href: text, rel: "noopener noreferrer nofollow", target: "_blank" }, text);
      case "mention":
        return el("a", { class: "mention", href: routeTo(["agent", name]) }, sign + text);
      default:
        return text;
    }
  });
}
