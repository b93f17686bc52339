// The reader's place on a page: its scroll position and its focus. The browser's history stores it, so that Back
// restores it.

/** The element with the focus in `main`, as `{selector, at}`, the at-th match; null if there is none. */
function focusedIn(main) {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === main || !main.contains(element)) return null;
  const selector = selectorOf(element);
  const at = selector === null ? -1 : [...main.querySelectorAll(selector)].indexOf(element);
  return at < 0 ? null : { selector, at };
}

/** A link is found again by its address, a message or row by its name; other elements are not. */
function selectorOf(element) {
  const { seq, agent } = element.dataset;
  if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href") ?? "")}"]`;
  if (seq) return `[data-seq="${CSS.escape(seq)}"]`;
  return agent ? `[data-agent="${CSS.escape(agent)}"]` : null;
}

/** Stores the place in the history's entry of the address. */
export const keep = (main) => history.replaceState({ top: main.scrollTop, focus: focusedIn(main) }, "");

/** The stored place: `{top, focus}`. */
export const kept = () => ({ top: history.state?.top ?? 0, focus: history.state?.focus ?? null });

/** Restores the focus. Returns true if its element exists. */
export function focus(main, { top, focus }) {
  const element = focus && main.querySelectorAll(focus.selector)[focus.at];
  // If the scroll position is restored, it already shows the element.
  element?.focus({ preventScroll: top > 0 });
  return Boolean(element);
}
