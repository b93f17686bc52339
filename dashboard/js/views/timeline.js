// The incident timeline: messages, changes of state, arrivals and losses of the chosen agents and channels on one time
// axis. The address has the whole choice, to share.

import { el, put, svg } from "../ui/dom.js";
import { clock, localInput, minute, secondsBetween } from "../ui/format.js";
import { identicon } from "../ui/identicon.js";
import { legend, picture, ticks } from "../ui/strip.js";
import { chosenNames } from "../model/fleet.js";
import { events, names, rowsOf, words } from "../model/incident.js";
import { oneLine } from "../model/state.js";
import * as hub from "../wire/hub.js";
import { filterChips } from "./filters.js";
import { routeTo } from "../route.js";

const HOUR_MS = 60 * 60 * 1000;
const EVERY_MS = 15_000;
/** The most lanes, pages of messages and lines of the list; the page says what was cut. */
const LANES_MAX = 30;
const PAGES_MAX = 8;
const PAGE = 500;
const LINES_MAX = 400;

/** @param {import("../../types.js").Given} given @returns {import("../../types.js").View} */
export function timeline({ params, go, onError }) {
  const view = new Timeline(params, go, onError);
  const { element } = view;
  const load = () => view.load();
  return {
    element,
    update: (state) => view.update(state),
    tick: load,
    shown: load,
    items: () => [...element.querySelectorAll("a.name")],
  };
}

class Timeline {
  askedAt = 0;
  /** @type {import("../../types.js").State | null} */
  state = null;

  constructor(params, go, onError) {
    this.params = params;
    this.onError = onError;
    this.form = form(params, go);
    this.note = el("p", { class: "quiet", role: "status" }, "loading");
    this.lanes = el("ul", { class: "rows lanes", "aria-label": "agents" });
    this.list = el("ol", { class: "events", "aria-label": "events" });
    this.element = el(
      "section",
      { "aria-labelledby": "timeline-title" },
      el("h1", { id: "timeline-title" }, "Incident timeline"),
      this.form,
      filterChips("incident-timeline", params),
      this.note,
      this.lanes,
      legend(),
      el("h2", {}, "Events"),
      this.list,
    );
  }

  update(state) {
    const isFirst = this.state === null;
    this.state = state;
    if (isFirst) suggest(this.form, state);
  }

  get isLive() {
    return !this.params.to;
  }

  async load() {
    if (Date.now() - this.askedAt < EVERY_MS || (this.askedAt > 0 && !this.isLive)) return;
    this.askedAt = Date.now();
    try {
      const { params, state } = this;
      if (!state) return;
      const until = params.to ?? state.now ?? new Date().toISOString();
      const since = params.from ?? new Date(Date.parse(until) - HOUR_MS).toISOString();
      const named = names(params.agents);
      const chosen = named.length > 0 ? named : [...(chosenNames(state.agents, params) ?? [])];
      const wanted = { agents: chosen, channels: names(params.channels) };
      const [rows, isWhole] = await messages(since, until);
      const shown = rowsOf(rows, wanted);
      const lanes = wanted.agents.length > 0 ? wanted.agents : speakers(shown, state.agents);
      const drawn = lanes.slice(0, LANES_MAX);
      const spans = await Promise.all(drawn.map((name) => hub.timeline(name, { since, until })));
      this.draw(Object.fromEntries(drawn.map((name, at) => [name, spans[at]])), shown, { since, until });
      const cut = [
        lanes.length > drawn.length && `${lanes.length - drawn.length} more agents: choose some`,
        !isWhole && `only the first ${PAGES_MAX * PAGE} messages: choose a shorter time`,
      ].filter(Boolean);
      this.note.textContent = [`${clock(since)} to ${clock(until)}`, ...cut].join(" · ");
    } catch (error) {
      this.askedAt = 0;
      this.note.textContent = "Could not be loaded yet; trying again.";
      this.onError(error);
    }
  }

  draw(states, rows, { since, until }) {
    const lanes = Object.entries(states).map(([name, spans]) => lane(name, spans, rows, { since, until }));
    this.lanes.replaceChildren(...lanes, el("li", {}, ticks(since, until)));
    const all = events(states, rows, { since, until });
    const shown = all.slice(-LINES_MAX).reverse();
    const more = all.length - shown.length;
    put(this.list, [
      ...shown.map(line),
      ...(more > 0 ? [el("li", { class: "empty" }, `${more} earlier events: choose a shorter time.`)] : []),
      ...(all.length === 0 ? [el("li", { class: "empty" }, "Nothing happened in this time.")] : []),
    ]);
  }
}

