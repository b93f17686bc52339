// The dialog for notifications: one button allows all of them; rules, project and sound can be chosen. The browser's
// permission is requested only when the button is pressed.

import { openDialog } from "../ui/dialog.js";
import { el } from "../ui/dom.js";
import { ALL, RULES, want, wanted } from "../model/notices.js";

export function chooseNotices(state) {
  const note = el("p", { role: "status" }, standing());
  const place = el("div", {});
  const change = (part) => {
    want({ ...wanted(), ...part });
    draw();
    note.textContent = standing() || "Saved.";
  };
  const allow = async () => {
    if (globalThis.Notification?.permission === "default") await Notification.requestPermission();
    change(wanted().rules.length > 0 ? { isOn: true } : ALL);
  };
  const draw = () => place.replaceChildren(...(wanted().isOn ? choices(state, change) : [offer(allow)]));
  draw();
  const dialog = openDialog(
    { id: "notify", "aria-labelledby": "notify-title" },
    el("h2", { id: "notify-title" }, "Notifications"),
    place,
    note,
    el("p", { class: "buttons" }, el("button", { type: "button", onclick: () => dialog.close() }, "Close")),
  );
}

function offer(allow) {
  return el(
    "div",
    {},
    el(
      "p",
      {},
      "While this page is open, this browser can tell you of agents that are lost, stuck, in error, blocked, ",
      "or away with unread mentions.",
    ),
    el("button", { type: "button", class: "primary", onclick: allow }, "Allow notifications"),
  );
}

function choices(state, change) {
  const now = wanted();
  const toggled = (list, value, isOn) => (isOn ? [...list, value] : list.filter((one) => one !== value));
  const box = (label, checked, onchange) =>
    el(
      "label",
      {},
      el("input", { type: "checkbox", checked, onchange: (event) => onchange(event.target.checked) }),
      ` ${label}`,
    );
  const rules = Object.entries(RULES).map(([rule, words]) =>
    box(`an agent ${words}`, now.rules.includes(rule), (isOn) => change({ rules: toggled(now.rules, rule, isOn) })),
  );
  const agents = [...state.agents.values()];
  const projects = [...new Set(agents.map(({ project }) => project).filter(Boolean))].sort();
  const options = [["", "every project"], ...projects.map((name) => [name, name])];
  const project = el(
    "select",
    { "aria-label": "Project", onchange: (event) => change({ project: event.target.value }) },
    options.map(([value, text]) => el("option", { value, selected: value === now.project }, text)),
  );
  const names = [...new Set([...agents.map(({ name }) => name), ...now.mentions])].sort();
  const mentions = names.map((name) =>
    box(name, now.mentions.includes(name), (isOn) => change({ mentions: toggled(now.mentions, name, isOn) })),
  );
  return [
    el("p", {}, "While this page is open, this browser tells you of:"),
    el("fieldset", {}, el("legend", {}, "agents"), rules, el("p", {}, "in ", project)),
    el("fieldset", {}, el("legend", {}, "messages to"), mentions.length ? mentions : "No agent has registered yet."),
    box("with a sound", now.sound, (sound) => change({ sound })),
    el("p", {}, el("button", { type: "button", onclick: () => change({ isOn: false }) }, "Switch all off")),
  ];
}

/** The obstacle to notifications, as a sentence; empty without one. */
function standing() {
  if (!globalThis.Notification)
    return "This browser shows no notifications here: they need https, or the hub on this machine.";
  return Notification.permission === "denied"
    ? "This browser was told not to show them: allow notifications for this page in its settings."
    : "";
}
