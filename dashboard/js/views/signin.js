// The page that takes the token. It is sent once and kept nowhere.

import { el } from "../ui/dom.js";
import * as hub from "../wire/hub.js";

export function signin({ wrong, onSignedIn }) {
  const note = el(
    "p",
    { class: "error", role: "alert" },
    wrong ? "That token was wrong, or the link was used already." : "",
  );
  const token = el("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  const submit = async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    try {
      await hub.signIn(token.value);
      token.value = "";
      onSignedIn();
    } catch (error) {
      note.textContent = error.message;
      token.select();
    }
    button.disabled = false;
  };
  const button = el("button", { type: "submit" }, "Sign in");
  const form = el(
    "form",
    { class: "card signin", onsubmit: submit },
    el("h1", {}, "Sign in"),
    el("p", {}, "This hub asks for its token: what OROCHI_TOKEN was set to where the hub was started."),
    el("label", { for: "token" }, "Token"),
    token,
    button,
    note,
  );
  return { element: form, update() {}, shown: () => token.focus() };
}
