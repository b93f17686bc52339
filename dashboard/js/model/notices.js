// Desktop notifications: the rules, and the notices. The user's choice is stored in this browser. Nothing is requested
// or shown before the user switches notifications on.

import { passes, standingOf } from "./fleet.js";

const KEY = "orochi-notices";
const TEXT_CHARS = 160;
/** The rules, each with the words of its notice. */
export const RULES = {
  lost: "is lost",
  stuck: "is stuck",
  error: "is in error",
  blocked: "is blocked",
  missed: "is away with unread mentions",
};

const OFF = { isOn: false, rules: [], project: "", sound: false, mentions: [] };

/** The choice after notifications are allowed: all five rules. */
export const ALL = { ...OFF, isOn: true, rules: Object.keys(RULES) };

/** Returns the stored choice, `{isOn, rules, project, sound, mentions}`; everything is off without one. */
export function wanted(storage = localStorage) {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "{}");
    const texts = (list) => (Array.isArray(list) ? list.filter((one) => typeof one === "string") : []);
    return {
      isOn: kept.isOn === true,
      rules: texts(kept.rules).filter((rule) => Object.hasOwn(RULES, rule)),
      project: typeof kept.project === "string" ? kept.project : "",
      sound: kept.sound === true,
      mentions: texts(kept.mentions),
    };
  } catch {
    return OFF;
  }
}

export function want(choice, storage = localStorage) {
  storage.setItem(KEY, JSON.stringify(choice));
}

/** Notices of agents that began to need a person between two overviews. */
export function noticesOf(before, after, choice) {
  if (!choice.isOn || before.size === 0) return [];
  return [...after.values()].map((agent) => ofAgent(before.get(agent.name), agent, choice)).filter(Boolean);
}

function ofAgent(before, agent, choice) {
  const standing = standingOf(agent);
  if (!choice.rules.includes(standing) || !passes(agent, { project: choice.project })) return null;
  if (before && standingOf(before) === standing) return null;
  const body = standing === "lost" ? agent.lost.detail : standing === "stuck" ? agent.stuck.detail : agent.current_task;
  return {
    title: `${agent.name} ${RULES[standing]}`,
    body: plain(body) || "No task reported.",
    tag: `orochi-${standing}-${agent.name}`,
    route: ["agent", agent.name],
    sound: choice.sound,
  };
}

/** The notice of a frame: `{title, body, tag, route}` or null. `agents` are those before the frame. */
export function noticeOf(frame, choice, agents) {
  const { type, payload, sender } = frame;
  if (!choice.isOn) return null;
  if (type === "status_update") {
    const known = agents.get(payload.agent);
    if (!known) return null;
    const { agent: _name, ...facts } = payload;
    return ["error", "blocked"].includes(payload.status) ? ofAgent(known, { ...known, ...facts }, choice) : null;
  }
  if (type !== "message") return null;
  const name = choice.mentions.find(
    (agent) => agent !== sender && (payload.mentions?.includes(agent) || payload.channel === `@${agent}`),
  );
  if (!name) return null;
  // One notice for each agent: a later one replaces it, so that many mentions do not pile up and tabs do not repeat
  // each other.
  return {
    title: `${sender} to ${name}, ${payload.channel}`,
    body: plain(payload.content),
    tag: `orochi-mention-${name}`,
    route: ["agent", name],
    sound: choice.sound,
  };
}

/** Text without control and format characters, cut. */
function plain(text) {
  return (text ?? "")
    .slice(0, TEXT_CHARS * 4)
    .replace(/[\p{Cc}\p{Cf}]+/gu, " ")
    .trim()
    .slice(0, TEXT_CHARS);
}

/** Shows a notice, if the browser allows it. */
export function tell(notice, open) {
  if (globalThis.Notification?.permission !== "granted") return;
  const { title, body, tag, route, sound } = notice;
  let shown;
  try {
    shown = new Notification(title, { body, tag, silent: !sound });
  } catch {
    // Browsers on phones allow only service workers to show notices.
    return;
  }
  if (sound) beep();
  shown.onclick = () => {
    globalThis.focus();
    open(route);
    shown.close();
  };
}

/** Plays a short tone; some browsers allow none before the first click. */
function beep() {
  try {
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    volume.gain.value = 0.05;
    tone.frequency.value = 660;
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.15);
    tone.onended = () => audio.close();
  } catch {
    // There is no sound card, or no permission.
  }
}
