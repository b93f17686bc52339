// Search over all history. The query is in the address, so that the link can be shared.

import { el } from "../ui/dom.js";
import { zone } from "../ui/format.js";
import { chosenNames, concerns } from "../model/fleet.js";
import * as hub from "../wire/hub.js";
import { filterChips } from "./filters.js";
import { messageRow, openDetails, openInFeed, refreshVisible } from "./message.js";
import { routeTo } from "../route.js";

const FIELDS = [
  ["q", "Words"],
  ["channel", "Channel"],
  ["sender", "Sender"],
  ["since", "Since"],
  ["until", "Until"],
];
/** Fields whose values the page knows, and the place of these in the state. */
const KNOWN = { channel: "channels", sender: "agents" };
const NO_WORDS = "Type words, or choose a sender or days.";
/** The number of hits on the first page and on each further one. */
const STEP = 100;
/** With so few hits, the same words are offered as beginnings. */
const FEW = 5;
/** The query language, each part with its effect. */
const SYNTAX = [
  ["deploy failed", "both words, in any order"],
  ['"deploy failed"', "this phrase"],
  ["rout*", "words that begin with this"],
  ["失敗", "any part of a text without spaces"],
  ['-draft -from:ci -in:#builds -"a phrase"', "excludes these"],
  ["from:alice in:#builds", "by this sender, in this channel"],
  ["after:2026-01-15 before:2026-01-16", "on or after, and before: days or times in UTC"],
];

/** @param {import("../../types.js").Given} given @returns {import("../../types.js").View} */
export function search({ params, go, onError }) {
  const view = new Search(params, go, onError);
  return {
    element: view.element,
    update: (state) => view.update(state),
    items: () => [...view.results.children],
    chosen: openInFeed,
    tick: () => (view.isFailed ? view.run() : view.look()),
    focus: () => view.words.select(),
    again: () => view.shown(),
    shown: () => view.shown(),
    keys: { i: () => openDetails(document.activeElement) },
  };
}

class Search {
  /** @type {import("../../types.js").State | null} */
  state = null;
  isFailed = false;
  /** The query. */
  text = "";
  /** The cursor of the next page, or null. */
  next = null;
  /** Hits so far. */
  count = 0;
  /** The number of requests; only the last answer is shown. */
  asks = 0;

  constructor(params, go, onError) {
    this.params = params;
    this.onError = onError;
    const inputs = FIELDS.map(([name, label]) => field(name, label, params[name] ?? ""));
    this.words = inputs[0].querySelector("input");
    this.results = el("ol", { class: "messages", "aria-label": "Results" });
    this.note = el("p", { role: "status" });
    this.hint = el("p", { class: "quiet hint", hidden: true });
    this.more = el("button", { type: "button", hidden: true, onclick: () => this.run(this.next) }, "More");
    const submit = (event) => {
      event.preventDefault();
      const asked = Object.fromEntries(new FormData(event.target));
      go({ ...params, ...asked, sender: String(asked.sender).replace(/^@/, "") });
    };
    this.form = el(
      "form",
      { class: "search", role: "search", onsubmit: submit },
      inputs,
      orderField(params.order),
      el("button", { type: "submit", class: "primary" }, "Search"),
    );
    this.element = el(
      "section",
      { "aria-labelledby": "search-title" },
      el("h1", { id: "search-title" }, "Search"),
      this.form,
      syntaxHelp(),
      filterChips("search", params),
      this.note,
      this.hint,
      this.results,
      this.more,
    );
  }

  update(state) {
    this.state = state;
    suggest(this.form, state);
  }

  look() {
    refreshVisible(this.results, this.state?.gitea);
  }

  shown() {
    this.text = searchText(this.params);
    if (this.text) return this.run();
    this.words.focus();
    this.note.textContent = NO_WORDS;
  }

  /** Requests the hits from `cursor` on, or the first ones. */
  async run(cursor = null) {
    const mine = ++this.asks;
    this.isFailed = false;
    if (!cursor) this.note.textContent = "searching";
    this.hint.hidden = true;
    this.more.disabled = true;
    try {
      const order = this.params.order === "time" ? "time" : "rank";
      const answer = await hub.search({ q: this.text, order, cursor, limit: STEP });
      if (mine === this.asks) this.show(answer, cursor !== null);
    } catch (error) {
      if (mine !== this.asks) return;
      this.isFailed = error instanceof hub.Away;
      this.note.textContent = this.isFailed ? `${error.message}; trying again` : sentence(error.message);
      this.onError(error);
    }
    this.more.disabled = false;
  }

