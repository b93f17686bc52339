// Addresses of the page: the pages, and a page with its parameters behind the #. Pure.

/** Pages with a link in the header, by their name in the address. */
export const PAGES = [
  ["overview", "Overview"],
  ["feed", "Feed"],
  ["direct", "Direct"],
  ["incident-timeline", "Incident timeline"],
  ["activity", "Activity"],
  ["search", "Search"],
];

/** Former names of pages, which links may still have. */
const FORMER = { timeline: "incident-timeline" };

/** Parses `#/name?key=value` into `{name, params}`. */
export function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decoded);
  const page = Object.hasOwn(FORMER, name) ? FORMER[name] : name;
  return { path: [page, ...rest], params: Object.fromEntries(new URLSearchParams(query)) };
}

/** Text that can't be decoded stays as it is: addresses are also typed by hand. */
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
