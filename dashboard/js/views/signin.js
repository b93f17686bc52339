// The page that takes the token. It is sent once and kept nowhere.

import { el } from "../ui/dom.js";
import * as hub from "../wire/hub.js";

/** Why somebody is here, by the reason. */
const REASONS = {
  first: "",
  ended: "Your login has ended: it expired, was signed out in another tab or browser, or the hub's token was changed.",
  expired: "Your login has expired.",
  signed_out: "This login was signed out in another tab or browser.",
  token_changed: "The hub's token was changed.",
  out: "You are signed out.",
  link: "That link was used already, or its token is wrong.",
};

export function signin({ reason, onSignedIn }) {
  const note = el("p", { class: "error", role: "alert" });
  const token = el("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  const submit = async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    note.textContent = "";
    try {
      await hub.signIn(token.value);
      token.value = "";
      onSignedIn();
    } catch (error) {
      note.textContent = error instanceof hub.SignedOut ? `Wrong token. ${error.message}` : error.message;
      token.select();
    }
    button.disabled = false;
  };
  const button = el("button", { type: "submit", class: "primary" }, "Sign in");
  const why = Object.hasOwn(REASONS, reason) ? REASONS[reason] : REASONS.ended;
  const form = el(
    "form",
    { class: "card signin", onsubmit: submit },
    el("h1", {}, "Sign in"),
    why && el("p", { class: "reason", role: "status" }, why),
    el("p", {}, "This hub asks for its token: the value of OROCHI_TOKEN where the hub was started."),
    el("p", { class: "quiet" }, "Whoever runs the hub can also open the link that it prints when it starts."),
    el("label", { for: "token" }, "Token"),
    token,
    button,
    note,
  );
  return { element: form, update() {}, shown: () => token.focus() };
}
