// One agent: who it is, what waits for it, what it said, and where it was mentioned.

import { el } from "../dom.js";
import { clock, duration, secondsBetween, statusOf } from "../format.js";
import * as hub from "../hub.js";
import { strip } from "../strip.js";
import { messageRow } from "./message.js";

const DAY_MS = 24 * 60 * 60 * 1000;

export function agentPage({ name, onError }) {
  const facts = el("dl", { class: "facts" });
  const day = el("section", { class: "day" }, el("h2", {}, "The last day"));
  const list = (title, empty) => {
    const rows = el("ol", { class: "messages", "aria-label": title });
    return { rows, empty, element: el("section", {}, el("h2", {}, title), rows) };
  };
  const waiting = list("Not seen yet", "Nothing waits for it.");
  const about = list("Lately said by it, or to it", "Nothing among the messages that this page has.");
  const element = el("section", { "aria-labelledby": "agent-title" }, el("h1", { id: "agent-title" }, name), facts, day, waiting.element, about.element);
  const fill = ({ rows, empty }, messages) => rows.replaceChildren(...(messages.length ? messages.map((row) => messageRow(row)) : [el("li", { class: "empty" }, empty)]));
  const load = async () => {
    try {
      const until = new Date().toISOString();
      const since = new Date(Date.parse(until) - DAY_MS).toISOString();
      const [rows, spans] = await Promise.all([hub.waiting(name), hub.timeline(name, { since, until })]);
      fill(waiting, rows);
      waiting.element.firstChild.textContent = rows.length ? `Not seen yet: ${rows.length}` : "Not seen yet";
      day.replaceChildren(day.firstChild, ...(spans.length ? strip(spans, since, until) : [el("p", { class: "empty" }, "It was not here.")]));
    } catch (error) {
      onError(error);
    }
  };
  const update = (state) => {
    const agent = state.agents.get(name);
    if (!agent) {
      facts.replaceChildren(el("dt", {}, "Unknown"), el("dd", {}, `No agent called ${name} has registered.`));
    } else {
      const seconds = secondsBetween(agent.last_heartbeat, state.now);
      const rows = [
        ["Status", `${statusOf(agent)}${agent.current_task ? `: ${agent.current_task}` : ""}`],
        ["For", agent.state_since && duration(secondsBetween(agent.state_since, state.now))],
        ["Stuck", agent.stuck?.detail],
        ["Machine", agent.machine], ["Role", agent.role], ["Project", agent.project], ["Model", agent.model],
        ["Channels", agent.channels.join(", ")],
        ["Last sign of life", `${duration(seconds)} ago, ${clock(agent.last_heartbeat)}`],
        ["Seen up to", agent.cursor === null ? "it does not say" : `message ${agent.cursor}`],
      ];
      facts.replaceChildren(...rows.filter(([, value]) => value).flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
    }
    const isAbout = (row) => row.sender === name || row.channel === `@${name}` || row.mentions?.includes(name);
    fill(about, state.messages.filter(isAbout).slice(-50));
  };
  return { element, update, tick: load, shown: load, items: () => [...element.querySelectorAll(".message")] };
}
