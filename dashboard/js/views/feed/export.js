// Saves a channel, or all of them, as a file: completely or for a span of time, beyond what the page has loaded.

import { openDialog } from "../../ui/dialog.js";
import { el } from "../../ui/dom.js";
import { exact } from "../../ui/format.js";
import * as hub from "../../wire/hub.js";

const PAGE = 500;
/** The most rows of one file: the browser keeps it in memory. */
const ROWS_MAX = 200_000;

/** One message as Markdown; pure. */
export function asMarkdown({ sender, channel, ts, seq, content }) {
  return `**${sender}** in ${channel}, ${exact(ts)} (seq ${seq})\n\n${content}\n`;
}

/** Rows as a file's text, as JSON Lines (rows of `/api/history`) or Markdown; pure. */
export function asText(rows, format) {
  if (format === "markdown") return rows.map(asMarkdown).join("\n---\n\n");
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** Loads all rows of a span, the oldest first; `onCount(n)` gets the number so far. */
async function load({ channel, from, to }, onCount, isWanted) {
  const rows = [];
  let page = await hub.page(from ? { channel, since: from, limit: PAGE } : { channel, after: 0, limit: PAGE });
  while (page.length > 0 && isWanted()) {
    const within = to ? page.filter(({ ts }) => Date.parse(ts) <= Date.parse(to)) : page;
    rows.push(...within);
    onCount(rows.length);
    if (within.length < page.length || page.length < PAGE || rows.length >= ROWS_MAX) break;
    page = await hub.page({ channel, after: page.at(-1).seq, limit: PAGE });
  }
  return rows;
}

/** Opens the dialog. */
export function chooseExport(channel) {
  const note = el("p", { role: "status" });
  const time = (name, label) => {
    const input = el("input", { type: "datetime-local", name, id: `export-${name}` });
    return el("p", {}, el("label", { for: input.id }, label), " ", input);
  };
  const formats = [
    ["jsonl", "JSON Lines, rows as of /api/history"],
    ["markdown", "Markdown"],
  ];
  const save = async (event) => {
    event.preventDefault();
    const { from, to, format } = Object.fromEntries(new FormData(event.target));
    const iso = (value) => (value ? new Date(String(value)).toISOString() : "");
    try {
      const isWanted = () => dialog.isConnected;
      const onCount = (count) => (note.textContent = `${count} messages so far`);
      const rows = await load({ channel, from: iso(from), to: iso(to) }, onCount, isWanted);
      if (!isWanted()) return;
      download(
        asText(rows, format),
        `${channel.replace(/[^\p{L}\p{N}]+/gu, "") || "messages"}.${format === "markdown" ? "md" : "jsonl"}`,
      );
      note.textContent =
        rows.length >= ROWS_MAX
          ? `The first ${ROWS_MAX} messages are saved; choose a span.`
          : `${rows.length} messages saved.`;
    } catch (error) {
      note.textContent = error.message;
    }
  };
  const dialog = openDialog(
    { id: "export", "aria-labelledby": "export-title" },
    el("h2", { id: "export-title" }, `Export ${channel || "all messages"}`),
    el(
      "form",
      { onsubmit: save },
      el(
        "p",
        {},
        el("label", { for: "export-format" }, "Format"),
        " ",
        el(
          "select",
          { id: "export-format", name: "format" },
          formats.map(([value, text]) => el("option", { value }, text)),
        ),
      ),
      time("from", "From (empty: the beginning)"),
      time("to", "To (empty: now)"),
      note,
      el(
        "p",
        { class: "buttons" },
        el("button", { type: "submit", class: "primary" }, "Save"),
        el("button", { type: "button", onclick: () => dialog.close() }, "Close"),
      ),
    ),
  );
}

function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
