// Addresses of the page: which pages there are, and how a page with its parameters is written behind the #. Pure.

/** Pages with a link in the header, by their name in the address. */
export const PAGES = [
  ["overview", "Overview"],
  ["feed", "Feed"],
  ["direct", "Direct"],
  ["incident-timeline", "Incident timeline"],
  ["activity", "Activity"],
  ["search", "Search"],
];

/** Names that pages had before, which links still have. */
const FORMER = { timeline: "incident-timeline" };

/** `#/name?key=value` as `{name, params}`; and back. */
export function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decoded);
  const page = Object.hasOwn(FORMER, name) ? FORMER[name] : name;
  return { path: [page, ...rest], params: Object.fromEntries(new URLSearchParams(query)) };
}

/** What can't be decoded is taken as it is: addresses are typed by hand too. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function routeTo(path, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}
