// Search over all history; what was asked stands in the address, so that the link can be handed on.

import { el } from "../ui/dom.js";
import * as hub from "../wire/hub.js";
import { messageRow, openInFeed, refreshVisible } from "./message.js";

const FIELDS = [
  ["q", "Words"],
  ["channel", "Channel"],
  ["sender", "Sender"],
  ["since", "Since"],
  ["until", "Until"],
];
/** Fields with names that the page knows, and where in its state they are. */
const KNOWN = { channel: "channels", sender: "agents" };
const NO_WORDS = "Type one or more words: channel, sender and days only narrow what is found.";
/** Messages that are shown. */
const MOST = 100;

export function search({ params, go, onError }) {
  const inputs = FIELDS.map(([name, label]) => field(name, label, params[name] ?? ""));
  let state = null;
  const look = () => refreshVisible(results, state?.gitea);
  const words = inputs[0].querySelector("input");
  const results = el("ol", { class: "messages", "aria-label": "Results" });
  const note = el("p", { role: "status" });
  const submit = (event) => {
    event.preventDefault();
    const asked = Object.fromEntries(new FormData(event.target));
    go({ ...asked, sender: asked.sender.replace(/^@/, "") });
  };
  const form = el(
    "form",
    { class: "search", role: "search", onsubmit: submit },
    inputs,
    el("button", { type: "submit" }, "Search"),
  );
  const element = el(
    "section",
    { "aria-labelledby": "search-title" },
    el("h1", { id: "search-title" }, "Search"),
    form,
    note,
    results,
  );
  let isFailed = false;
  const run = async () => {
    isFailed = false;
    note.textContent = "searching";
    try {
      const times = { since: dayStart(params.since), until: dayEnd(params.until) };
      const rows = await hub.search({ ...params, ...times, limit: MOST });
      results.replaceChildren(...rows.map((row) => messageRow(row)));
      look();
      // Whoever asked goes on with what was found, or with other words.
      if (!element.contains(document.activeElement)) (results.firstElementChild ?? words).focus();
      note.textContent = found(rows.length);
    } catch (error) {
      isFailed = error instanceof hub.Away;
      note.textContent = isFailed ? `${error.message}; trying again` : error.message;
      onError(error);
    }
  };
  const shown = () => {
    if (params.q) return run();
    words.focus();
    note.textContent = NO_WORDS;
  };
  return {
    element,
    update: (now) => {
      state = now;
      suggest(form, state);
    },
    items: () => [...results.children],
    chosen: openInFeed,
    tick: () => (isFailed ? run() : look()),
    focus: () => words.select(),
    again: shown,
    shown,
  };
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

function found(count) {
  if (count === MOST) return `the first ${MOST}; more words, a channel or days leave fewer`;
  return count === 1 ? "1 message" : `${count} messages${count > 0 ? ", the best match first" : ""}`;
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** A day as it is here, from its first to its last moment; a time is itself. */
const dayStart = (text) => (DAY.test(text ?? "") ? new Date(`${text}T00:00`).toISOString() : text);
const dayEnd = (text) => (DAY.test(text ?? "") ? new Date(`${text}T23:59:59.999`).toISOString() : text);
