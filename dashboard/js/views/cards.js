// Agents as cards, each with its last words.

import { el, morphItems, put } from "../ui/dom.js";
import { ago } from "../ui/format.js";
import { identicon } from "../ui/identicon.js";
import { picture, shares } from "../ui/strip.js";
import { elementsOf, needs, reach, statusLine, task } from "./standing.js";
import { statusOf } from "../model/status.js";
import { routeTo } from "../route.js";

/** Draws groups of agents into `place`. */
export function cards(place, groups, { now, states }) {
  const known = new Map([...place.children].map((section) => [section.dataset.group, section]));
  const sections = groups.map(([name, agents]) => {
    const isKept = known.get(name)?.querySelector(":scope > .cards");
    const section = isKept ? known.get(name) : group(name);
    const list = section.querySelector(".cards");
    morphItems(
      list,
      elementsOf(list, agents, [now, states], (agent) => card(agent, now, states)),
      (item) => item.dataset.agent,
    );
    return section;
  });
  put(place, sections);
}

function group(name) {
  return el(
    "section",
    { data: { group: name } },
    name && el("h2", { class: "group" }, name),
    el("ul", { class: "cards" }),
  );
}

/** The strip of an agent's last hour, or nothing if the hub has none. */
export function lately(name, states) {
  // Agents choose their names: one may be the name of a property that every object has.
  const spans = states && Object.hasOwn(states.agents, name) ? states.agents[name] : null;
  return spans && picture(spans, states.since, states.until, `the last hour: ${shares(spans)}`);
}

/** A button that dismisses an agent's loss in this browser, or undoes that. */
export function dismissButton(agent) {
  if (agent.online || !agent.lost) return null;
  const { name, isDismissed } = agent;
  const data = { lost: name, since: isDismissed ? "" : agent.lost.since };
  const [word, label, title] = isDismissed
    ? ["Undo", `Count ${name} as lost again`, "You dismissed this loss: count it again"]
    : ["Dismiss", `Dismiss the loss of ${name}`, "Do not count this loss any more, in this browser; can be undone"];
  return el("button", { type: "button", class: "dismiss", data, "aria-label": label, title }, word);
}

/** Handles a press on such a button. */
export function pressedDismiss(event, dismiss) {
  const { lost, since } = event.target.closest(".dismiss")?.dataset ?? {};
  if (lost) dismiss(lost, since);
}

function card(agent, now, states) {
  const who = [agent.machine, agent.role, agent.project, agent.model].filter(Boolean).join(" · ");
  const reached = agent.reach ? [who && " · ", "reach: ", reach(agent)] : [];
  const name = el("a", { class: "name", href: routeTo(["agent", agent.name]) }, agent.name);
  return el(
    "li",
    { class: "card agent", data: { agent: agent.name, status: statusOf(agent) } },
    el("h2", {}, identicon(agent.name), name),
    statusLine(agent, now),
    needs(agent, now),
    dismissButton(agent),
    task(agent),
    (who || agent.reach) && el("p", { class: "identity" }, who, reached),
    lately(agent.name, states),
    agent.last_words &&
      el("blockquote", {}, el("span", { class: "where" }, where(agent, now)), agent.last_words.content),
  );
}

function where({ last_words: { channel, ts } }, now) {
  const place = channel.startsWith("@") ? channel : el("a", { href: routeTo(["feed"], { channel }) }, channel);
  return [place, `, ${ago(ts, now)}: `];
}
