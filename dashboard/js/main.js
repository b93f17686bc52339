// Puts the page together: signs in, feeds the state from the hub, shows the view that the address names.

import { announce } from "./ui/dom.js";
import { listenForCopies } from "./ui/copy.js";
import { parseRoute, routeTo } from "./ui/format.js";
import { listen } from "./keys.js";
import { dismiss, dismissed } from "./model/losses.js";
import { noticeOf, noticesOf, tell, wanted } from "./model/notices.js";
import { initial, reduce } from "./model/state.js";
import { openPalette } from "./palette.js";
import { followTheme, followZone, PAGES, showConnection, showNav, showTitle } from "./shell.js";
import { activity } from "./views/activity.js";
import { agentPage } from "./views/agent.js";
import { direct } from "./views/direct.js";
import { feed } from "./views/feed/view.js";
import { noteStart } from "./views/message.js";
import { missing } from "./views/missing.js";
import { chooseNotices } from "./views/notify.js";
import { overview } from "./views/overview.js";
import { search } from "./views/search.js";
import { signin } from "./views/signin.js";
import { timeline } from "./views/timeline.js";
import { ask, first } from "./wire/first.js";
import * as hub from "./wire/hub.js";
import { follow } from "./wire/sync.js";

const VIEWS = { overview, feed, direct, timeline, activity, search, agent: agentPage };
const SIGNED_IN_KEY = "orochi-signed-in";

const main = document.getElementById("main");
const fresh = () => ({ ...initial(), dismissed: dismissed() });
let state = fresh();
let view = null;
let stop = null;
let isDrawing = false;
/** How often the page began; what an earlier beginning still waits for is not taken. */
let starts = 0;
/** Whether the page is not all there yet to which somebody came back. */
let isComingBack = false;
/** When the hub last said anything, by this machine's clock. */
let heardAt = Date.now();
/** The heading of the page that is shown. */
let title = "";
/** The answers that are under way from before this module was there. */
let asked = first;
/** Why the sign-in page is shown. */
let reason = "first";

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
  if (error instanceof hub.SignedOut) leave(error.reason);
  else announce(error.message);
}

function deal(agent, since) {
  dispatch({ kind: "dismissed", losses: dismiss(agent, since) });
  showTitle(state, title);
}

/** Changes the params of the page that is shown. Of choices tried one after the other, the last is one step back. */
function go(page, next, isStep) {
  const to = routeTo(page, next);
  if (to === location.hash) view.again?.();
  else if (isStep) location.hash = to;
  else location.replace(to);
}

/** `gone`: the event of the address' change, where somebody went from one page to another. */
function show(gone = null) {
  const { path, params } = parseRoute(location.hash);
  const [page = "", name = ""] = path;
  const isIn = stop !== null;
  const given = {
    params,
    name,
    path,
    go: (next, { isStep = true } = {}) => go(page ? path : ["overview"], next, isStep),
    onError: fail,
    dismiss: deal,
  };
  const known = page === "" || page === "signin" ? overview : Object.hasOwn(VIEWS, page) ? VIEWS[page] : missing;
  view?.end?.();
  view = isIn ? known(given) : signin({ reason: name === "wrong" ? "link" : reason, onSignedIn: start });
  const focused = main.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
  main.replaceChildren(view.element);
  showNav(page || "overview", params, isIn);
  title = isIn ? (PAGES.find(([path]) => path === page)?.[1] ?? (name || "Overview")) : "Sign in";
  showTitle(state, title);
  view.update(state);
  const top = history.state?.top ?? 0;
  main.scrollTop = top;
  // A choice that draws the page anew does not take one away from where it was made.
  const chosen = focused && main.querySelector(`:is(select, input)[aria-label="${CSS.escape(focused)}"]`);
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
    if (error instanceof hub.SignedOut) return leave(error.reason);
    showConnection("retrying", heardAt);
    setTimeout(() => mine === starts && start(), 2000);
    return;
  }
  begin();
}

/** Everything is there: follows the hub, and shows the page. */
function begin() {
  stop?.();
  const live = follow({
    lastSeq: () => state.lastSeq,
    onOverview: (data) => {
      heardAt = Date.now();
      if (state.epoch !== null && data.epoch !== state.epoch) return beginAnew();
      noteStart(data.started ?? null);
      const before = state.agents;
      dispatch({ kind: "overview", data });
      for (const notice of noticesOf(before, state.agents, wanted())) tell(notice, open);
      showTitle(state, title);
      view?.tick?.();
    },
    onFrame: (frame) => {
      take(frame);
      const { mentions, channel } = frame.payload;
      // What waits for whom has changed, or who is there.
      if (frame.type === "presence_change" || mentions?.length || channel?.startsWith("@")) live.soon();
    },
    onConnection: (connection) => {
      showConnection(connection, heardAt);
      dispatch({ kind: "connection", state: connection });
    },
    onError: fail,
  });
  stop = live.end;
  hub.session().then(({ token_required }) => {
    document.getElementById("signout").hidden = !token_required;
    if (token_required) localStorage.setItem(SIGNED_IN_KEY, "yes");
  }, fail);
  if (parseRoute(location.hash).path[0] === "signin") history.replaceState(null, "", "#/");
  show();
}

const open = (route) => (location.hash = routeTo(route));

function take(frame) {
  heardAt = Date.now();
  // An error: this is another log, which has not come to where the page was.
  if (frame.type === "error") return beginAnew();
  const notice = noticeOf(frame, wanted(), state.agents);
  dispatch({ kind: "frame", frame });
  if (notice) tell(notice, open);
}

/** The hub has another log than the page. */
function beginAnew() {
  stop?.();
  state = fresh();
  start();
}

/** `why` is what the hub says of it; a browser that was never signed in is there for the first time. */
function leave(why) {
  starts += 1;
  stop?.();
  stop = null;
  state = fresh();
  const wasIn = localStorage.getItem(SIGNED_IN_KEY) !== null;
  reason = why ?? (wasIn ? "ended" : "first");
  document.getElementById("signout").hidden = true;
  show();
}

function signOut() {
  localStorage.removeItem(SIGNED_IN_KEY);
  hub.signOut().then(() => leave("out"), fail);
}

const help = () => /** @type {HTMLDialogElement} */ (document.getElementById("help")).showModal();
const find = () => stop !== null && openPalette(state);
const pressed = (id, act) => document.getElementById(id).addEventListener("click", act);

followTheme();
followZone(() => show());
listenForCopies();
listen(() => ({ isIn: stop !== null, view, help, find }));
pressed("notices", () => chooseNotices(state));
pressed("find", find);
pressed("help-button", help);
pressed("signout", signOut);
document.querySelector(".skip").addEventListener("click", (event) => {
  // The address names the page; a place within it must not take that over.
  event.preventDefault();
  main.focus();
});
globalThis.addEventListener("hashchange", show);
main.addEventListener("scrollend", keepPlace);
document.addEventListener("click", keepPlace, { capture: true });
showConnection("starting", heardAt);
start();
