// Search over all history; what was asked stands in the address, so that the link can be handed on.

import { el } from "../dom.js";
import * as hub from "../hub.js";
import { messageRow, openInFeed } from "./message.js";

const FIELDS = [
  ["q", "Words"],
  ["channel", "Channel"],
  ["sender", "Sender"],
  ["since", "Since"],
  ["until", "Until"],
];
/** Messages that are shown. */
const MOST = 100;

export function search({ params, go, onError }) {
  const inputs = FIELDS.map(([name, label]) => {
    const kind = name === "since" || name === "until" ? "date" : "search";
    const input = el("input", { id: `search-${name}`, name, type: kind });
    input.value = params[name] ?? "";
    return el("p", {}, el("label", { for: `search-${name}` }, label), input);
  });
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
      // Whoever asked goes on with what was found, or with other words.
      if (!element.contains(document.activeElement)) (results.firstElementChild ?? words).focus();
      note.textContent = found(rows.length);
    } catch (error) {
      isFailed = error instanceof hub.Away;
      note.textContent = isFailed ? `${error.message}; trying again` : error.message;
      onError(error);
    }
  };
  return {
    element,
    update() {},
    items: () => [...results.children],
    chosen: openInFeed,
    tick: () => isFailed && run(),
    focus: () => words.select(),
    shown: () => {
      if (params.q) return run();
      words.focus();
      if (FIELDS.some(([name]) => params[name]))
        note.textContent = "Type one or more words: channel, sender and days only narrow what is found.";
    },
  };
}

function found(count) {
  if (count === MOST) return `the ${MOST} that match best; more words, a channel or days leave fewer`;
  return count === 1 ? "1 message" : `${count} messages${count > 0 ? ", the best match first" : ""}`;
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** A day as it is here, from its first to its last moment; a time is itself. */
const dayStart = (text) => (DAY.test(text ?? "") ? new Date(`${text}T00:00`).toISOString() : text);
const dayEnd = (text) => (DAY.test(text ?? "") ? new Date(`${text}T23:59:59.999`).toISOString() : text);
