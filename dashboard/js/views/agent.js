// One agent: its facts, its waiting messages, the messages from and to it.

import { ticks } from "../ui/strip.js";
import { el, morph, put } from "../ui/dom.js";
import { ago } from "../ui/format.js";
import { identicon } from "../ui/identicon.js";
import * as hub from "../wire/hub.js";
import { legend, strip } from "../ui/strip.js";
import { messageRow, openDetails, openInFeed, refreshVisible } from "./message.js";
import { dismissButton, pressedDismiss } from "./cards.js";
import { needs, reach, statusLine, task } from "./standing.js";
import { statusOf } from "../model/status.js";
import { routeTo } from "../route.js";

/** @typedef {import("../../types.js").State} State */
/** @typedef {import("../../types.js").Agent} Agent */
/** @typedef {import("../../types.js").Row} Row */

const DAY_MS = 24 * 60 * 60 * 1000;

/** The shortest time between two requests. */
const EVERY_MS = 4000;
/** Messages under "Lately". */
const LATELY = 50;

/** @param {import("../../types.js").Given} given @returns {import("../../types.js").View} */
export function agentPage({ name, params, onError, dismiss }) {
  const view = new AgentPage(name, params.at, onError, dismiss);
  return {
    element: view.element,
    update: (state) => view.update(state),
    tick: () => view.load(),
    shown: () => view.load(),
    items: () => [...view.element.querySelectorAll(".message")],
    chosen: openInFeed,
    keys: { i: () => openDetails(document.activeElement) },
  };
}

class AgentPage {
  /** @type {Row[]} Messages from and to it, as the hub returned them. */
  said = [];
  /** @type {State | null} */
  state = null;
  /** @type {Agent | null} The agent, if the overview does not list it. */
  found = null;
  isLoading = false;
  askedAt = 0;

  constructor(name, at, onError, dismiss) {
    this.name = name;
    this.at = at;
    this.onError = onError;
    const pressed = (event) => pressedDismiss(event, dismiss);
    this.standing = el("div", { class: "agent standing", onclick: pressed });
    this.facts = el("dl", { class: "facts" });
    this.day = el("section", { class: "day" }, el("h2", {}, this.at ? "The day around that time" : "The last day"));
    this.waiting = new List("Addressed to it and unread", "");
    this.about = new List("Messages from and to it, newest first", "No messages yet.");
    this.element = el(
      "section",
      { "aria-labelledby": "agent-title" },
      el("h1", { id: "agent-title" }, identicon(name), name),
      this.standing,
      this.facts,
      this.waiting.element,
      this.day,
      this.about.element,
    );
  }

  async load() {
    const { name } = this;
    if (this.isLoading || Date.now() - this.askedAt < EVERY_MS) return;
    this.isLoading = true;
    this.askedAt = Date.now();
    try {
      // A name that only posts has never registered, and nothing waits for it.
      const unread = hub.waiting(name).catch((error) => (error.status === 404 ? [] : Promise.reject(error)));
      const asked = [unread, hub.saidByOrTo(name, LATELY), hub.timeline(name, around(this.at))];
      const [waiting, said, spans] = await Promise.all(asked);
      const { state } = this;
      if (state && !state.agents.has(name) && state.more > 0) {
        this.found = (await hub.agent(name)).agents[0] ?? null;
        this.update(state);
      }
      this.showWaiting(waiting);
      this.said = said;
      this.drawSaid();
      this.day.replaceChildren(
        this.day.firstChild,
        ...(spans.length ? day(spans, this.at) : [el("p", { class: "empty" }, "No record in this time.")]),
      );
      refreshVisible(this.element, state?.gitea);
    } catch (error) {
      this.onError(error);
    }
    this.isLoading = false;
  }

  /** Shows the waiting messages. The heading says what is counted: not every agent reports what it has read. */
  showWaiting(messages) {
    const agent = this.state?.agents.get(this.name) ?? this.found;
    const { title, empty } = waitingWords(agent);
    const [shown, all] = [messages.length, Math.max(agent?.waiting.count ?? 0, messages.length)];
    const count = all === 0 ? "" : all > shown ? `: ${all}, the first ${shown}` : `: ${all}`;
    this.waiting.name(title, empty);
    this.waiting.show(messages, count);
  }

