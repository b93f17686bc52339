// The hub's HTTP API. Errors are SignedOut without a login, Away without a hub, and otherwise a sentence to show.

import * as key from "./key.js";

export class SignedOut extends Error {
  /** The hub's reason: `expired`, `signed_out`, …; undefined if it gives none. */
  reason;
}
export class Away extends Error {}

/** A hub that takes longer counts as away: a connection can die silently. */
const PATIENCE_MS = 10_000;

/** Requests `path`; `take` reads the answer. */
async function ask(path, options = {}, take = (response) => response.json()) {
  // Relative to the page, because a proxy may serve it below a path.
  const asked = fetch(`.${path}`, {
    credentials: "same-origin",
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...options,
    headers: { ...key.headers(), ...options.headers },
  });
  const response = await asked.catch(() => Promise.reject(new Away("the hub does not answer")));
  if (response.ok) return response.status === 204 ? null : take(response);
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) throw Object.assign(new SignedOut(body.detail ?? "signed out"), { reason: body.reason });
  throw Object.assign(new Error(body.detail ?? `the hub answered ${response.status}`), { status: response.status });
}

const query = (params) => {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

/** The query of the next page, from the answer's `Link`; null on the last page. */
const next = (response) => {
  const [, link] = /<([^>]*)>; *rel="next"/.exec(response.headers.get("Link") ?? "") ?? [];
  return link ? new URL(link, location.href).searchParams : null;
};

/** Returns `limit` messages, oldest first, in as many answers as their size needs. */
async function messages(params) {
  let rows = [];
  let left = params;
  while (left) {
    const more = await ask(`/api/messages${query(left)}`, {}, async (response) => {
      const found = await response.json();
      const to = next(response);
      const place = to && (to.has("before") ? { before: to.get("before") } : { after: to.get("after") });
      return { found, left: place && { ...left, ...place, limit: left.limit - found.length } };
    });
    const isBackward = params.after === undefined && params.since === undefined;
    rows = isBackward ? [...more.found, ...rows] : [...rows, ...more.found];
    left = more.left?.limit > 0 ? more.left : null;
  }
  return rows;
}

export const session = () => ask("/api/session");
export async function signIn(token) {
  const answer = await ask("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  key.keep(answer.key);
}
/** Renews the login; an open page does so regularly. */
export const renew = () => ask("/api/session", { method: "PUT" });
export async function signOut() {
  await ask("/api/session", { method: "DELETE" });
  key.forget();
}
export const overview = () => ask("/api/overview");
/** The overview with one agent only, for an agent that the overview of thousands does not list. */
export const agent = (name) => ask(`/api/overview?agent=${encodeURIComponent(name)}`);
export const recent = (params) => messages({ ...params, html: true });
/** Messages without HTML. */
export const page = (params) => messages(params);
export const message = (seq) => ask(`/api/messages/${seq}`);

/**
 * One page of hits: `{rows, next, indexedUpTo}`. `next` is the cursor of the next page, or null. `indexedUpTo` is the
 * last seq of the search index if it did not cover all messages, else null.
 */
export const search = (params) =>
  ask(`/api/search${query({ ...params, html: true })}`, {}, async (response) => {
    const upTo = response.headers.get("Orochi-Indexed-Up-To");
    return {
      rows: await response.json(),
      next: next(response)?.get("cursor") ?? null,
      indexedUpTo: upTo === null ? null : Number(upTo),
    };
  });

export const issue = (owner, repo, number) => ask(`/api/gitea/issues/${owner}/${repo}/${number}`);
export const receipts = (seq) => ask(`/api/messages/${seq}/receipts`);
export const activity = (window) => ask(`/api/stats/timeline?window=${window}`);
export const states = (window) => ask(`/api/stats/states?window=${window}`);
export const matrix = (window) => ask(`/api/stats/matrix?window=${window}`);
export const timeline = (name, params = {}) => ask(`/api/agents/${encodeURIComponent(name)}/timeline${query(params)}`);
export const history = (channel, params) =>
  ask(`/api/history/${channel.replace(/^#/, "").split("/").map(encodeURIComponent).join("/")}${query(params)}`);
export const saidByOrTo = (name, limit) =>
  ask(`/api/agents/${encodeURIComponent(name)}/messages${query({ limit, html: true })}`);
export const waiting = (name) => ask(`/api/agents/${encodeURIComponent(name)}/waiting?html=true`);
