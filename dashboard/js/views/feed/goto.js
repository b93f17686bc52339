// Moves the feed to a time, and puts the time into the address.

import { el } from "../../ui/dom.js";
import { localInput } from "../../ui/format.js";

const HOUR_MS = 60 * 60 * 1000;
/** @type {[string, number][]} */
const BACK = [
  ["1 h ago", HOUR_MS],
  ["1 day ago", 24 * HOUR_MS],
];

/** `now()` returns the hub's time, as RFC 3339, or nothing if it is not known yet. */
export function goTo(params, go, now) {
  const show = (date) => go({ ...params, seq: "", at: date.toISOString() });
  const ago = ([text, back]) =>
    el("button", { type: "button", onclick: () => show(new Date(Date.parse(now() ?? new Date()) - back)) }, text);
  const input = el("input", { type: "datetime-local", "aria-label": "Time", step: "60", required: true });
  const at = Date.parse(params.at ?? "");
  if (!Number.isNaN(at)) input.value = localInput(new Date(at));
  const submit = (event) => {
    event.preventDefault();
    show(new Date(input.value));
  };
  return el(
    "form",
    { class: "goto", "aria-label": "Go to a time", onsubmit: submit },
    el("span", {}, "Messages of"),
    BACK.map(ago),
    input,
    el("button", { type: "submit" }, "Show"),
  );
}
