// What the keyboard does, everywhere but in fields and dialogs.

const PLACES = {
  "/": "#/search",
  go: "#/overview",
  gf: "#/feed",
  gd: "#/direct",
  gi: "#/incident-timeline",
  ga: "#/activity",
  gs: "#/search",
};

/** Pixels of an item that make it one in sight. */
const MARGIN = 20;

/** `page()` gives `{isIn, view, help, find}`: whether somebody is signed in, the view, and what opens two dialogs. */
export function listen(page) {
  let pressed = "";
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    // Out of a field, to where the other keys work.
    if (event.key === "Escape" && target.matches("main input, main select")) {
      // The browser would empty a search field.
      event.preventDefault();
      target.blur();
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      return page().find();
    }
    const isTyping = target.matches("input, select, textarea") || document.querySelector("dialog[open]");
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
    const keys = pressed + event.key;
    pressed = event.key === "g" ? "g" : "";
    const { isIn, view, help } = page();
    if (event.key === "?") help();
    else if (!isIn) return;
    else if (PLACES[keys]) go(PLACES[keys], view, event);
    else if (event.key === "Enter" && target.matches(".message")) {
      // The dialog takes the focus: without this the browser presses its Close button with the same key.
      event.preventDefault();
      view?.chosen?.(target);
    } else if (view?.keys && Object.hasOwn(view.keys, event.key)) view.keys[event.key]();
    else if (event.key === "j" || event.key === "k") step(view?.items?.() ?? [], event.key === "j" ? 1 : -1);
  });
}

function go(place, view, event) {
  event.preventDefault();
  // Where one is already there, the field is what is wanted.
  if (location.hash.startsWith(place)) view?.focus?.();
  else location.hash = place;
}

/** The next or the previous one, from the one that has the focus or holds what has it. */
function step(items, by) {
  const at = items.findLastIndex((item) => item.contains(document.activeElement));
  const next = at < 0 ? inSight(items, by) : at + by;
  items[Math.min(items.length - 1, Math.max(0, next))]?.focus();
}

/** Where one begins: at the first that is in sight, or going back at the last. */
function inSight(items, by) {
  const isSeen = (item) => {
    const { top, bottom } = item.getBoundingClientRect();
    const box = item.closest(".scroll, main").getBoundingClientRect();
    return bottom > box.top + MARGIN && top < box.bottom - MARGIN;
  };
  return by > 0 ? items.findIndex(isSeen) : items.findLastIndex(isSeen);
}
