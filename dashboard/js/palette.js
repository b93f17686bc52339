// Ctrl-K: finds an agent, a channel, a page or a command by a few letters of its name.

import { openDialog } from "./ui/dialog.js";
import { byId, el } from "./ui/dom.js";
import { PAGES, routeTo } from "./route.js";

const SHOWN_MAX = 12;

/** Returns matching entries, the best first: those that begin with the text, then those with a word that does; pure. */
export function matching(entries, text) {
  const wanted = text.trim().toLowerCase();
  const rank = ({ name }) => {
    const lower = name.toLowerCase().replace(/^[#@]/, "");
    const bare = wanted.replace(/^[#@]/, "");
    if (lower.startsWith(bare)) return 0;
    if (lower.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(bare))) return 1;
    return lower.includes(bare) ? 2 : 3;
  };
  return entries
    .map((entry, at) => ({ entry, at, rank: rank(entry) }))
    .filter(({ entry, rank }) => rank < 3 && (!/^[#@]/.test(wanted) || entry.name[0] === wanted[0]))
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .slice(0, SHOWN_MAX)
    .map(({ entry }) => entry);
}

/** All entries: pages, commands, agents and channels. */
export function entriesOf(state) {
  const pages = PAGES.map(([path, name]) => ({ name, kind: "page", to: routeTo([path]) }));
  const commands = [
    { name: "Messages of an hour ago", kind: "command", to: routeTo(["feed"], { at: ago(60) }) },
    { name: "Agents that are lost", kind: "command", to: routeTo(["overview"], { status: "lost" }) },
    { name: "Agents that are stuck", kind: "command", to: routeTo(["overview"], { status: "stuck" }) },
    { name: "Agents as a table", kind: "command", to: routeTo(["overview"], { view: "table" }) },
    { name: "Incident timeline of the last hour", kind: "command", to: routeTo(["incident-timeline"]) },
    { name: "Theme", kind: "command", press: "theme" },
    { name: "Time zone", kind: "command", press: "zone" },
    { name: "Notifications", kind: "command", press: "notices" },
    { name: "Keys", kind: "command", press: "help-button" },
  ];
  const agents = [...state.agents.keys()].map((name) => ({
    name: `@${name}`,
    kind: "agent",
    to: routeTo(["agent", name]),
  }));
  const channels = [...state.channels.keys()].map((channel) => ({
    name: channel,
    kind: "channel",
    to: routeTo(["feed"], { channel }),
  }));
  return [...pages, ...commands, ...agents, ...channels];
}

/** The last entry: a search over all messages for the typed text. */
const searchFor = (text) =>
  text ? [{ name: `Search messages for "${text}"`, kind: "search", to: routeTo(["search"], { q: text }) }] : [];

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

export function openPalette(state) {
  if (document.getElementById("palette")) return;
  const entries = entriesOf(state);
  let found = [];
  let chosen = 0;
  const list = el("ul", { role: "listbox", id: "palette-list", "aria-label": "results" });
  const draw = () => {
    found = [...matching(entries, input.value), ...searchFor(input.value.trim())];
    chosen = Math.min(chosen, Math.max(0, found.length - 1));
    const items = found.map((entry, at) =>
      el(
        "li",
        { role: "option", id: `palette-${at}`, "aria-selected": String(at === chosen), onclick: () => take(at) },
        entry.name,
        el("span", { class: "quiet" }, ` ${entry.kind}`),
      ),
    );
    list.replaceChildren(...items);
    input.setAttribute("aria-activedescendant", found.length ? `palette-${chosen}` : "");
  };
  const take = (at) => {
    const entry = found[at];
    dialog.close();
    if (entry?.to) location.hash = entry.to;
    if (entry?.press) byId(entry.press).click();
  };
  const keydown = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) chosen = (chosen + by + found.length) % Math.max(1, found.length);
    else if (event.key === "Enter") take(chosen);
    else if (event.key === "Escape") dialog.close();
    else return;
    event.preventDefault();
    if (by) draw();
  };
  const input = el("input", {
    type: "text",
    role: "combobox",
    placeholder: "Go to an agent, channel, page or command",
    "aria-label": "Go to",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    oninput: () => ((chosen = 0), draw()),
    onkeydown: keydown,
  });
  const dialog = openDialog({ id: "palette", "aria-label": "Go to" }, input, list);
  draw();
  input.focus();
}
