// Buttons that copy a text.

import { announce, el } from "./dom.js";

/** Copies the text of a `.copy` button, or of the element before it. One listener serves redrawn elements too. */
export function listenForCopies(root = document) {
  root.addEventListener("click", async (event) => {
    /** @type {HTMLElement | null} */
    const button = event.target instanceof Element ? event.target.closest(".copy") : null;
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy ?? button.previousElementSibling?.textContent ?? "");
      announce("Copied");
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 1500);
    } catch {
      announce("The browser did not allow copying: select the text and copy it.");
    }
  });
}

/** @param {string | null} text without one the button copies the element before it */
export const copyButton = (text = null, label = "Copy") =>
  el("button", { type: "button", class: "copy", data: text === null ? {} : { copy: text } }, label);
