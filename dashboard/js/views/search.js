// Search over all history; the question stands in the address, so that the link can be handed on.

import { el } from "../ui/dom.js";
import { chosenNames, concerns } from "../model/fleet.js";
import * as hub from "../wire/hub.js";
import { filterChips } from "./filters.js";
import { messageRow, openDetails, openInFeed, refreshVisible } from "./message.js";

const FIELDS = [
  ["q", "Words"],
  ["channel", "Channel"],
  ["sender", "Sender"],
  ["since", "Since"],
  ["until", "Until"],
];
/** Fields with names that the page knows, and where in its state they are. */
const KNOWN = { channel: "channels", sender: "agents" };
const NO_WORDS = "Type words, or choose a sender or days.";
/** Messages that are shown to begin with, and each time that more are asked for. */
const STEP = 100;
/** The hub answers no more at once. */
const MOST = 500;

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
  state = null;
  isFailed = false;
  limit = STEP;

  constructor(params, go, onError) {
    this.params = params;
    this.onError = onError;
    const inputs = FIELDS.map(([name, label]) => field(name, label, params[name] ?? ""));
    this.words = inputs[0].querySelector("input");
    this.results = el("ol", { class: "messages", "aria-label": "Results" });
    this.note = el("p", { role: "status" });
    const more = () => {
      this.limit += STEP;
      this.run();
    };
    this.more = el("button", { type: "button", hidden: true, onclick: more }, "More");
    const submit = (event) => {
      event.preventDefault();
      const asked = Object.fromEntries(new FormData(event.target));
      go({ ...params, ...asked, sender: String(asked.sender).replace(/^@/, "") });
    };
    this.form = el(
      "form",
      { class: "search", role: "search", onsubmit: submit },
      inputs,
      el("button", { type: "submit", class: "primary" }, "Search"),
    );
    this.element = el(
      "section",
      { "aria-labelledby": "search-title" },
      el("h1", { id: "search-title" }, "Search"),
      this.form,
      filterChips("search", params),
      this.note,
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
    const { q, sender, since, until } = this.params;
    if (q || sender || since || until) return this.run();
    this.words.focus();
    this.note.textContent = NO_WORDS;
  }

  async run() {
    const { params, results } = this;
    this.isFailed = false;
    this.note.textContent = "searching";
    try {
      const rows = await found(params, Math.min(this.limit, MOST));
      const names = chosenNames(this.state?.agents ?? new Map(), params);
      const shown = rows.filter((row) => concerns(row, names));
      const marked = (params.q ?? "").match(/[\p{L}\p{N}]+/gu) ?? [];
      results.replaceChildren(...shown.map((row) => messageRow(row, { marked })));
      this.look();
      // Whoever asked goes on with what was found, or with other words.
      if (!this.element.contains(document.activeElement)) (results.firstElementChild ?? this.words).focus();
      this.more.hidden = rows.length < this.limit || this.limit >= MOST;
      this.note.textContent = counted(shown.length, Boolean(params.q), !this.more.hidden);
    } catch (error) {
      this.isFailed = error instanceof hub.Away;
      this.note.textContent = this.isFailed ? `${error.message}; trying again` : error.message;
      this.onError(error);
    }
  }
}

/** Messages with the words; without words those of a sender or of days, the newest first. */
async function found(params, limit) {
  const times = { since: dayStart(params.since), until: dayEnd(params.until) };
  const { q, channel, sender } = params;
  if (q) return hub.search({ q, channel, sender, ...times, limit });
  const isWithin = ({ ts }) =>
    !(Date.parse(ts) < Date.parse(times.since)) && !(Date.parse(ts) > Date.parse(times.until));
  if (channel) return hub.history(channel, { sender, ...times, limit, html: true });
  if (sender) {
    const rows = await hub.saidByOrTo(sender, MOST);
    return rows
      .filter((row) => row.sender === sender && isWithin(row))
      .reverse()
      .slice(0, limit);
  }
  const rows = await hub.recent(times.since ? { since: times.since, limit } : { limit });
  return rows.filter(isWithin).reverse();
}

/** A field under its label, with a list for the names that are known. */
function field(name, label, value) {
  const id = `search-${name}`;
  const list = KNOWN[name] ? `${id}-known` : null;
  const type = name === "since" || name === "until" ? "date" : "search";
  const input = el("input", { id, name, type, list });
  input.value = value;
  return el("p", {}, el("label", { for: id }, label), input, list && el("datalist", { id: list }));
}

/** Puts into the lists what there is to choose from. One that is open would be closed by new options. */
function suggest(form, state) {
  for (const [name, key] of Object.entries(KNOWN)) {
    const list = form.querySelector(`#search-${name}-known`);
    const values = [...state[key].keys()].sort();
    if (list.children.length !== values.length) list.replaceChildren(...values.map((value) => el("option", { value })));
  }
}

function counted(count, isRanked, hasMore) {
  if (count === 0) return "No messages.";
  const order = isRanked ? "the best match first" : "the newest first";
  return count === 1 ? "1 message" : `${hasMore ? "the first " : ""}${count} messages, ${order}`;
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** A day as it is here, from its first to its last moment; a time is itself. */
const dayStart = (text) => (DAY.test(text ?? "") ? new Date(`${text}T00:00`).toISOString() : text);
const dayEnd = (text) => (DAY.test(text ?? "") ? new Date(`${text}T23:59:59.999`).toISOString() : text);
