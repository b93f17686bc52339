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
    go(Object.fromEntries(new FormData(event.target)));
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
    if (!params.q) return;
    isFailed = false;
    note.textContent = "searching";
    try {
      const times = { since: dayStart(params.since), until: dayEnd(params.until) };
      const rows = await hub.search({ ...params, ...times, limit: 100 });
      results.replaceChildren(...rows.map((row) => messageRow(row)));
      // Whoever asked goes on with what was found, or with other words.
      if (!element.contains(document.activeElement)) (results.firstElementChild ?? words).focus();
      note.textContent =
        rows.length === 100 ? "the first 100 messages" : `${rows.length} message${rows.length === 1 ? "" : "s"}`;
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
    focus: () => words.focus(),
    shown: () => (params.q ? run() : words.focus()),
  };
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** A day as it is here, from its first to its last moment; a time is itself. */
const dayStart = (text) => (DAY.test(text ?? "") ? new Date(`${text}T00:00`).toISOString() : text);
const dayEnd = (text) => (DAY.test(text ?? "") ? new Date(`${text}T23:59:59.999`).toISOString() : text);
