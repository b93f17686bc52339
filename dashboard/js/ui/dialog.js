// Dialogs: opened in front of the page, closed by Escape, by a press beside them, and by going to another page.

import { el } from "./dom.js";

/** Opens a dialog with this content; once closed it is gone. */
export function openDialog(attributes, ...children) {
  const dialog = el("dialog", { ...attributes, onclose: () => dialog.remove() }, children);
  document.body.append(dialog);
  closeBeside(dialog);
  dialog.showModal();
  return dialog;
}

/** Closes a dialog where a press begins and ends beside it: a selection that ends outside is no such press. */
export function closeBeside(dialog) {
  let isBeside = false;
  const isOutside = ({ target, clientX: x, clientY: y }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    return target === dialog && (x < left || x > right || y < top || y > bottom);
  };
  dialog.addEventListener("pointerdown", (event) => (isBeside = isOutside(event)));
  dialog.addEventListener("click", (event) => {
    // Keys that press a button come as clicks at no place.
    if (isBeside && isOutside(event)) dialog.close();
    isBeside = false;
  });
}

/** Closes what is open: its page was left. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) if (dialog.open) dialog.close();
}
