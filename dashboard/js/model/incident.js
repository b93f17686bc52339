// Events on one time axis: messages, changes of state, arrivals and losses. Pure functions.

/** A change from one of these states to another is an arrival. */
const AWAY = ["offline", "lost", "hub down"];

/**
 * Events in the order of time: `{ts, kind: "message" | "state" | "arrival" | "left" | "loss", agent, ...}`.
 * @param {Record<string, {state: string, since: string, until: string}[]>} states by agent
 * @param {import("../../types.js").Row[]} rows
 */
export function events(states, rows, { since, until }) {
  const isWithin = (ts) => Date.parse(ts) >= Date.parse(since) && Date.parse(ts) <= Date.parse(until);
  const changes = Object.entries(states).flatMap(([agent, spans]) => ofSpans(agent, spans, since));
  const said = rows.map((row) => ({ ts: row.ts, kind: "message", agent: row.sender, row }));
  const all = [...changes, ...said].filter(({ ts }) => isWithin(ts));
  return all.sort((a, b) => Date.parse(a.ts) - Date.parse(b.ts) || (a.row?.seq ?? 0) - (b.row?.seq ?? 0));
}

function ofSpans(agent, spans, since) {
  return spans.flatMap((span, at) => {
    const before = spans[at - 1]?.state ?? null;
    // The first state began before the shown time.
    if (before === null && Date.parse(span.since) <= Date.parse(since)) return [];
    return [{ ts: span.since, kind: kindOf(span.state, before), agent, state: span.state, before }];
  });
}

function kindOf(state, before) {
  if (state === "lost") return "loss";
  if (AWAY.includes(state)) return "left";
  return before === null || AWAY.includes(before) ? "arrival" : "state";
}

/** An event in words, after its agent's name. */
export function words({ kind, state, before, row }) {
  switch (kind) {
    case "message":
      return `wrote in ${row.channel}`;
    case "loss":
      return before ? `was lost while ${before}` : "was lost";
    case "left":
      return state === "hub down" ? "was cut off: the hub went down" : "left";
    case "arrival":
      return before === null ? "arrived" : `is back: ${state}`;
    default:
      return `is ${state}${before ? `, was ${before}` : ""}`;
  }
}

/** A list in the address, "a,b c" as `["a", "b", "c"]`. */
export const names = (text) => (text ?? "").split(/[\s,]+/).filter(Boolean);

/** The agents that the timeline shows: those named, or all that appear in messages and changes of state. */
export function rowsOf(rows, { agents, channels }) {
  const isChannel = (row) => channels.length === 0 || channels.includes(row.channel);
  const isAgent = (row) =>
    agents.length === 0 ||
    agents.includes(row.sender) ||
    agents.some((name) => row.channel === `@${name}` || (row.mentions ?? []).includes(name));
  return rows.filter((row) => isChannel(row) && isAgent(row));
}
