// The keyboard's commands, everywhere but in fields and dialogs.

const PLACES = {
  "/": "#/search",
  go: "#/overview",
  gf: "#/feed",
  gd: "#/direct",
  gi: "#/incident-timeline",
  ga: "#/activity",
  gs: "#/search",
};

/** The pixels of an item that must be in view for it to count as visible. */
const MARGIN = 20;

/**
 * `page()` returns `{isIn, view, help, find}`: true after the sign-in, the view, and functions that open two dialogs.
 */
export function listen(page) {
  let pressed = "";
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    // Leave a field, so that the other keys work.
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
      // The dialog gets the focus. Without this, the browser would press its Close button with the same key.
      event.preventDefault();
      view?.chosen?.(target);
    } else if (view?.keys && Object.hasOwn(view.keys, event.key)) view.keys[event.key]();
    else if (event.key === "j" || event.key === "k") step(view?.items?.() ?? [], event.key === "j" ? 1 : -1);
  });
}

function go(place, view, event) {
  event.preventDefault();
  // On the same page, the key moves to its field.
  if (location.hash.startsWith(place)) view?.focus?.();
  else location.hash = place;
}

/** Focuses the next or the previous item, from the one that has or contains the focus. */
function step(items, by) {
  const at = items.findLastIndex((item) => item.contains(document.activeElement));
  const next = at < 0 ? inSight(items, by) : at + by;
  items[Math.min(items.length - 1, Math.max(0, next))]?.focus();
}

/** Returns the first visible item, or for a step back the last one. */
function inSight(items, by) {
  const isSeen = (item) => {
    const { top, bottom } = item.getBoundingClientRect();
    const box = item.closest(".scroll, main").getBoundingClientRect();
    return bottom > box.top + MARGIN && top < box.bottom - MARGIN;
  };
  return by > 0 ? items.findIndex(isSeen) : items.findLastIndex(isSeen);
}
