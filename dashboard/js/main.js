// Puts the page together: signs in, feeds the state from the hub, shows the view that the address names.

import { announce, el } from "./ui/dom.js";
import { ask, first } from "./wire/first.js";
import { clock, needsPerson, parseRoute, routeTo } from "./ui/format.js";
import * as hub from "./wire/hub.js";
import { listen } from "./keys.js";
import { dismiss, dismissed } from "./model/losses.js";
import { noticeOf, tell, wanted } from "./model/notices.js";
import { initial, reduce } from "./model/state.js";
import { follow } from "./wire/sync.js";
import { agentPage } from "./views/agent.js";
import { feed } from "./views/feed/view.js";
import { noteStart } from "./views/message.js";
import { chooseNotices } from "./views/notify.js";
import { activity } from "./views/activity.js";
import { overview } from "./views/overview.js";
import { search } from "./views/search.js";
import { signin } from "./views/signin.js";

const PAGES = [
  ["overview", "Overview"],
  ["feed", "Feed"],
  ["activity", "Activity"],
  ["search", "Search"],
];

const main = document.getElementById("main");
let state = { ...initial(), dismissed: dismissed() };
let view = null;
let stop = null;
let isDrawing = false;
/** How often the page began; what an earlier beginning still waits for is not taken. */
let starts = 0;
/** Whether the page is not all there yet to which somebody came back. */
let isComingBack = false;
/** When the hub last said anything, by this machine's clock. */
let heardAt = Date.now();
/** What the page that is shown is called. */
let title = "";
/** The answers that are under way from before this module was there. */
let asked = first;

function dispatch(event) {
  state = reduce(state, event);
  if (isDrawing) return;
  isDrawing = true;
  // However many frames come, one drawing a picture; a hidden tab draws when it is looked at.
  requestAnimationFrame(() => {
    isDrawing = false;
    view?.update(state);
  });
}

function fail(error) {
  if (error instanceof hub.SignedOut) leave();
  else announce(error.message);
}

function showConnection(text) {
  const asOf = () => `disconnected, retrying: this is as of ${clock(heardAt)}`;
  const place = document.getElementById("connection");
  if (place.dataset.state !== text) place.textContent = text === "retrying" ? asOf() : text;
  place.dataset.state = text;
  document.body.classList.toggle("stale", text === "retrying");
}

/** The tab's title says how many agents need somebody, also where the tab is not looked at. */
function showTitle() {
  const count = [...state.agents.values()].filter(needsPerson).length;
  const words = `${count > 0 ? `(${count}) ` : ""}${title} - Orochi`;
  if (document.title !== words) document.title = words;
}

/** `gone`: the event of the address' change, where somebody went from one page to another. */
function show(gone = null) {
  const { path, params } = parseRoute(location.hash);
  const [page = "", name = ""] = path;
  // Of choices that are tried one after the other, the last is one step back.
  const go = (next, { isStep = true } = {}) => {
    const to = routeTo([page || "overview"], next);
    if (to === location.hash) view.again?.();
    else if (isStep) location.hash = to;
    else location.replace(to);
  };
  const deal = (agent, since) => {
    dispatch({ kind: "dismissed", losses: dismiss(agent, since) });
    showTitle();
  };
  const given = { params, go, onError: fail, dismiss: deal };
  const pages = {
    feed: () => feed(given),
    activity: () => activity(given),
    search: () => search(given),
    agent: () => agentPage({ ...given, name }),
  };
  const isIn = stop !== null;
  const open = Object.hasOwn(pages, page) ? pages[page] : () => overview(given);
  view = isIn ? open() : signin({ wrong: name === "wrong", onSignedIn: start });
  const focused = main.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
  main.replaceChildren(view.element);
  const links = PAGES.map(([path, text]) =>
    el("a", { href: `#/${path}`, "aria-current": (page || "overview") === path ? "page" : null }, text),
  );
  document.getElementById("notices").hidden = !isIn;
  document.getElementById("nav").replaceChildren(...(isIn ? links : []));
  title = PAGES.find(([path]) => path === page)?.[1] ?? (name || "Overview");
  showTitle();
  view.update(state);
  const top = history.state?.top ?? 0;
  main.scrollTop = top;
  // A choice that draws the page anew does not take one away from where it was made.
  const chosen = focused && main.querySelector(`select[aria-label="${CSS.escape(focused)}"]`);
  if (isIn && gone) (chosen || view.home || main).focus({ preventScroll: true });
  comeBack(view.shown?.(), top);
}

