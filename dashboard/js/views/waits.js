// The waits between agents: a list, the agent with the most waiters first, and a graph.

import { el, svg } from "../ui/dom.js";
import { duration, secondsBetween } from "../ui/format.js";
import { waits, waitsForPerson } from "../model/fleet.js";
import { routeTo } from "../route.js";

const SHOWN_MAX = 8;
const NAMED_MAX = 4;
const ROW = 22;
const WIDTH = 280;
const CAPTION = 16;

const agentLink = (name) => el("a", { href: routeTo(["agent", name]) }, name);

/** The section; hidden if nobody waits. */
export function waitsPanel(state) {
  const all = state.now ? waits(state.agents.values(), state.now) : [];
  const found = all.filter(({ waiters }) => waiters.length > 0);
  const blocked = waitsForPerson(state.agents.values());
  if (found.length + blocked.length === 0) return el("aside", { class: "waits", hidden: true });
  const shown = found.slice(0, SHOWN_MAX);
  return el(
    "aside",
    { class: "waits", "aria-labelledby": "waits-title" },
    el("h2", { id: "waits-title" }, "Who waits for whom"),
    blocked.length > 0 && el("p", { class: "person" }, person(blocked, state.now)),
    shown.length > 0 && el("p", { class: "quiet" }, "Agents that most others wait for come first."),
    el(
      "ol",
      { "aria-label": "who waits for whom" },
      shown.map((one) => el("li", { data: { blocker: one.name } }, sentence(one, state.now))),
    ),
    found.length > shown.length && el("p", { class: "quiet" }, `and ${found.length - shown.length} more`),
    graph(shown),
  );
}

/** "a, b, c and 2 others", as links. */
function listed(names) {
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} others` : "";
  return [names.slice(0, NAMED_MAX).flatMap((name, at) => [at > 0 && ", ", agentLink(name)]), more];
}

/** Blocked agents wait for a person, not for an agent. */
function person(blocked, now) {
  const wait = blocked.length === 1 ? "waits" : "wait";
  const longest = blocked[0].since && ` · for ${duration(secondsBetween(blocked[0].since, now))}`;
  const names = listed(blocked.map(({ name }) => name));
  return [names, ` ${wait} for `, el("strong", {}, "a person"), longest && el("span", { class: "quiet" }, longest)];
}

/** "planner, reviewer wait for night-shift". */
function sentence({ name, waiters, count, since }, now) {
  const many = count === 1 ? "1 message" : `${count} messages`;
  return [
    listed(waiters),
    waiters.length === 1 ? " waits for " : " wait for ",
    el("strong", {}, agentLink(name)),
    el("span", { class: "quiet" }, ` · ${many}, for ${duration(secondsBetween(since, now))}`),
  ];
}

/** The waiting agents on the left, those that they wait for on the right. */
function graph(found) {
  const right = found.filter(({ waiters }) => waiters.length > 0).slice(0, 6);
  const left = [...new Set(right.flatMap(({ waiters }) => waiters.slice(0, NAMED_MAX)))].slice(0, 12);
  if (left.length === 0) return null;
  const height = Math.max(left.length, right.length) * ROW;
  const place = (at, all) => CAPTION + ((at + 0.5) * height) / all.length;
  const edges = right.flatMap(({ name, waiters }, to) =>
    waiters
      .filter((waiter) => left.includes(waiter))
      .map((waiter) => {
        const [from, until] = [place(left.indexOf(waiter), left), place(to, right)];
        const d = `M92 ${from}C140 ${from} 140 ${until} 186 ${until}`;
        return svg("path", { d, class: "edge" }, svg("title", {}, `${waiter} waits for ${name}`));
      }),
  );
  const label = (name, x, y, anchor) =>
    svg("text", { x, y: y + 4, "text-anchor": anchor }, name.length > 14 ? `${name.slice(0, 13)}…` : name);
  return svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${CAPTION + height}`,
      class: "graph",
      role: "img",
      "aria-label": "graph of who waits for whom",
    },
    svg("text", { x: 88, y: 10, "text-anchor": "end", class: "caption" }, "who waits"),
    svg("text", { x: 190, y: 10, class: "caption" }, "for whom"),
    ...edges,
    ...left.map((name, at) => label(name, 88, place(at, left), "end")),
    ...right.map(({ name }, at) => label(name, 190, place(at, right), "start")),
  );
}
