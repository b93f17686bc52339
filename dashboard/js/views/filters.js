// The filters that apply to every page: fields on the overview, and chips on the other pages.

import { el } from "../ui/dom.js";
import { filtersIn, standingOf, STATUS_WORDS } from "../model/fleet.js";
import { routeTo } from "../route.js";

const SELECTS = ["project", "machine", "role", "status"];

/** Fields for the filters; `go(params)` changes the address. */
export class FilterFields {
  constructor(params, go) {
    this.params = params;
    const change = (name) => (event) => go({ ...params, [name]: event.target.value }, { isStep: false });
    this.selects = SELECTS.map((name) =>
      el("select", { "aria-label": `Filter by ${name}`, data: { name }, onchange: change(name) }),
    );
    const name = el("input", {
      type: "search",
      placeholder: "Filter by name",
      "aria-label": "Filter by name",
      onchange: change("agent"),
    });
    name.value = params.agent ?? "";
    this.elements = [name, ...this.selects];
  }

  update(agents) {
    for (const select of this.selects) fill(select, agents, this.params[select.dataset.name] ?? "");
  }
}

/** A filter's value in the page's words. */
const wordsOf = (name, value) => (name === "status" && STATUS_WORDS[value]) || value;

function fill(select, agents, chosen) {
  const { name } = select.dataset;
  const values = new Set(agents.map((agent) => (name === "status" ? standingOf(agent) : agent[name])).filter(Boolean));
  if (chosen) values.add(chosen);
  const options = [["", `every ${name}`], ...[...values].sort().map((value) => [value, wordsOf(name, value)])];
  // New options would close an open list.
  if (options.map(([value]) => value).join("\n") === [...select.options].map((option) => option.value).join("\n"))
    return;
  select.replaceChildren(...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
}

/** The active filters, each with a link that removes it; nothing without filters. */
export function filterChips(page, params) {
  const set = Object.entries(filtersIn(params));
  if (set.length === 0) return el("p", { class: "chips", hidden: true });
  const chips = set.map(([name, value]) =>
    el(
      "a",
      { class: "pill", href: routeTo([page], { ...params, [name]: "" }), title: `Drop this filter` },
      `${name}: ${wordsOf(name, value)} `,
      el("span", { "aria-hidden": "true" }, "×"),
    ),
  );
  return el("p", { class: "chips" }, el("span", {}, "Only agents with"), chips);
}