/** To where one was on the page, once it is all there. */
async function comeBack(shown, top) {
  const mine = view;
  isComingBack = top > 0;
  await shown;
  if (mine !== view) return;
  isComingBack = false;
  if (top > 0) main.scrollTop = top;
}

/** For the way back: where one is on the page. */
function keepPlace() {
  if (!isComingBack) history.replaceState({ top: main.scrollTop }, "");
}

async function start() {
  const mine = ++starts;
  try {
    const answers = asked ?? ask();
    asked = null;
    const [data, rows] = await answers;
    if (mine !== starts) return;
    noteStart(data.started ?? null);
    dispatch({ kind: "overview", data });
    // What the overview's head is past is not missed: the socket goes on from the newest row.
    dispatch({ kind: "history", rows });
    if (rows.length === 0) state = { ...state, lastSeq: 0 };
  } catch (error) {
    if (mine !== starts) return;
    if (error instanceof hub.SignedOut) return leave();
    showConnection("retrying");
    setTimeout(() => mine === starts && start(), 2000);
    return;
  }
  stop?.();
  const live = follow({
    lastSeq: () => state.lastSeq,
    onOverview: (data) => {
      heardAt = Date.now();
      if (state.epoch !== null && data.epoch !== state.epoch) return beginAnew();
      noteStart(data.started ?? null);
      dispatch({ kind: "overview", data });
      showTitle();
      view?.tick?.();
    },
    onFrame: (frame) => {
      take(frame);
      const { mentions, channel } = frame.payload;
      // What waits for whom has changed, or who is there.
      if (frame.type === "presence_change" || mentions?.length || channel?.startsWith("@")) live.soon();
    },
    onConnection: (connection) => {
      showConnection(connection);
      dispatch({ kind: "connection", state: connection });
    },
    onError: fail,
  });
  stop = live.end;
  hub.session().then(({ token_required }) => (document.getElementById("signout").hidden = !token_required), fail);
  if (parseRoute(location.hash).path[0] === "signin") history.replaceState(null, "", "#/");
  show();
}

function take(frame) {
  heardAt = Date.now();
  if (frame.type === "error") {
    // This is another log, which has not come to where the page was.
    return beginAnew();
  }
  const notice = noticeOf(frame, wanted(), state.agents.get(frame.payload.agent));
  dispatch({ kind: "frame", frame });
  if (notice) tell(notice, (route) => (location.hash = routeTo(route)));
}

/** The hub has another log than the page. */
function beginAnew() {
  stop?.();
  state = { ...initial(), dismissed: dismissed() };
  start();
}

function leave() {
  starts += 1;
  stop?.();
  stop = null;
  state = { ...initial(), dismissed: dismissed() };
  document.getElementById("signout").hidden = true;
  show();
}

/** Dark is not what browsers report by default, so the page starts dark and is light where that was chosen here. */
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "light" ? "Dark" : "Light";
}

document.getElementById("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "light" ? "dark" : "light";
  localStorage.setItem("orochi-theme", theme);
  setTheme(theme);
});
setTheme(localStorage.getItem("orochi-theme") ?? "dark");

listen(() => ({ isIn: stop !== null, view, help: () => document.getElementById("help").showModal() }));
document.getElementById("notices").addEventListener("click", () => chooseNotices([...state.agents.keys()]));
document.querySelector(".skip").addEventListener("click", (event) => {
  // The address names the page; a place within it must not take that over.
  event.preventDefault();
  main.focus();
});
document.getElementById("signout").addEventListener("click", () => hub.signOut().then(leave, fail));
globalThis.addEventListener("hashchange", show);
main.addEventListener("scrollend", keepPlace);
document.addEventListener("click", keepPlace, { capture: true });
showConnection("starting");
start();
