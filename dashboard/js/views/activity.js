// What happened lately: how much was said and where, what each agent was in, and who spoke to whom.

import { bars, ticks } from "../ui/bars.js";
import { el } from "../ui/dom.js";
import { routeTo } from "../ui/format.js";
import * as hub from "../wire/hub.js";
import { legend, picture, shares } from "../ui/strip.js";

const WINDOWS = { hour: "The last hour, a bar a minute", day: "The last day, a bar each half hour" };
const EVERY_MS = 30_000;
/** Agents in the table; more would not be read. */
const AGENTS_MAX = 30;

export function activity({ params, onError }) {
  const window = params.window === "day" ? "day" : "hour";
  const links = Object.keys(WINDOWS).map((name) =>
    el("a", { href: `#/activity?window=${name}`, "aria-current": name === window ? "true" : null }, name),
  );
  const said = el("section", {}, el("h2", {}, WINDOWS[window]));
  const did = el("section", {}, el("h2", {}, "What each agent was in"));
  const who = el("section", {}, el("h2", {}, "Who spoke to whom"));
  const element = el(
    "section",
    { "aria-labelledby": "activity-title" },
    el("h1", { id: "activity-title" }, "Activity"),
    el("p", { class: "windows" }, links),
    said,
    did,
    who,
  );
  let askedAt = 0;
  const load = async () => {
    if (Date.now() - askedAt < EVERY_MS) return;
    askedAt = Date.now();
    try {
      const asked = [hub.activity(window), hub.states(window), hub.matrix(window)];
      const [timeline, states, pairs] = await Promise.all(asked);
      // Where the hub has not counted all of it yet, it counts on when it is asked again.
      if (Date.parse(timeline.complete_since) > Date.parse(timeline.since)) askedAt = 0;
      said.replaceChildren(said.firstChild, ...bars(timeline, WINDOWS[window]));
      did.replaceChildren(did.firstChild, ...strips(states));
      who.replaceChildren(who.firstChild, table(pairs));
    } catch (error) {
      askedAt = 0;
      if (said.children.length === 1) said.append(el("p", { class: "empty" }, "Could not be had yet; trying again."));
      onError(error);
    }
  };
  return { element, update: () => {}, tick: load, shown: load, items: () => [...did.querySelectorAll("a")] };
}

/** A strip for each agent, one under the other, so that what happened at once stands at one place. */
function strips({ since, until, agents }) {
  const all = Object.entries(agents).sort(([one], [other]) => one.localeCompare(other));
  if (all.length === 0) return [el("p", { class: "empty" }, "No agent was here.")];
  const rows = all.map(([name, spans]) =>
    el(
      "li",
      {},
      el("a", { href: routeTo(["agent", name]) }, name),
      picture(spans, since, until, `${name}: ${shares(spans)}`),
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
    return el(
      "td",
      { data: { share: count === 0 ? "0" : String(Math.ceil((count / most) * 4)) } },
      count === 0 ? "" : String(count),
    );
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
