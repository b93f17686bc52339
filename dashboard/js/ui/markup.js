// The one place where markup enters the page: HTML that the hub made of a message and cleaned. It is read into a
// document that runs nothing, and built anew from what is listed here, so that a mistake on either side alone is
// harmless.

import { copyButton } from "./copy.js";
import { el } from "./dom.js";
import { tokens } from "./highlight.js";
import { inOrder, linked } from "./text.js";

/** Allowed tags, each with the attributes that it gets. Other tags are dropped, and their text stays. */
const KEPT = {
  P: { dir: "auto" },
  LI: { dir: "auto" },
  TD: { dir: "auto" },
  TH: { dir: "auto" },
  BR: {},
  HR: {},
  UL: {},
  OL: {},
  EM: {},
  STRONG: {},
  DEL: {},
  BLOCKQUOTE: {},
  CODE: {},
  A: {},
  PRE: { tabindex: "0" },
  TABLE: {},
  THEAD: {},
  TBODY: {},
  TR: {},
};
const LINK = /^(https?:|mailto:)/i;
/** Deeper than the hub nests. */
const DEPTH_MAX = 80;

/** The hub's HTML as nodes; mentions and bare addresses become links, except in code. */
export function fromHub(html, mentions = []) {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  return children(body, { mentions: new Set(mentions), isPlain: false, depth: 0 });
}

function children(node, place) {
  if (place.depth > DEPTH_MAX) return [node.textContent];
  return [...node.childNodes].flatMap((child) => built(child, { ...place, depth: place.depth + 1 }));
}

function built(node, place) {
  if (node.nodeType === Node.TEXT_NODE)
    return place.isPlain ? [inOrder(node.data)] : linked(el, node.data, place.mentions);
  if (node.nodeType !== Node.ELEMENT_NODE) return [];
  const properties = KEPT[node.tagName];
  if (!properties) return [node.textContent];
  if (node.tagName === "PRE") return [codeBlock(node)];
  const inner = children(node, { ...place, isPlain: place.isPlain || ["A", "CODE", "PRE"].includes(node.tagName) });
  if (node.tagName === "LI") checkBox(inner);
  const element = el(node.tagName.toLowerCase(), { ...properties, ...own(node) }, inner);
  // A wide table scrolls by itself, without the page.
  return [
    node.tagName === "TABLE"
      ? el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "table" }, element)
      : element,
  ];
}

/** A block of code in colours, with a button that copies it. */
function codeBlock(node) {
  const code = node.querySelector("code");
  const text = inOrder(node.textContent);
  const language = /^language-([\w+#.-]{1,32})$/.exec(code?.className ?? "")?.[1] ?? "";
  const parts = tokens(text, language).map((one) =>
    one.kind ? el("span", { class: `hl-${one.kind}` }, one.text) : one.text,
  );
  const inner = el("code", { class: language ? `language-${language}` : null }, parts);
  return el("div", { class: "block" }, el("pre", { tabindex: "0" }, inner), copyButton());
}

/** A task list's item: `[ ]` and `[x]` at its beginning become boxes. */
function checkBox(inner) {
  const [first] = inner;
  const holder = typeof first === "string" ? inner : first instanceof HTMLParagraphElement ? first : null;
  const text =
    typeof first === "string" ? first : first instanceof HTMLParagraphElement ? first.firstChild?.nodeValue : null;
  const box = /^\s*\[([ xX])\] /.exec(text ?? "");
  if (!holder || !box || !text) return;
  const isDone = box[1] !== " ";
  const mark = el("span", { class: "box", role: "img", "aria-label": isDone ? "done" : "open" }, isDone ? "☑" : "☐");
  if (Array.isArray(holder)) holder.splice(0, 1, mark, ` ${text.slice(box[0].length)}`);
  else {
    holder.firstChild.nodeValue = ` ${text.slice(box[0].length)}`;
    holder.prepend(mark);
  }
}

/** The attributes that a node keeps. */
function own(node) {
  const language = /^language-[\w+#.-]{1,32}$/.exec(node.className)?.[0];
  if (node.tagName === "CODE" && language) return { class: language };
  if (node.tagName === "OL" && /^\d{1,9}$/.test(node.getAttribute("start") ?? ""))
    return { start: node.getAttribute("start") };
  const address = node.getAttribute("href") ?? "";
  if (node.tagName !== "A" || !LINK.test(address)) return {};
  return { href: address, title: address, rel: "noopener noreferrer nofollow", target: "_blank" };
}
