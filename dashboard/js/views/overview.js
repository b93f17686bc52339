// Agents as cards, those that need a person first.

import { el } from "../dom.js";
import { clock, duration, secondsBetween, statusOf } from "../format.js";
import { byNeed } from "../state.js";

const FILTERS = ["project", "machine", "role", "status"];

export function overview({ params, go }) {
  const summary = el("p", { class: "summary" });
  const selects = FILTERS.map((name) =>
    el("select", { "aria-label": `Filter by ${name}`, data: { name }, onchange: (e) => go({ ...params, [name]: e.target.value }) }),
  );
  const cards = el("ul", { class: "cards" });
  const element = el(
    "section",
    { "aria-labelledby": "overview-title" },
    el("h1", { id: "overview-title" }, "Agents"),
    summary,
    el("div", { class: "filters" }, selects),
    cards,
  );
  const update = (state) => {
    const agents = [...state.agents.values()];
    for (const select of selects) fill(select, agents, params[select.dataset.name] ?? "");
    const value = (agent, name) => (name === "status" ? statusOf(agent) : agent[name]);
    const shown = agents.filter((agent) => FILTERS.every((name) => !params[name] || value(agent, name) === params[name]));
    const count = (status) => agents.filter((agent) => statusOf(agent) === status).length;
    summary.textContent = agents.length
      ? `${agents.filter((agent) => agent.online).length} online, ${count("busy")} busy, ${count("stuck")} stuck, ${count("error")} in error`
      : "No agent has registered yet.";
    const focused = document.activeElement?.closest?.("[data-agent]")?.dataset.agent;
    cards.replaceChildren(...byNeed(shown, statusOf).map((agent) => card(agent, state.now)));
    if (focused) cards.querySelector(`[data-agent="${CSS.escape(focused)}"] a`)?.focus();
  };
  return { element, update, items: () => [...cards.querySelectorAll("h2 a")] };
}

function fill(select, agents, chosen) {
  const name = select.dataset.name;
  const values = new Set(agents.map((agent) => (name === "status" ? statusOf(agent) : agent[name])).filter(Boolean));
  if (chosen) values.add(chosen);
  const options = [["", `every ${name}`], ...[...values].sort().map((value) => [value, value])];
  select.replaceChildren(...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
}

function card(agent, now) {
  const status = statusOf(agent);
  const seen = duration(secondsBetween(agent.last_heartbeat, now));
  const identity = [agent.machine, agent.role, agent.project, agent.model].filter(Boolean).join(" · ");
  const { count } = agent.waiting;
  return el(
    "li",
    { class: "card agent", data: { agent: agent.name, status } },
    el("h2", {}, el("a", { href: `#/agent/${encodeURIComponent(agent.name)}` }, agent.name)),
    el("p", { class: "status" }, el("span", { class: "badge" }, status), agent.status !== status && agent.online ? ` ${agent.status}` : "", agent.online && agent.state_since ? ` for ${duration(secondsBetween(agent.state_since, now))}` : ""),
    el("p", { class: "identity" }, identity || "no identity given"),
    agent.current_task && el("p", { class: "task" }, agent.current_task),
    agent.progress !== null && el("progress", { max: 1, value: agent.progress, "aria-label": "progress" }),
    agent.stuck && el("p", { class: "stuck" }, `Stuck: ${agent.stuck.detail}`),
    el("p", { class: "facts" }, agent.online ? `last sign of life ${seen} ago` : `offline for ${seen}`),
    count > 0 && el("p", { class: "waiting" }, `${count >= 1000 ? "1000+" : count} unread for it, the oldest from ${clock(agent.waiting.oldest_ts)}`),
    agent.last_words && el("blockquote", {}, el("span", { class: "where" }, `${agent.last_words.channel} `), agent.last_words.content),
  );
}