  show({ rows, next, indexedUpTo }, isMore) {
    const { results } = this;
    const names = chosenNames(this.state?.agents ?? new Map(), this.params);
    const items = rows.filter((row) => concerns(row, names)).map((row) => messageRow(row));
    if (!isMore) results.replaceChildren();
    results.append(...items);
    this.count = results.children.length;
    this.next = next;
    this.more.hidden = next === null;
    this.look();
    // The focus moves to the first new hit.
    if (isMore) items[0]?.focus();
    else if (!this.element.contains(document.activeElement)) (items[0] ?? this.words).focus();
    this.note.textContent = counted(this.count, next !== null) + unindexed(indexedUpTo);
    this.hint.replaceChildren(...this.hints(this.count < FEW && next === null));
    this.hint.hidden = false;
  }

  /** Hints about messages that are not among the hits: those with longer words, and direct ones. */
  hints(areFew) {
    const wider = areFew ? widened(this.params.q ?? "") : null;
    const to = routeTo(["search"], { ...this.params, q: wider });
    const words = wider && ["Whole words were searched for: try ", el("a", { href: to }, wider), ". "];
    const directs = ["Direct messages are not searched: ", el("a", { href: "#/direct" }, "Direct"), "."];
    return [words, directs].flat().filter(Boolean);
  }
}

/** The fields of the address as one query; operators alone list the messages that they select. */
export function searchText({ q = "", channel = "", sender = "", since = "", until = "" }) {
  const named = (operator, value) => value && `${operator}:${/\s/.test(value) ? `"${value}"` : value}`;
  const parts = [
    q.trim(),
    named("from", sender.trim()),
    named("in", channel.trim()),
    named("after", dayStart(since)),
    named("before", dayEnd(until)),
  ];
  return parts.filter(Boolean).join(" ");
}

/** In scripts without spaces, any part of a text is found. */
const UNSPACED = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}]/u;
const PLAIN = /^[\p{L}\p{N}_]{2,}$/u;

/** The query with its plain words as beginnings, `flak*` for `flak`; null if there are none. Pure. */
export function widened(q) {
  // A quoted phrase is not a plain word.
  const pieces = q.trim().match(/-?(?:[^\s"]*"[^"]*"?|\S+)/gu) ?? [];
  const wider = pieces.map((piece) => (PLAIN.test(piece) && !UNSPACED.test(piece) ? `${piece}*` : piece));
  return wider.some((piece, at) => piece !== pieces[at]) ? wider.join(" ") : null;
}

/** The field for the order of hits. */
function orderField(order) {
  const option = (value, text) => el("option", { value, selected: value === order }, text);
  const select = el(
    "select",
    { id: "search-order", name: "order" },
    option("", "best match first"),
    option("time", "newest first"),
  );
  return el("p", {}, el("label", { for: "search-order" }, "Order"), select);
}

function syntaxHelp() {
  const rows = SYNTAX.map(([text, finds]) => [el("dt", {}, el("code", {}, text)), el("dd", {}, finds)]);
  return el(
    "details",
    { class: "syntax" },
    el("summary", {}, "Search syntax"),
    el("dl", {}, rows),
    el("p", { class: "quiet" }, "Direct messages are not searched."),
  );
}

/** A field below its label, with a list of known names. */
function field(name, label, value) {
  const id = `search-${name}`;
  const list = KNOWN[name] ? `${id}-known` : null;
  const type = name === "since" || name === "until" ? "date" : "search";
  const input = el("input", { id, name, type, list });
  input.value = value;
  return el("p", {}, el("label", { for: id }, label), input, list && el("datalist", { id: list }));
}

/** Fills the lists with known names. New options would close an open list. */
function suggest(form, state) {
  for (const [name, key] of Object.entries(KNOWN)) {
    const list = form.querySelector(`#search-${name}-known`);
    const values = [...state[key].keys()].sort();
    if (list.children.length !== values.length) list.replaceChildren(...values.map((value) => el("option", { value })));
  }
}

function counted(count, hasMore) {
  if (count === 0) return hasMore ? "None of the first messages are of the chosen agents." : "No messages.";
  return count === 1 && !hasMore ? "1 message" : `${hasMore ? "the first " : ""}${count} messages`;
}

/** The note while the search index is incomplete. */
const unindexed = (upTo) =>
  upTo === null ? "" : `. The search index is still being made: messages after number ${upTo} are not in it yet.`;

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

const DAY = /^\d{4}-\d\d-\d\d$/;

/** The first moment of a day in the shown zone; a time stays as it is. */
const dayStart = (text) => (DAY.test(text) ? midnight(text).toISOString() : text);

/** The first moment after a day; a time stays as it is. */
function dayEnd(text) {
  if (!DAY.test(text)) return text;
  const next = midnight(text);
  if (zone().isUtc) next.setUTCDate(next.getUTCDate() + 1);
  else next.setDate(next.getDate() + 1);
  return next.toISOString();
}

const midnight = (text) => new Date(`${text}T00:00${zone().isUtc ? "Z" : ""}`);
