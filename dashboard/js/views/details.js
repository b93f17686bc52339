// Everything about one message: its position and time, its other fields, and how far it got with each receiver.

import { copyButton } from "../ui/copy.js";
import { openDialog } from "../ui/dialog.js";
import { el } from "../ui/dom.js";
import { exact } from "../ui/format.js";
import * as hub from "../wire/hub.js";
import { receiptItems } from "./receipts.js";
import { routeTo } from "../route.js";

/** The address of a message, to share. */
export const linkTo = ({ seq }) => `${location.origin}${location.pathname}${routeTo(["feed"], { seq })}`;

/** @param {import("../../types.js").Row} row A row as `/api/history` returns it, without additions of the page. */
export function asJson({ html: _html, ...row }) {
  return JSON.stringify(row, null, 2);
}

/** Opens the dialog. @param {import("../../types.js").Row} row */
export function showDetails(row) {
  document.getElementById("details")?.remove();
  const receipts = el("ul", { class: "delivery", "aria-label": "receipts" }, el("li", {}, "asking"));
  const link = linkTo(row);
  const facts = [
    ["From", el("a", { href: routeTo(["agent", row.sender]) }, row.sender)],
    ["To", row.channel],
    ["Time", exact(row.ts)],
    ["Position in the log", `seq ${row.seq}`],
    ["Id", row.msg_id],
    ["Mentions", (row.mentions ?? []).join(", ")],
    ["Answers", row.reply_to && el("a", { href: routeTo(["feed"], { seq: row.reply_to }) }, `message ${row.reply_to}`)],
    ["Event", eventOf(row.metadata)],
  ].filter(([, value]) => value);
  const hasMore = row.metadata && Object.keys(row.metadata).length > 0;
  const dialog = openDialog(
    { id: "details", "aria-labelledby": "details-title" },
    el("h2", { id: "details-title" }, `Message ${row.seq}`),
    el(
      "dl",
      { class: "keys" },
      facts.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]),
    ),
    el("h3", {}, "Receipts"),
    receipts,
    hasMore && [
      el("h3", {}, "Metadata"),
      el("pre", { tabindex: "0" }, el("code", {}, JSON.stringify(row.metadata, null, 2))),
    ],
    el(
      "p",
      { class: "buttons" },
      el("a", { href: link }, "Show in the feed"),
      copyButton(link, "Copy link"),
      copyButton(asJson(row), "Copy JSON"),
      el("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Close"),
    ),
  );
  dialog.addEventListener("click", (event) => /** @type {Element} */ (event.target).closest("a") && dialog.close());
  hub.receipts(row.seq).then(
    ({ agents }) => receipts.replaceChildren(...lines(agents, row)),
    (error) => receipts.replaceChildren(el("li", {}, error.message)),
  );
}

function lines(agents, row) {
  const items = receiptItems(Object.entries(agents), row);
  return items.length > 0 ? items : [el("li", {}, "Addressed to no agent.")];
}

/** The kind of Gitea's event that a message reports. */
function eventOf(metadata) {
  const event = metadata?.gitea?.event ?? metadata?.event;
  return typeof event === "string" ? event : null;
}
