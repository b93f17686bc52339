// Activity: the number of messages by time and channel, the states of agents, and who wrote to whom. Every picture is a
// link.

import { bars } from "../ui/bars.js";
import { el } from "../ui/dom.js";
import { identicon } from "../ui/identicon.js";
import { chosenNames } from "../model/fleet.js";
import * as hub from "../wire/hub.js";
import { legend, picture, shares, ticks } from "../ui/strip.js";
import { filterChips } from "./filters.js";
import { routeTo } from "../route.js";

const WINDOWS = { hour: "Messages per minute, last hour", day: "Messages per half hour, last day" };
const EVERY_MS = 30_000;
/** The most agents in the table; nobody would read more. */
const AGENTS_MAX = 30;

/** @param {import("../../types.js").Given} given @returns {import("../../types.js").View} */
export function activity({ params, onError }) {
  const window = params.window === "day" ? "day" : "hour";
  const links = Object.keys(WINDOWS).map((name) =>
    el(
      "a",
      { href: routeTo(["activity"], { ...params, window: name }), "aria-current": name === window ? "true" : null },
      name === "hour" ? "Last hour" : "Last day",
    ),
  );
  const said = el("section", {}, el("h2", {}, WINDOWS[window]));
  const did = el("section", {}, el("h2", {}, "Agent states"));
  const who = el("section", {}, el("h2", {}, "Who spoke to whom"));
  const element = el(
    "section",
    { "aria-labelledby": "activity-title" },
    el(
      "div",
      { class: "heading" },
      el("h1", { id: "activity-title" }, "Activity"),
      el("span", { class: "switch", role: "group", "aria-label": "time" }, links),
    ),
    filterChips("activity", params),
    said,
    did,
    who,
  );
  const hidden = new Set();
  let askedAt = 0;
  let names = null;
  let got = null;
  const draw = () => {
    if (!got) return;
    const [timeline, states, pairs] = got;
    const toggled = (name) => {
      if (!hidden.delete(name)) hidden.add(name);
      draw();
    };
    said.replaceChildren(said.firstChild, ...bars(timeline, WINDOWS[window], { hidden, toggled }));
    did.replaceChildren(did.firstChild, ...strips(states, names));
    who.replaceChildren(who.firstChild, table(pairs.filter(({ from, to }) => isChosen(names, from, to))));
  };
  const load = async () => {
    if (Date.now() - askedAt < EVERY_MS) return;
    askedAt = Date.now();
    try {
      got = await Promise.all([hub.activity(window), hub.states(window), hub.matrix(window)]);
      // If the hub has not counted everything yet, it continues with the next request.
      if (Date.parse(got[0].complete_since) > Date.parse(got[0].since)) askedAt = 0;
      draw();
    } catch (error) {
      askedAt = 0;
      if (said.children.length === 1)
        said.append(el("p", { class: "empty" }, "Could not be loaded yet; trying again."));
      onError(error);
    }
  };
  const update = (state) => (names = chosenNames(state.agents, params));
  return { element, update, tick: load, shown: load, items: () => [...did.querySelectorAll("a.name")] };
}

const isChosen = (names, from, to) => names === null || names.has(from) || names.has(to);

/** A strip for each agent, one below the other, so that simultaneous events are aligned. */
function strips({ since, until, agents }, names) {
  const all = Object.entries(agents)
    .filter(([name]) => names === null || names.has(name))
    .sort(([one], [other]) => one.localeCompare(other));
  if (all.length === 0) return [el("p", { class: "empty" }, "No agent was online in this time.")];
  const rows = all.map(([name, spans]) =>
    el(
      "li",
      {},
      el("span", { class: "label" }, identicon(name), el("a", { class: "name", href: routeTo(["agent", name]) }, name)),
      picture(spans, since, until, `${name}: ${shares(spans)}`, { agent: name }),
    ),
  );
  return [el("ul", { class: "rows", "aria-label": "agents" }, rows, el("li", {}, ticks(since, until))), legend()];
}

function table(pairs) {
  if (pairs.length === 0) return el("p", { class: "empty" }, "Nobody mentioned anybody.");
  const counts = new Map(pairs.map(({ from, to, count }) => [`${from} ${to}`, count]));
  const most = Math.max(...counts.values());
  const names = (key) => [...new Set(pairs.map((pair) => pair[key]))].sort().slice(0, AGENTS_MAX);
  const to = names("to");
  const cell = (from, name) => {
    const count = counts.get(`${from} ${name}`) ?? 0;
    const share = count === 0 ? "0" : String(Math.ceil((count / most) * 4));
    const title = `${count} from ${from} to ${name}`;
    const link = count > 0 && el("a", { href: routeTo(["direct", from, name]), title }, String(count));
    return el("td", { data: { share } }, link);
  };
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "from \\ to"),
    to.map((name) => el("th", { scope: "col" }, name)),
  );
  const rows = names("from").map((from) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, from),
      to.map((name) => cell(from, name)),
    ),
  );
  return el(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": "who spoke to whom" },
    el("table", { class: "matrix" }, el("thead", {}, head), el("tbody", {}, rows)),
  );
}
