// The page for an unknown address: a sentence, and links.

import { el } from "../ui/dom.js";

/** @param {import("../../types.js").Given} given @returns {import("../../types.js").View} */
export function missing({ path }) {
  const element = el(
    "section",
    { class: "missing", "aria-labelledby": "missing-title" },
    el("h1", { id: "missing-title" }, "There is no such page"),
    el("p", {}, `The address names "${path.join("/").slice(0, 100)}", which this dashboard does not have.`),
    el("p", {}, el("a", { href: "#/overview" }, "To all agents"), " · ", el("a", { href: "#/search" }, "Search")),
  );
  return { element, update() {} };
}