/** The agents that sent messages, after those that need a person. */
function speakers(rows, agents) {
  const urgent = [...agents.values()].filter(({ lost, stuck, status }) => lost || stuck || status === "error");
  return [...new Set([...urgent.map(({ name }) => name), ...rows.map(({ sender }) => sender)])];
}

/** The messages of a time span, and whether they are complete. */
async function messages(since, until) {
  const rows = [];
  let page = await hub.recent({ since, limit: PAGE });
  for (let pages = 1; ; pages += 1) {
    rows.push(...page.filter(({ ts }) => Date.parse(ts) <= Date.parse(until)));
    const last = page.at(-1);
    if (page.length < PAGE || Date.parse(last.ts) > Date.parse(until)) return [rows, true];
    if (pages >= PAGES_MAX) return [rows, false];
    page = await hub.recent({ after: last.seq, limit: PAGE });
  }
}

/** One agent's lane: its states as a strip, and a dot for each of its messages, which links to it. */
function lane(name, spans, rows, { since, until }) {
  const all = secondsBetween(since, until);
  const own = rows.filter(({ sender }) => sender === name);
  const dots = own.map(({ seq, ts, channel, content }) => {
    const dot = svg("circle", { cx: (secondsBetween(since, ts) / all) * 1000, cy: 5, r: 4 });
    const words = `${clock(ts)} ${channel}: ${oneLine(content).slice(0, 80)}`;
    return svg(
      "a",
      { href: routeTo(["feed"], { seq }), "aria-label": words, tabindex: "-1" },
      svg("title", {}, words),
      dot,
    );
  });
  const attributes = { viewBox: "0 0 1000 10", preserveAspectRatio: "none", role: "group", class: "dots" };
  return el(
    "li",
    {},
    el("span", { class: "label" }, identicon(name), el("a", { class: "name", href: routeTo(["agent", name]) }, name)),
    el(
      "div",
      { class: "lane" },
      picture(spans, since, until, `states of ${name}`, { agent: name }),
      svg("svg", { ...attributes, "aria-label": `${own.length} messages of ${name}` }, ...dots),
    ),
  );
}

function line(event) {
  const { ts, kind, agent, row, state } = event;
  const text =
    row && el("a", { href: routeTo(["feed"], { seq: row.seq }) }, oneLine(row.content) || `message ${row.seq}`);
  return el(
    "li",
    { data: { kind, state: state ?? null } },
    el("time", { datetime: ts }, clock(ts)),
    identicon(agent),
    el("a", { class: "sender", href: routeTo(["agent", agent], { at: ts }) }, agent),
    el("span", {}, ` ${words(event)}${row ? ": " : ""}`, text),
  );
}

function form(params, go) {
  const text = (name, label, value, list) => {
    const input = el("input", { id: `timeline-${name}`, name, list, placeholder: "all" });
    input.value = value ?? "";
    return el("p", {}, el("label", { for: input.id }, label), input, el("datalist", { id: list }));
  };
  const time = (name, label, value) => {
    const input = el("input", { id: `timeline-${name}`, name, type: "datetime-local", step: "60" });
    input.value = value && !Number.isNaN(Date.parse(value)) ? localInput(new Date(value)) : "";
    return el("p", {}, el("label", { for: input.id }, label), input);
  };
  const submit = (event) => {
    event.preventDefault();
    const { agents, channels, from, to } = Object.fromEntries(new FormData(event.target));
    const iso = (value) => (value ? new Date(String(value)).toISOString() : "");
    go({
      ...params,
      agents: names(agents).join(","),
      channels: names(channels).join(","),
      from: iso(from),
      to: iso(to),
    });
  };
  return el(
    "form",
    { class: "search", "aria-label": "What to show", onsubmit: submit },
    text("agents", "Agents", params.agents, "timeline-agents-known"),
    text("channels", "Channels", params.channels, "timeline-channels-known"),
    time("from", "From", params.from),
    time("to", "To (empty: now)", params.to),
    el("button", { type: "submit" }, "Show"),
    el("span", { class: "quiet" }, params.from ? "" : `the last hour, to ${minute(new Date())}`),
  );
}

function suggest(form, state) {
  for (const [name, known] of [
    ["agents", state.agents],
    ["channels", state.channels],
  ]) {
    const options = [...known.keys()].sort().map((value) => el("option", { value }));
    form.querySelector(`#timeline-${name}-known`).replaceChildren(...options);
  }
}
