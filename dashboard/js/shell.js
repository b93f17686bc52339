// The frame around every page: the header with its links, the state of the connection, the theme, and the tab's title.

import { byId as at, el, morph } from "./ui/dom.js";
import { clock, useZone, zone } from "./ui/format.js";
import { filtersIn } from "./model/fleet.js";
import { needsPerson } from "./model/status.js";
import { PAGES, routeTo } from "./route.js";

const THEME_KEY = "orochi-theme";
const ICON = { plain: "icon.svg", alert: "icon-alert.svg" };

/** Shows links to all pages, with the present filters. */
export function showNav(current, params, isIn) {
  const kept = filtersIn(params);
  const links = PAGES.map(([path, text]) =>
    el("a", { href: routeTo([path], kept), "aria-current": current === path ? "page" : null }, text),
  );
  morph(at("nav"), el("nav", { "aria-label": "Pages", id: "nav" }, isIn ? links : []));
  for (const id of ["notices", "find"]) at(id).hidden = !isIn;
}

/** Shows the state of the connection; `heardAt` is the time of the hub's last answer or frame. */
export function showConnection(text, heardAt) {
  const place = at("connection");
  if (place.dataset.state !== text)
    place.textContent = text === "retrying" ? `disconnected, retrying: this is as of ${clock(heardAt)}` : text;
  place.dataset.state = text;
  document.body.classList.toggle("stale", text === "retrying");
}

/**
 * Shows the number of agents that need a person in the tab's title and picture, so that it is visible in a hidden tab.
 */
export function showTitle(state, title) {
  const count = [...state.agents.values()].filter(needsPerson).length;
  const hub = state.name ? `${state.name} - Orochi` : "Orochi";
  const words = `${count > 0 ? `(${count}) ` : ""}${title} - ${hub}`;
  if (document.title !== words) document.title = words;
  if (at("hub-name").textContent !== state.name) at("hub-name").textContent = state.name;
  const icon = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
  const file = count > 0 ? ICON.alert : ICON.plain;
  if (!icon.href.endsWith(`/${file}`)) icon.href = icon.href.replace(/[^/]+$/, file);
}

/** Follows the system's theme until the user chooses one; all tabs agree. */
export function followTheme() {
  const light = matchMedia("(prefers-color-scheme: light)");
  const show = () => {
    const theme = localStorage.getItem(THEME_KEY) ?? (light.matches ? "light" : "dark");
    document.documentElement.dataset.theme = theme;
    at("theme").textContent = theme === "light" ? "Dark" : "Light";
  };
  light.addEventListener("change", show);
  globalThis.addEventListener("storage", ({ key }) => key === THEME_KEY && show());
  at("theme").addEventListener("click", () => {
    localStorage.setItem(THEME_KEY, document.documentElement.dataset.theme === "light" ? "dark" : "light");
    show();
  });
  show();
}

/** The button that switches between local time and UTC; `again` redraws the page. */
export function followZone(again) {
  const button = at("zone");
  const show = () => (button.textContent = zone().name);
  button.addEventListener("click", () => {
    useZone(zone().isUtc ? "local" : "utc");
    show();
    again();
  });
  show();
}
