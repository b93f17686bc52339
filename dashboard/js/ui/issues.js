// Links to issues and pull requests of the hub's Gitea, each with a card that shows its title and state.

import { el } from "./dom.js";
import * as hub from "../wire/hub.js";
import { inOrder } from "./text.js";

/** The time for which an answer is reused. */
const KEPT_MS = 60_000;
/** Cards under one message. */
const CARDS_MAX = 5;

/** Requests by address: the time, and the promise of the answer. */
const asked = new Map();

/** The issues that an element's links name: `{owner, repo, number, url}`, each once. */
export function issuesIn(element, base) {
  const found = new Map();
  for (const link of base ? element.querySelectorAll("a[href]") : []) {
    const issue = issueOf(link.getAttribute("href"), base);
    if (issue) found.set(`${issue.owner}/${issue.repo}#${issue.number}`, issue);
  }
  return [...found.values()].slice(0, CARDS_MAX);
}

/** `{owner, repo, number, url}` for an address of an issue or pull request at `base`; null for any other. */
export function issueOf(address, base) {
  if (!address.startsWith(`${base}/`)) return null;
  const [, owner, repo, kind, number] =
    /^([\w.-]+)\/([\w.-]+)\/(issues|pulls)\/(\d{1,9})(?:[/?#].*)?$/.exec(address.slice(base.length + 1)) ?? [];
  // An address with `..` leads to another place than it shows.
  const isPlace = number && [owner, repo].every((name) => !/^\.+$/.test(name));
  return isPlace ? { owner, repo, number: Number(number), url: `${base}/${owner}/${repo}/${kind}/${number}` } : null;
}

/** The state of an issue: `open`, `closed` or `merged`. */
export function standing(issue) {
  return issue.pull_request?.merged ? "merged" : String(issue.state);
}

/** Adds cards below a message's text; without an answer of Gitea, only the link remains. */
export async function showCards(row, base) {
  const issues = issuesIn(row, base);
  const cards = await Promise.all(issues.map(card));
  const place = row.querySelector(":scope > .issues") ?? el("ul", { class: "issues", "aria-label": "issues" });
  place.replaceChildren(...cards.filter((one) => one !== null));
  if (place.children.length > 0) row.querySelector(":scope > .body")?.after(place);
}

async function card({ owner, repo, number, url }) {
  let issue;
  try {
    issue = await ask(owner, repo, number);
  } catch {
    return null;
  }
  const state = standing(issue);
  const title = `#${number} ${inOrder(String(issue.title).slice(0, 200))}`;
  return el(
    "li",
    { data: { state } },
    el("span", { class: "state" }, state),
    " ",
    el("a", { href: url, rel: "noopener noreferrer", target: "_blank", dir: "auto" }, title),
    ` ${owner}/${repo}`,
  );
}

function ask(owner, repo, number) {
  const key = `${owner}/${repo}#${number}`;
  const known = asked.get(key);
  if (known && Date.now() - known.at < KEPT_MS) return known.answer;
  const answer = hub.issue(owner, repo, number);
  asked.set(key, { at: Date.now(), answer });
  return answer;
}
