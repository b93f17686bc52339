// Agents as cards, those that need a person first.

import { el, put } from "../dom.js";
import { duration, secondsBetween, statusOf } from "../format.js";
import * as hub from "../hub.js";
import { isMissed, sorted } from "../state.js";
import { picture, shares } from "../strip.js";

const FILTERS = ["project", "machine", "role", "status"];
const SORTS = [["status", "sorted by need"], ["name", "sorted by name"], ["project", "sorted by project"], ["machine", "sorted by machine"], ["role", "sorted by role"]];
const STRIPS_EVERY_MS = 30_000;
/** Senders named on a card. */
const NAMES_MAX = 3;

export function overview({ params, go, onError }) {
  const view = new Overview(params, go, onError);
  return { element: view.element, update: (state) => view.update(state), tick: () => view.load(), shown: () => view.load(), items: () => [...view.cards.querySelectorAll("h2 a")] };
}

class Overview {
  /** What was drawn last: status changes redraw, messages do not. */
  drawn = null;
  /** `{since, until, agents}` as the hub has it. */
  states = null;
  askedAt = 0;

  constructor(params, go, onError) {
    Object.assign(this, { params, onError });
    const choose = (name) => (event) => go({ ...params, [name]: event.target.value });
    this.summary = el("p", { class: "summary" });
    this.filters = FILTERS.map((name) => el("select", { "aria-label": `Filter by ${name}`, data: { name }, onchange: choose(name) }));
    const options = SORTS.map(([value, text]) => el("option", { value, selected: value === (params.sort ?? "status") }, text));
    const sort = el("select", { "aria-label": "Sort", onchange: choose("sort") }, options);
    this.cards = el("ul", { class: "cards" });
    const head = [el("h1", { id: "overview-title" }, "Agents"), this.summary, el("div", { class: "filters" }, this.filters, sort)];
    this.element = el("section", { "aria-labelledby": "overview-title" }, head, this.cards);
  }

  async load() {
    if (Date.now() - this.askedAt < STRIPS_EVERY_MS) return;
    this.askedAt = Date.now();
    try {
      this.states = await hub.states("hour");
    } catch (error) {
      this.onError(error);
    }
  }

  update(state) {
    const now = [state.agents, state.now, this.states];
    if (this.drawn?.every((value, at) => value === now[at])) return;
    this.drawn = now;
    const { params } = this;
    const agents = [...state.agents.values()];
    for (const select of this.filters) fill(select, agents, params[select.dataset.name] ?? "");
    const value = (agent, name) => (name === "status" ? statusOf(agent) : agent[name]);
    const shown = agents.filter((agent) => FILTERS.every((name) => !params[name] || value(agent, name) === params[name]));
    const count = (status) => agents.filter((agent) => statusOf(agent) === status).length;
    const missed = agents.filter(isMissed).length;
    this.summary.textContent = agents.length
      ? `${agents.filter((agent) => agent.online).length} online, ${count("busy")} busy, ${count("stuck")} stuck, ${count("error")} in error${missed ? `, ${missed} offline with messages waiting` : ""}`
      : "No agent has registered yet.";
    this.draw(sorted(shown, params.sort ?? "status", statusOf), state.now);
  }

  draw(agents, now) {
    const focused = document.activeElement?.closest?.("[data-agent]")?.dataset.agent;
    const known = new Map([...this.cards.children].map((item) => [item.dataset.agent, item]));
    // A card that says the same stays: somebody may point at it.
    const same = (item) => (known.get(item.dataset.agent)?.isEqualNode(item) ? known.get(item.dataset.agent) : item);
    put(this.cards, agents.map((agent) => same(card(agent, now, this.states))));
    if (focused) this.cards.querySelector(`[data-agent="${CSS.escape(focused)}"] a`)?.focus();
  }
}

function fill(select, agents, chosen) {
  const name = select.dataset.name;
  const values = new Set(agents.map((agent) => (name === "status" ? statusOf(agent) : agent[name])).filter(Boolean));
  if (chosen) values.add(chosen);
  const options = [["", `every ${name}`], ...[...values].sort().map((value) => [value, value])];
  // One that is open would be closed by new options.
  if (options.map(([value]) => value).join("\n") === [...select.options].map((option) => option.value).join("\n")) return;
  select.replaceChildren(...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
}

function lately(name, states) {
  const spans = states?.agents[name];
  return spans && picture(spans, states.since, states.until, `the last hour: ${shares(spans)}`);
}

/** What it has not dealt with, from whom, and for how long. Of an agent that never says so one knows only what came since it spoke. */
function waiting({ waiting: { count, from, oldest_ts }, cursor }, page, now) {
  const many = count >= 1000 ? "1000+" : count;
  const what = cursor === null ? `${many} unanswered` : `${many} unread`;
  const names = from.length > NAMES_MAX ? `${from.slice(0, NAMES_MAX).join(", ")} and others` : from.join(", ");
  return el("p", { class: "waiting" }, el("a", { href: page }, what), ` from ${names}, for ${duration(secondsBetween(oldest_ts, now))}`);
}

function card(agent, now, states) {
  const status = statusOf(agent);
  const since = agent.online && agent.state_since ? ` for ${duration(secondsBetween(agent.state_since, now))}` : "";
  const seen = duration(secondsBetween(agent.last_heartbeat, now));
  const identity = [agent.machine, agent.role, agent.project, agent.model].filter(Boolean).join(" · ");
  const { count } = agent.waiting;
  const page = `#/agent/${encodeURIComponent(agent.name)}`;
  return el(
    "li",
    { class: "card agent", data: { agent: agent.name, status } },
    el("h2", {}, el("a", { href: page }, agent.name)),
    el("p", { class: "status" }, el("span", { class: "badge", title: agent.stuck?.detail ?? null }, status), agent.status !== status && agent.online ? ` ${agent.status}` : "", since),
    el("p", { class: "identity" }, identity || "no identity given"),
    agent.current_task && el("p", { class: "task" }, agent.current_task),
    agent.progress !== null && el("progress", { max: 1, value: agent.progress, "aria-label": "progress" }),
    agent.stuck && el("p", { class: "stuck" }, `Stuck: ${agent.stuck.detail}`),
    el("p", { class: "facts" }, agent.online ? `last sign of life ${seen} ago` : `offline for ${seen}`),
    count > 0 && waiting(agent, page, now),
    lately(agent.name, states),
    agent.last_words && el("blockquote", {}, el("span", { class: "where" }, `${agent.last_words.channel} `), agent.last_words.content),
  );
}
