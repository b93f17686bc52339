// The second half of this browser's login: its key. The cookie, the first half, goes to every server on this host name;
// the key is in this origin's storage, which a server on another port can't read. Both are needed.

/** Several hubs below paths of one origin have a key each. */
const name = () => `orochi-key:${location.pathname}`;

export const keep = (key) => localStorage.setItem(name(), key);
export const forget = () => localStorage.removeItem(name());

/** For an HTTP request. */
export function headers() {
  const key = localStorage.getItem(name());
  return key === null ? {} : { "Orochi-Session-Key": key };
}

/** For a WebSocket, to which a page can add nothing but subprotocols. The hub picks the first. */
export function protocols() {
  const key = localStorage.getItem(name());
  return key === null ? [] : ["orochi", `orochi-session.${key}`];
}

/** Stores the key from a sign-in by address, `?signed-in=<key>`, and removes it from the address. */
export function takeFromAddress() {
  const key = /^\?signed-in=([0-9a-f]+)$/.exec(location.search)?.[1];
  if (key === undefined) return;
  keep(key);
  history.replaceState(null, "", location.pathname + location.hash);
}
