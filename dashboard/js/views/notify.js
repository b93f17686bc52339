// The dialog in which somebody chooses what to be told of on the desktop. The browser is asked only when this is saved.

import { el } from "../ui/dom.js";
import { isOff, want, wanted } from "../model/notices.js";

/** Opens it; `names` are the agents that can be chosen. */
export function chooseNotices(names) {
  const now = wanted();
  const errors = el("input", { type: "checkbox", id: "notify-errors", checked: now.errors });
  const agents = [...new Set([...names, ...now.mentions])].sort((one, other) => one.localeCompare(other));
  const boxes = agents.map((name) =>
    el("input", { type: "checkbox", value: name, checked: now.mentions.includes(name) }),
  );
  const note = el("p", { role: "status" }, standing());
  const save = async (event) => {
    event.preventDefault();
    const choice = { errors: errors.checked, mentions: boxes.filter((box) => box.checked).map((box) => box.value) };
    if (!isOff(choice) && globalThis.Notification?.permission === "default") await Notification.requestPermission();
    want(choice);
    note.textContent = isOff(choice) ? "Saved: you are told of nothing." : standing() || "Saved.";
  };
  const dialog = el(
    "dialog",
    { id: "notify", "aria-labelledby": "notify-title", onclose: () => dialog.remove() },
    el("h2", { id: "notify-title" }, "Notifications"),
    el("p", {}, "While this page is open, this browser tells you of:"),
    el(
      "form",
      { onsubmit: save },
      el("p", {}, errors, el("label", { for: "notify-errors" }, " an agent whose status becomes error")),
      el(
        "fieldset",
        {},
        el("legend", {}, "what is said to"),
        boxes.map((box) => el("label", {}, box, ` ${box.value}`)),
        boxes.length === 0 && "No agent has registered yet.",
      ),
      note,
      el(
        "p",
        { class: "buttons" },
        el("button", { type: "submit" }, "Save"),
        el("button", { type: "button", onclick: () => dialog.close() }, "Close"),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** What stands in the way, as a sentence; nothing where nothing does. */
function standing() {
  if (!globalThis.Notification)
    return "This browser shows no notifications here: they need https, or the hub on this machine.";
  return Notification.permission === "denied"
    ? "This browser was told not to show them: allow notifications for this page in its settings."
    : "";
}
