// Dialogs: opened in front of the page, closed by Escape, by a press beside them, and by going to another page.

import { el } from "./dom.js";

/** Opens a dialog with this content; closing removes it. */
export function openDialog(attributes, ...children) {
  const dialog = el("dialog", { ...attributes, onclose: () => dialog.remove() }, children);
  document.body.append(dialog);
  closeBeside(dialog);
  dialog.showModal();
  return dialog;
}

/** Closes a dialog on a press that begins and ends beside it; a selection that ends outside does not count. */
export function closeBeside(dialog) {
  let isBeside = false;
  const isOutside = ({ target, clientX: x, clientY: y }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    return target === dialog && (x < left || x > right || y < top || y > bottom);
  };
  dialog.addEventListener("pointerdown", (event) => (isBeside = isOutside(event)));
  dialog.addEventListener("click", (event) => {
    // Keys that press a button arrive as clicks without a position.
    if (isBeside && isOutside(event)) dialog.close();
    isBeside = false;
  });
}

/** Closes open dialogs, because their page was left. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) if (dialog.open) dialog.close();
}
