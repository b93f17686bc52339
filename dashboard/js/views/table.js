// Agents as a compact table, one row an agent: fifty of them are seen at a glance.

import { el, morphItems } from "../ui/dom.js";
import { identicon } from "../ui/identicon.js";
import { dismissButton, lately } from "./cards.js";
import { badge, elementsOf, lasting, ownWord, percent, progressBar, reach, reason } from "./standing.js";
import { statusOf } from "../model/status.js";
import { routeTo } from "../route.js";

const COLUMNS = ["Status", "Agent", "Task", "Why", "Since", "Unread", "Reach", "Last hour", "Project", "Machine"];

/** Draws groups of agents into `place`. */
export function table(place, groups, { now, states }) {
  const isKept = place.firstElementChild?.matches(".fleet");
  if (!isKept) place.replaceChildren(frame());
  const all = place.querySelector("table");
  const bodies = groups.map(([name]) => el("tbody", { data: { group: name } }));
  const wanted = bodies.map((body) => body.dataset.group);
  const shown = [...all.tBodies].map((body) => body.dataset.group);
  if (wanted.length !== shown.length || wanted.join("\n") !== shown.join("\n")) {
    for (const body of [...all.tBodies]) body.remove();
    all.append(...bodies);
  }
  groups.forEach(([name, agents], at) => {
    const rows = elementsOf(all.tBodies[at], agents, [now, states], (agent) => row(agent, now, states));
    if (name) rows.unshift(heading(name, agents.length));
    morphItems(all.tBodies[at], rows, (item) => item.dataset.agent);
  });
}

function frame() {
  const named = (name) => (name === "Agent" ? "who" : name.toLowerCase().replace(" ", "-"));
  const head = COLUMNS.map((name) => el("th", { scope: "col", class: named(name) }, name));
  const all = el("table", { class: "compact" }, el("thead", {}, el("tr", {}, head)));
  return el("div", { class: "fleet wide", tabindex: "0", role: "region", "aria-label": "table of agents" }, all);
}

function heading(name, count) {
  const cell = el(
    "th",
    { scope: "rowgroup", colSpan: COLUMNS.length },
    name,
    el("span", { class: "quiet" }, ` ${count}`),
  );
  return el("tr", { class: "group", data: { agent: "" } }, cell);
}

function row(agent, now, states) {
  const why = reason(agent, now);
  const cell = (name, ...content) => el("td", { class: name }, content);
  const cut = (name, text, ...content) => el("td", { class: name, title: text || null }, content);
  const name = el("a", { class: "name", href: routeTo(["agent", agent.name]) }, agent.name);
  const { count } = agent.waiting;
  const bar = progressBar(agent);
  const meter = bar && el("span", { class: "meter" }, bar, percent(agent), " ");
  const own = ownWord(agent);
  // The task of an agent in error or blocked is the reason, before what is unread, which has a column of its own.
  const isReason = Boolean(agent.current_task) && ["error", "blocked"].includes(statusOf(agent));
  const told = isReason ? agent.current_task : why;
  const task = isReason ? "" : agent.current_task;
  return el(
    "tr",
    { class: "agent", data: { agent: agent.name, status: statusOf(agent) } },
    cell("status", badge(agent), own && el("span", { class: "own" }, ` ${own}`)),
    el("th", { scope: "row", class: "who", title: agent.name }, identicon(agent.name), name),
    // Where there is no reason, the task has room for all its words.
    el("td", { class: "task", title: task || null, colSpan: told ? 1 : 2 }, meter, task),
    told && cut("reason", isReason ? told : why?.textContent, dismissButton(agent), told),
    cell("since", lasting(agent, now)),
    cell("unread-count", count > 0 && el("a", { href: routeTo(["agent", agent.name]) }, String(count))),
    cell("reach", reach(agent)),
    cell("hour", lately(agent.name, states)),
    cut("project", agent.project, agent.project),
    cut("machine", agent.machine, agent.machine),
  );
}
