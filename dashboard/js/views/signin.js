// The page for the token. The token is sent once and stored nowhere.

import { el } from "../ui/dom.js";
import * as hub from "../wire/hub.js";

/** The reasons for this page, by the `reason` of the hub's 401, or `out` and `link`, which the page sets itself. */
const REASONS = {
  no_token: "",
  ended: "You were signed in before: this browser has dropped the login.",
  expired: "Your login has expired: it lasts 12 hours, longer where a page stays open.",
  signed_out: "You signed out, here or in another tab.",
  incomplete: "This browser has kept only half of your login. Sign in again.",
  token_changed: "The hub's token was changed. Sign in with the new one.",
  wrong_token: "The hub did not accept that token.",
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
