// The reader's place on a page: how far it is scrolled and what has the focus. The browser's history keeps it, so that
// Back leads to where one was.

/** What has the focus within `main`, as `{selector, at}`, the at-th that matches; null where nothing has. */
function focusedIn(main) {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === main || !main.contains(element)) return null;
  const selector = selectorOf(element);
  const at = selector === null ? -1 : [...main.querySelectorAll(selector)].indexOf(element);
  return at < 0 ? null : { selector, at };
}

/** A link is known by its address, a message or row by its name; anything else is not looked for again. */
function selectorOf(element) {
  const { seq, agent } = element.dataset;
  if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href") ?? "")}"]`;
  if (seq) return `[data-seq="${CSS.escape(seq)}"]`;
  return agent ? `[data-agent="${CSS.escape(agent)}"]` : null;
}

/** Notes the place in the address' entry of the history. */
export const keep = (main) => history.replaceState({ top: main.scrollTop, focus: focusedIn(main) }, "");

/** The place that the address' entry has: `{top, focus}`. */
export const kept = () => ({ top: history.state?.top ?? 0, focus: history.state?.focus ?? null });

/** Puts the focus where it was; whether that is there. */
export function focus(main, { top, focus }) {
  const element = focus && main.querySelectorAll(focus.selector)[focus.at];
  // A page that is scrolled back by itself shows it.
  element?.focus({ preventScroll: top > 0 });
  return Boolean(element);
}
