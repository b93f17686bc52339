// Agents as a compact table, one row an agent: fifty of them fit one view.

import { el, morphItems } from "../ui/dom.js";
import { identicon } from "../ui/identicon.js";
import { dismissButton, lately } from "./cards.js";
import { badge, elementsOf, lasting, ownWord, percent, progressBar, reach } from "./standing.js";
import { shortReason, unreadFigure } from "./standing.js";
import { isTaskReason, statusOf } from "../model/status.js";
import { routeTo } from "../route.js";

/** Each column's class, heading, and explanation on hover. */
const COLUMNS = [
  ["status", "Status", ""],
  ["who", "Agent", ""],
  ["task", "Task", ""],
  ["reason", "Why", "why it needs a person, and what waits for it"],
  ["since", "For", "how long the reason has held; without a reason, the status"],
  ["unread-count", "Unread", "mentions and direct messages; ? where the agent does not report what it has read"],
  ["hour", "Last hour", "its states"],
  ["reach", "Reach", "how messages get to it, where it said so"],
  ["project", "Project", ""],
  ["machine", "Machine", ""],
];

/** Draws groups of agents into `place`. */
export function table(place, groups, { now, states }) {
  // A column of dashes would only take room from the others.
  const hasReach = groups.some(([, agents]) => agents.some((agent) => agent.reach));
  const columns = COLUMNS.filter(([name]) => name !== "reach" || hasReach);
  const isKept = place.querySelector("table.compact")?.rows[0].cells.length === columns.length;
  if (!isKept) place.replaceChildren(frame(columns));
  const all = place.querySelector("table");
  const bodies = groups.map(([name]) => el("tbody", { data: { group: name } }));
  const wanted = bodies.map((body) => body.dataset.group);
  const shown = [...all.tBodies].map((body) => body.dataset.group);
  if (wanted.length !== shown.length || wanted.join("\n") !== shown.join("\n")) {
    for (const body of [...all.tBodies]) body.remove();
    all.append(...bodies);
  }
  groups.forEach(([name, agents], at) => {
    const rows = elementsOf(all.tBodies[at], agents, [now, states], (agent) => row(agent, now, states, hasReach));
    if (name) rows.unshift(heading(name, agents.length, hasReach));
    morphItems(all.tBodies[at], rows, (item) => item.dataset.agent);
  });
}

function frame(columns) {
  const head = columns.map(([name, text, title]) =>
    el("th", { scope: "col", class: name, title: title || null }, text),
  );
  const all = el("table", { class: "compact" }, el("thead", {}, el("tr", {}, head)));
  return el("div", { class: "fleet wide", tabindex: "0", role: "region", "aria-label": "table of agents" }, all);
}

/** The columns from reach on come last, because a narrow window has no room for them. */
function heading(name, count, hasReach) {
  const lacks = hasReach ? 3 : 2;
  const cell = el(
    "th",
    { scope: "rowgroup", colSpan: COLUMNS.length - 3 },
    name,
    el("span", { class: "quiet" }, ` ${count}`),
  );
  return el("tr", { class: "group", data: { agent: "" } }, cell, el("td", { class: "project", colSpan: lacks }));
}

function row(agent, now, states, hasReach) {
  const cell = (name, ...content) => el("td", { class: name }, content);
  const cut = (name, text, ...content) => el("td", { class: name, title: text || null }, content);
  const name = el("a", { class: "name", href: routeTo(["agent", agent.name]) }, agent.name);
  const bar = progressBar(agent);
  const meter = bar && el("span", { class: "meter" }, bar, percent(agent), " ");
  const own = ownWord(agent);
  const told = shortReason(agent, now);
  const task = isTaskReason(agent) ? "" : agent.current_task;
  const taskCell = (span) => el("td", { class: "task", title: task || null, colSpan: span }, meter, task);
  // If only one of task and reason is shown, it gets the room of both.
  const isAlone = told !== null && !task;
  const why =
    told &&
    el(
      "td",
      { class: "reason", title: told.text, colSpan: isAlone ? 2 : 1 },
      isAlone && meter,
      dismissButton(agent),
      told.why,
    );
  return el(
    "tr",
    { class: "agent", data: { agent: agent.name, status: statusOf(agent) } },
    cell("status", badge(agent), own && el("span", { class: "own" }, ` ${own}`)),
    el("th", { scope: "row", class: "who", title: agent.name }, identicon(agent.name), name),
    !isAlone && taskCell(told ? 1 : 2),
    why,
    cell("since", lasting(agent, now)),
    cell("unread-count", unreadFigure(agent)),
    cell("hour", lately(agent.name, states)),
    hasReach && cell("reach", reach(agent)),
    cut("project", agent.project, agent.project),
    cut("machine", agent.machine, agent.machine),
  );
}
