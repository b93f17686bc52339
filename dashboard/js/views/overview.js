// Agents as cards, those that need a person first.

import { el, morphItems } from "../ui/dom.js";
import { ago, routeTo, statusOf } from "../ui/format.js";
import * as hub from "../wire/hub.js";
import { isMissed, sorted } from "../model/state.js";
import { picture, shares } from "../ui/strip.js";
import { needs, statusLine, task } from "./standing.js";

const FILTERS = ["project", "machine", "role", "status"];
const SORTS = [
  ["status", "sorted by need"],
  ["name", "sorted by name"],
  ["project", "sorted by project"],
  ["machine", "sorted by machine"],
  ["role", "sorted by role"],
];
const STRIPS_EVERY_MS = 30_000;
/** Messages change cards too: however many come, cards are drawn anew so often. */
const DRAW_EVERY_MS = 200;

/** The agents' last hour, kept over pages: without it cards would grow a moment after one came back. */
let known = null;

export function overview({ params, go, onError, dismiss }) {
  const view = new Overview(params, go, onError, dismiss);
  return {
    element: view.element,
    update: (state) => view.update(state),
    tick: () => view.load(),
    shown: () => view.load(),
    items: () => [...view.cards.querySelectorAll("h2 a")],
  };
}

class Overview {
  /** What was drawn last: status changes redraw, messages do not. */
  drawn = null;
  /** `{since, until, agents}` as the hub had it; to begin with, what was there when one was here before. */
  states = known;
  askedAt = 0;

  constructor(params, go, onError, dismiss) {
    Object.assign(this, { params, onError });
    const choose = (name) => (event) => go({ ...params, [name]: event.target.value }, { isStep: false });
    this.summary = el("p", { class: "summary" });
    this.filters = FILTERS.map((name) =>
      el("select", { "aria-label": `Filter by ${name}`, data: { name }, onchange: choose(name) }),
    );
    const options = SORTS.map(([value, text]) =>
      el("option", { value, selected: value === (params.sort ?? "status") }, text),
    );
    const sort = el("select", { "aria-label": "Sort", onchange: choose("sort") }, options);
    const pressed = ({ target }) => {
      const { lost, since } = target.closest(".dismiss")?.dataset ?? {};
      if (lost) dismiss(lost, since);
    };
    this.cards = el("ul", { class: "cards", onclick: pressed });
    const head = [
      el("h1", { id: "overview-title" }, "Agents"),
      this.summary,
      el("div", { class: "filters" }, this.filters, sort),
    ];
    this.element = el("section", { "aria-labelledby": "overview-title" }, head, this.cards);
  }

  async load() {
    if (Date.now() - this.askedAt < STRIPS_EVERY_MS) return;
    this.askedAt = Date.now();
    try {
      this.states = known = await hub.states("hour");
    } catch (error) {
      this.askedAt = 0;
      this.onError(error);
    }
  }

  /** Draws at once when the page opens; later changes are drawn together. */
  update(state) {
    this.state = state;
    if (this.drawn === null) return this.redraw();
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.redraw();
    }, DRAW_EVERY_MS);
  }

  redraw() {
    const { state } = this;
    const now = [state.agents, state.now, this.states];
    if (this.drawn?.every((value, at) => value === now[at])) return;
    this.drawn = now;
    const { params } = this;
    const agents = [...state.agents.values()];
    for (const select of this.filters) fill(select, agents, params[select.dataset.name] ?? "");
    const value = (agent, name) => (name === "status" ? statusOf(agent) : agent[name]);
    const shown = agents.filter((agent) =>
      FILTERS.every((name) => !params[name] || value(agent, name) === params[name]),
    );
    const part = shown.length < agents.length ? `; ${shown.length} of ${agents.length} are shown` : "";
    this.summary.textContent = summary(agents) + part;
    this.draw(sorted(shown, params.sort ?? "status", statusOf), state.now);
  }

  draw(agents, now) {
    const cards = agents.map((agent) => card(agent, now, this.states));
    morphItems(this.cards, cards, (item) => item.dataset.agent);
  }
}

/** "4 online: 1 stuck, 3 busy; 1 offline with messages waiting": but the first, only numbers that are not none. */
function summary(agents) {
  if (agents.length === 0) return "No agent has registered yet.";
  const count = (status) => agents.filter((agent) => statusOf(agent) === status).length;
  const counts = [
    [count("stuck"), "stuck"],
    [count("error"), "in error"],
    [count("blocked"), "blocked"],
    [count("busy"), "busy"],
    [count("idle"), "idle"],
  ];
  const given = counts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  const all = `${agents.filter((agent) => agent.online).length} online`;
  const online = given.length > 0 ? `${all}: ${given.join(", ")}` : all;
  const missed = agents.filter(isMissed).length;
  const lost = count("lost");
  const away = [lost > 0 && `${lost} lost`, missed > 0 && `${missed} offline with messages waiting`].filter(Boolean);
  return [online, ...away].join("; ");
}

function fill(select, agents, chosen) {
  const name = select.dataset.name;
  const values = new Set(agents.map((agent) => (name === "status" ? statusOf(agent) : agent[name])).filter(Boolean));
  if (chosen) values.add(chosen);
  const options = [["", `every ${name}`], ...[...values].sort().map((value) => [value, value])];
  // One that is open would be closed by new options.
  if (options.map(([value]) => value).join("\n") === [...select.options].map((option) => option.value).join("\n"))
    return;
  select.replaceChildren(...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
}

function lately(name, states) {
  // Names are chosen elsewhere: one may be that of something every object has.
  const spans = states && Object.hasOwn(states.agents, name) ? states.agents[name] : null;
  return spans && picture(spans, states.since, states.until, `the last hour: ${shares(spans)}`);
}

function card(agent, now, states) {
  const identity = [agent.machine, agent.role, agent.project, agent.model].filter(Boolean).join(" · ");
  return el(
    "li",
    { class: "card agent", data: { agent: agent.name, status: statusOf(agent) } },
    el("h2", {}, el("a", { href: routeTo(["agent", agent.name]) }, agent.name)),
    statusLine(agent, now),
    needs(agent, now),
    agent.lost && !agent.isDismissed && dismissButton(agent),
    task(agent),
    el("p", { class: "identity" }, identity || "no identity given"),
    agent.online && el("p", { class: "sign" }, `last sign of life ${ago(agent.last_heartbeat, now)}`),
    lately(agent.name, states),
    agent.last_words &&
      el("blockquote", {}, el("span", { class: "where" }, where(agent, now)), agent.last_words.content),
  );
}

function dismissButton({ name, lost }) {
  return el("button", { type: "button", class: "dismiss", data: { lost: name, since: lost.since } }, "Dismiss");
}

function where({ last_words: { channel, ts } }, now) {
  const place = channel.startsWith("@") ? channel : el("a", { href: routeTo(["feed"], { channel }) }, channel);
  return [place, `, ${ago(ts, now)}: `];
}
