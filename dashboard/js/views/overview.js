// All agents, those that need a person first: as cards, or from twenty agents on as a compact table.

import { el, morph, painted } from "../ui/dom.js";
import * as hub from "../wire/hub.js";
import { figures, grouped, GROUPS, passes, sorted, STATUS_WORDS } from "../model/fleet.js";
import { cards, pressedDismiss } from "./cards.js";
import { FilterFields } from "./filters.js";
import { table } from "./table.js";
import { waitsPanel } from "./waits.js";
import { welcome } from "./welcome.js";
import { routeTo } from "../route.js";

const SORTS = [
  ["status", "by need"],
  ["name", "by name"],
  ["since", "by how long"],
  ["unread", "by unread"],
  ["progress", "by progress"],
];
const STRIPS_EVERY_MS = 30_000;
/** Messages change agents too: however many come, the page is redrawn at most this often. */
const DRAW_EVERY_MS = 200;
/** From this many agents on, the table is the default. */
const TABLE_FROM = 20;
/** The most agents that are drawn. Thousands that have left are counted, and found with a filter. */
const DRAWN_MAX = 200;
/** The agents of the first drawing: more than a window holds. */
const DRAWN_FIRST = 60;

/** The agents' last hour, kept across pages. Without it, cards would grow a moment after Back. */
let known = null;

/** @param {import("../../types.js").Given} given @returns {import("../../types.js").View} */
export function overview({ params, go, onError, dismiss }) {
  const view = new Overview(params, go, onError, dismiss);
  return {
    element: view.element,
    update: (state) => view.update(state),
    tick: () => view.load(),
    shown: () => view.shown(),
    items: () => [...view.list.querySelectorAll("a.name")],
    end: () => view.end(),
  };
}

class Overview {
  /** @type {unknown[] | null} The inputs of the last drawing: changes of status redraw. */
  drawn = null;
  /** `{since, until, agents}` from the hub; at first, those of the last visit. */
  states = known;
  askedAt = 0;
  drawnMax = DRAWN_FIRST;
  /** @type {number | undefined} */
  timer;
  /** @type {import("../../types.js").State | null} */
  state = null;

  constructor(params, go, onError, dismiss) {
    this.params = params;
    this.go = go;
    this.onError = onError;
    const set = (name) => (event) => go({ ...params, [name]: event.target.value }, { isStep: false });
    this.summary = el("ul", { class: "summary", "aria-label": "summary" });
    this.fields = new FilterFields(params, go);
    const group = choice(
      "Group",
      [["", "no groups"], ...GROUPS.map((key) => [key, `by ${key}`])],
      params.group,
      set("group"),
    );
    const sort = choice("Sort", SORTS, params.sort ?? "status", set("sort"));
    this.views = el("span", { class: "switch", role: "group", "aria-label": "view" });
    const pressed = (event) => {
      pressedDismiss(event, dismiss);
      openRow(event);
    };
    this.list = el("div", { class: "agents", onclick: pressed });
    this.waits = el("aside", { class: "waits", hidden: true });
    this.note = el("p", { class: "quiet", role: "status" });
    this.welcome = el("div", {});
    this.controls = el("div", { class: "filters" }, this.fields.elements, group, sort, this.views);
    this.element = el(
      "section",
      { class: "overview", "aria-labelledby": "overview-title" },
      el("div", { class: "heading" }, el("h1", { id: "overview-title" }, "Agents"), this.summary),
      this.controls,
      this.welcome,
      el("div", { class: "beside" }, el("div", {}, this.list, this.note), this.waits),
    );
  }

  /** Loads the parts that are not visible at first. */
  async shown() {
    await painted();
    this.drawnMax = DRAWN_MAX;
    if (this.state && this.state.agents.size > DRAWN_FIRST) {
      this.drawn = null;
      this.redraw();
    }
    await this.load();
  }

  async load() {
    if (Date.now() - this.askedAt < STRIPS_EVERY_MS) return;
    this.askedAt = Date.now();
    try {
      this.states = known = await hub.states("hour");
      if (this.state) this.update(this.state);
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
      this.timer = undefined;
      this.redraw();
    }, DRAW_EVERY_MS);
  }

  end() {
    clearTimeout(this.timer);
  }

  redraw() {
    const { state, params } = this;
    if (!state) return;
    const now = [state.agents, state.now, this.states];
    if (this.drawn?.every((value, at) => value === now[at])) return;
    this.drawn = now;
    const agents = [...state.agents.values()];
    const isEmpty = agents.length === 0 && state.now !== null;
    this.controls.hidden = isEmpty;
    morph(this.welcome, el("div", {}, isEmpty && welcome(state)));
    this.fields.update(agents);
    morph(this.summary, el("ul", { class: "summary", "aria-label": "summary" }, summary(agents, params)));
    const shown = sorted(
      agents.filter((agent) => passes(agent, params)),
      params.sort ?? "status",
    );
    const isTable = params.view ? params.view === "table" : agents.length >= TABLE_FROM;
    this.switchTo(isTable);
    const groups = grouped(shown.slice(0, this.drawnMax), params.group);
    const draw = isTable ? table : cards;
    draw(this.list, groups, { now: state.now, states: this.states });
    morph(this.waits, waitsPanel(state));
    this.note.textContent = note(agents.length, shown.length, state.more);
  }

  switchTo(isTable) {
    const { params } = this;
    const link = (view, text, isOn) =>
      el("a", { href: routeTo(["overview"], { ...params, view }), "aria-current": isOn ? "true" : null }, text);
    const links = [link("cards", "Cards", !isTable), link("table", "Table", isTable)];
    morph(this.views, el("span", { class: "switch", role: "group", "aria-label": "view" }, links));
  }
}

/** A press anywhere on a table's row follows the link of the name; a selection there stays. */
function openRow({ target }) {
  const row = target.closest("tr.agent");
  if (row && !target.closest("a, button") && String(getSelection()) === "") row.querySelector("a.name").click();
}

function choice(label, options, chosen, onchange) {
  const items = options.map(([value, text]) => el("option", { value, selected: value === (chosen ?? "") }, text));
  return el("select", { "aria-label": label, onchange }, items);
}

function note(all, shown, more) {
  const rest = shown > DRAWN_MAX ? `the first ${DRAWN_MAX} are drawn, a filter finds the others` : "";
  const match = shown < all || rest ? `${shown} of ${all} agents match` : "";
  const left = more > 0 ? `${more} more left long ago: open their pages by name` : "";
  return [match, rest, left].filter(Boolean).join("; ");
}

/** Figures that are filters; a second press removes the filter. */
function summary(agents, params) {
  if (agents.length === 0) return [];
  const online = agents.filter((agent) => agent.online).length;
  const all = [{ status: "here", count: online, words: STATUS_WORDS.here }, ...figures(agents)];
  return all.map(({ status, count, words }) => {
    const isOn = params.status === status;
    const href = routeTo(["overview"], { ...params, status: isOn ? "" : status });
    const attributes = { href, data: { status }, class: "figure", "aria-current": isOn ? "true" : null };
    return el("li", {}, el("a", attributes, el("b", {}, String(count)), ` ${words}`));
  });
}
