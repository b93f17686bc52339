// Which of the hub's frames a person wants to be told of on the desktop, and the telling. What is wanted is chosen here
// and kept in this browser; nothing is asked and nothing shown before somebody switched it on.

const KEY = "orochi-notices";
const TEXT_CHARS = 160;

/** `{errors: bool, mentions: [agent]}`, as it was chosen; everything is off where nothing was. */
export function wanted(storage = localStorage) {
  try {
    const { errors, mentions } = JSON.parse(storage.getItem(KEY)) ?? {};
    return {
      errors: errors === true,
      mentions: Array.isArray(mentions) ? mentions.filter((name) => typeof name === "string") : [],
    };
  } catch {
    return { errors: false, mentions: [] };
  }
}

export function want(choice, storage = localStorage) {
  storage.setItem(KEY, JSON.stringify(choice));
}

export const isOff = ({ errors, mentions }) => !errors && mentions.length === 0;

/**
 * What to tell of a frame: `{title, body, tag, route}` or null. `known` is the agent before the frame, where it is
 * one's status.
 */
export function noticeOf(frame, { errors, mentions }, known) {
  const { type, payload, sender } = frame;
  if (type === "status_update" && errors && payload.status === "error" && known?.status !== "error") {
    const body = plain(payload.current_task) || "It does not say at what.";
    return {
      title: `${payload.agent} is in error`,
      body,
      tag: `orochi-error-${payload.agent}`,
      route: ["agent", payload.agent],
    };
  }
  if (type !== "message") return null;
  const name = mentions.find(
    (agent) => agent !== sender && (payload.mentions?.includes(agent) || payload.channel === `@${agent}`),
  );
  if (!name) return null;
  // One notice for each agent: a later one takes its place, so many mentions are no heap, and tabs do not repeat each
  // other.
  return {
    title: `${sender} to ${name}, ${payload.channel}`,
    body: plain(payload.content),
    tag: `orochi-mention-${name}`,
    route: ["agent", name],
  };
}

/** Text without what is no character to read, cut. */
function plain(text = "") {
  return text
    .slice(0, TEXT_CHARS * 4)
    .replace(/[\p{Cc}\p{Cf}]+/gu, " ")
    .trim()
    .slice(0, TEXT_CHARS);
}

/** Shows it, where the browser was allowed to. */
export function tell(notice, open) {
  if (globalThis.Notification?.permission !== "granted") return;
  const { title, body, tag, route } = notice;
  let shown;
  try {
    shown = new Notification(title, { body, tag });
  } catch {
    // Browsers of phones let only service workers show some.
    return;
  }
  shown.onclick = () => {
    globalThis.focus();
    open(route);
    shown.close();
  };
}