  update(state) {
    this.state = state;
    const agent = state.agents.get(this.name) ?? this.found;
    const now = state.now;
    const standing = agent
      ? [statusLine(agent, now), needs(agent, now), dismissButton(agent), task(agent)]
      : [
          el(
            "p",
            { class: "empty" },
            `No agent called ${this.name} has registered. `,
            el("a", { href: "#/overview" }, "All agents"),
          ),
        ];
    const data = agent ? { status: statusOf(agent) } : {};
    morph(this.standing, el("div", { class: "agent standing", data }, standing.flat()));
    const given = agent ? facts(agent, now).filter(([, value]) => value) : [];
    const pairs = given.map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value)));
    morph(this.facts, el("dl", { class: "facts" }, pairs));
    this.drawSaid();
  }

  /** Draws the hub's messages and newer ones. */
  drawSaid() {
    const { name, said } = this;
    const last = said.at(-1)?.seq ?? 0;
    const isAbout = (row) =>
      row.seq > last && (row.sender === name || row.channel === `@${name}` || row.mentions?.includes(name));
    this.about.show([...said, ...(this.state?.messages ?? []).filter(isAbout)].slice(-LATELY).reverse());
  }
}

/** Messages below a heading; unchanged rows stay. */
class List {
  constructor(title, empty) {
    this.title = title;
    this.empty = empty;
    this.rows = el("ol", { class: "messages", "aria-label": title });
    this.heading = el("h2", {}, title);
    this.element = el("section", {}, this.heading, this.rows);
    this.rows.append(el("li", { class: "empty" }, "Loading"));
  }

  name(title, empty) {
    this.title = title;
    this.empty = empty;
    this.rows.setAttribute("aria-label", title);
  }

  show(messages, count = "") {
    this.heading.textContent = this.title + count;
    const known = new Map([...this.rows.children].map((item) => [item.dataset.seq, item]));
    const items = messages.map((row) => known.get(String(row.seq)) ?? messageRow(row));
    put(this.rows, items.length ? items : [el("li", { class: "empty" }, this.empty)]);
  }
}

/** The words of the list of waiting messages, `{title, empty}`; null means an agent that never registered. Pure. */
export function waitingWords(agent) {
  const what = "mentions and direct messages";
  if (agent && agent.cursor !== null)
    return { title: `Unread ${what}`, empty: `It has read all ${what} that were addressed to it.` };
  const why = agent ? "it does not report what it has read" : "it has never registered";
  return {
    title: `Unanswered ${what}`,
    empty: `Nothing was addressed to it since it last spoke. What it has read is not known: ${why}.`,
  };
}

/** The day around a time, as query parameters; empty without a time. */
function around(at) {
  const time = Date.parse(at ?? "");
  if (Number.isNaN(time)) return {};
  const until = new Date(Math.min(Date.now(), time + DAY_MS / 2));
  return { since: new Date(until.getTime() - DAY_MS).toISOString(), until: until.toISOString() };
}

/** The day that ends with the hub's answer, by the hub's clock; `at` is a time to mark. */
function day(spans, at) {
  const { until } = spans.at(-1);
  const since = new Date(Date.parse(until) - DAY_MS).toISOString();
  const [picture, states] = strip(spans, since, until, at);
  return [picture, ticks(since, until), legend(), states];
}

function seen(cursor) {
  if (cursor === null) return "not reported";
  return cursor === 0 ? "nothing yet" : el("a", { href: routeTo(["feed"], { seq: cursor }) }, `message ${cursor}`);
}

function facts(agent, now) {
  return [
    ["Machine", agent.machine],
    ["Role", agent.role],
    ["Project", agent.project],
    ["Model", agent.model],
    ["Reach", reach(agent)],
    [
      "Channels",
      agent.channels.flatMap((channel, at) => [
        at > 0 && ", ",
        el("a", { href: routeTo(["feed"], { channel }) }, channel),
      ]),
    ],
    ["Last sign of life", ago(agent.last_heartbeat, now)],
    ["Last read", seen(agent.cursor)],
  ];
}
