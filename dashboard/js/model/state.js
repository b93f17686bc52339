// The page's state: a pure reducer. State and event in, state out; no page, no socket, no clock.

/** The newest messages that are kept, without a gap; older ones are requested from the hub. */
export const MESSAGES_MAX = 2000;

export function initial() {
  return {
    connection: "starting",
    now: null,
    started: null,
    name: "",
    agentPort: 0,
    more: 0,
    dismissed: {},
    epoch: null,
    gitea: null,
    agents: new Map(),
    channels: new Map(),
    messages: [],
    lastSeq: null,
  };
}

/**
 * Events: `connection {state}`, `overview {data}`, `history {rows}` (the newest; may overlap newer frames), `frame
 * {frame}` as observers get it, `dismissed {losses}`.
 */
export function reduce(state, event) {
  switch (event.kind) {
    case "connection":
      return { ...state, connection: event.state };
    case "overview":
      return {
        ...state,
        now: event.data.now,
        started: event.data.started ?? null,
        name: event.data.name ?? "",
        agentPort: event.data.agent_port ?? 0,
        more: event.data.more ?? 0,
        epoch: event.data.epoch ?? null,
        gitea: event.data.gitea ?? null,
        agents: new Map(event.data.agents.map((agent) => [agent.name, known(state, agent)])),
        channels: new Map(event.data.channels.map((channel) => [channel.name, channel])),
      };
    case "dismissed":
      return {
        ...state,
        dismissed: event.losses,
        agents: new Map([...state.agents].map(([name, agent]) => [name, dealtWith(agent, event.losses)])),
      };
    case "history":
      return merged(state, event.rows);
    case "frame":
      return framed(state, event.frame);
    default:
      return state;
  }
}

/** An agent of the overview, with the page's newer facts: its last words, and dismissed losses. */
function known(state, agent) {
  const words = state.agents.get(agent.name)?.last_words;
  const isNewer = words && words.seq > (agent.last_words?.seq ?? 0) && state.epoch !== null;
  return dealtWith(isNewer ? { ...agent, last_words: words } : agent, state.dismissed);
}

function dealtWith(agent, losses) {
  const since = Object.hasOwn(losses, agent.name) ? losses[agent.name] : null;
  const isDismissed = Boolean(agent.lost) && since === agent.lost.since;
  return isDismissed === Boolean(agent.isDismissed) ? agent : { ...agent, isDismissed };
}

/** Characters of last words; the hub cuts at the same length. */
const WORDS_CHARS = 200;

/** A message in one line, without the most common marks of Markdown. */
export const oneLine = (content) =>
  content
    .slice(0, WORDS_CHARS * 4)
    .replace(/^\s*(#{1,6}|>|[-*+]|\d+\.)\s+/gm, "")
    .replace(/^```.*$/gm, "")
    .replace(/(\*\*|__|`)/g, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, WORDS_CHARS);

/** The state after a message, which becomes the last words of its sender's card. */
function spoke(state, { sender, seq, ts, channel, content }) {
  const agent = state.agents.get(sender);
  if (!agent || seq <= (agent.last_words?.seq ?? 0)) return state;
  const last_words = { seq, ts, channel, content: oneLine(content ?? "") };
  return { ...state, agents: new Map(state.agents).set(sender, { ...agent, last_words }) };
}

function framed(state, frame) {
  const { type, payload } = frame;
  if (type === "message" && frame.seq !== undefined) {
    // Only the frame's html is used: one in the payload would be the sender's.
    const row = { ...payload, html: frame.html, seq: frame.seq, ts: frame.ts, sender: frame.sender, msg_id: frame.id };
    const next = spoke(merged(state, [row]), row);
    return next.channels.has(row.channel) || row.channel.startsWith("@")
      ? next
      : { ...next, channels: new Map(next.channels).set(row.channel, { name: row.channel, members: [], last: null }) };
  }
  if (type === "status_update" || type === "presence_change") {
    const known = state.agents.get(payload.agent);
    // A new agent comes with the next overview.
    if (!known) return state;
    const { agent: _name, event, ...facts } = payload;
    const online = event === undefined ? known.online : event === "connected";
    // A status is a sign of life, but does not mean that messages were read.
    const lost = online ? null : known.lost;
    const isOver = type === "status_update" && ["silent", "blocked"].includes(known.stuck?.reason);
    const stuck = isOver ? null : known.stuck;
    const isSame = online === known.online && (facts.status ?? known.status) === known.status;
    const state_since = isSame ? known.state_since : (frame.ts ?? null);
    return {
      ...state,
      agents: new Map(state.agents).set(payload.agent, { ...known, ...facts, online, stuck, lost, state_since }),
    };
  }
  return state;
}

function merged(state, rows) {
  if (rows.length === 0) return state;
  const head = state.messages.at(-1)?.seq ?? 0;
  const lastSeq = Math.max(state.lastSeq ?? 0, ...rows.map((row) => row.seq));
  if (rows.length === 1 && rows[0].seq > head) {
    const kept = state.messages.length >= MESSAGES_MAX ? state.messages.slice(1) : state.messages.slice();
    kept.push(rows[0]);
    return { ...state, messages: kept, lastSeq };
  }
  const bySeq = new Map([...state.messages, ...rows].map((row) => [row.seq, row]));
  const all = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
  return { ...state, messages: all, lastSeq };
}
