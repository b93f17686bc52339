// Puts the page together: signs in, updates the state from the hub, and shows the view of the address.

import { listenForCopies } from "./ui/copy.js";
import { closeBeside, closeDialogs } from "./ui/dialog.js";
import { announce, byId, painted } from "./ui/dom.js";
import { listen } from "./keys.js";
import { dismiss, dismissed } from "./model/losses.js";
import { noticeOf, noticesOf, tell, wanted } from "./model/notices.js";
import { initial, reduce } from "./model/state.js";
import { openPalette } from "./palette.js";
import * as place from "./place.js";
import { followTheme, followZone, showConnection, showNav, showTitle } from "./shell.js";
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
import { PAGES, parseRoute, routeTo } from "./route.js";

const VIEWS = { overview, feed, direct, "incident-timeline": timeline, activity, search, agent: agentPage };
/** Pages that show something before the newest messages have arrived. */
const EARLY = ["", "overview", "signin"];
/** Messages that the page loads at its start, the newest first. */
const RECENT = 500;
const SIGNED_IN_KEY = "orochi-signed-in";
/** The interval at which an open page renews its login, which lasts 12 hours. */
const RENEW_EVERY_MS = 30 * 60_000;

const main = byId("main");
const fresh = () => ({ ...initial(), dismissed: dismissed() });
/** @type {import("../types.js").State} */
let state = fresh();
/** @type {import("../types.js").View | null} */
let view = null;
/** @type {(() => void) | null} Stops following the hub; null before it is followed. */
let stop = null;
/** True once the hub has answered: a browser that must sign in sees no page. */
let isIn = false;
/** True once the page of the address is shown. */
let isShown = false;
let isDrawing = false;
/** The number of starts; an earlier start's pending answers are ignored. */
let starts = 0;
/** True while a page that Back returned to is not complete. */
let isComingBack = false;
/** The address of the shown page; null before there is one. A new address is there before its page is. */
let shownAt = null;
/** The time of the hub's last answer or frame, by this machine's clock. */
let heardAt = Date.now();
/** The heading of the shown page. */
let title = "";
/** @type {ReturnType<typeof ask> | null} The pending answers to requests from before this module was loaded. */
let asked = first;
/** The reason for the sign-in page. */
let reason = "no_token";
/** The time of the last renewal. */
let renewedAt = 0;
/** True if the hub needs a token. */
let hasLogin = false;
/** The pending sign-out. Its answer sets a cookie, which must not replace that of the next sign-in. */
let leaving = Promise.resolve();

function dispatch(event) {
  state = reduce(state, event);
  if (isDrawing) return;
  isDrawing = true;
  // Many frames share one drawing; a hidden tab draws when it becomes visible.
  requestAnimationFrame(() => {
    isDrawing = false;
    view?.update(state);
  });
}

function fail(error) {
  if (!(error instanceof hub.SignedOut)) return announce(error.message);
  const mine = starts;
  leaving.then(() => mine === starts && leave(error.reason));
}

function deal(agent, since) {
  dispatch({ kind: "dismissed", losses: dismiss(agent, since) });
  showTitle(state, title);
}

/**
 * Changes the params of the shown page. Choices that are tried one after the other are one step back in the history.
 */
function go(page, next, isStep) {
  const to = routeTo(page, next);
  if (to === location.hash) view?.again?.();
  else if (isStep) location.hash = to;
  else location.replace(to);
}

/** @param {Event | null} gone the event of the address' change, if the user went from one page to another */
function show(gone = null) {
  const { path, params } = parseRoute(location.hash);
  const [page = "", name = ""] = path;
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
  shownAt = location.hash;
  const shown = isIn ? known(given) : signin({ reason: name === "wrong" ? "link" : reason, onSignedIn: start });
  view = shown;
  isShown = isIn;
  const focused = main.contains(document.activeElement) && document.activeElement?.getAttribute("aria-label");
  main.replaceChildren(shown.element);
  showNav(page || "overview", params, isIn);
  title = isIn ? (PAGES.find(([path]) => path === page)?.[1] ?? (name || "Overview")) : "Sign in";
  showTitle(state, title);
  shown.update(state);
  const back = gone ? place.kept() : { ...place.kept(), focus: null };
  main.scrollTop = back.top;
  // If a choice redraws the page, the focus stays on that choice.
  /** @type {HTMLElement | null} */
  const chosen = focused ? main.querySelector(`:is(select, input)[aria-label="${CSS.escape(focused)}"]`) : null;
  const isThere = place.focus(main, back);
  if (isIn && gone && !isThere) (chosen || shown.home || main).focus({ preventScroll: true });
  comeBack(shown.shown?.(), isThere ? { ...back, focus: null } : back);
}

/** Restores the reader's place on the page, once the page is complete. */
async function comeBack(shown, back) {
  const mine = view;
  isComingBack = back.top > 0 || back.focus !== null;
  await shown;
  if (mine !== view) return;
  isComingBack = false;
  if (back.top > 0) main.scrollTop = back.top;
  place.focus(main, back);
}

/** Stores the reader's place on the page, for Back: in the history's entry of that page, not of the one that comes. */
function keepPlace() {
  if (!isComingBack && location.hash === shownAt) place.keep(main);
}

async function start() {
  const mine = ++starts;
  try {
    const answers = asked ?? ask();
    asked = null;
    const data = await answers.overview;
    if (mine !== starts) return;
    noteStart(data.started ?? null);
    dispatch({ kind: "overview", data });
    isIn = true;
    const [page] = parseRoute(location.hash).path;
    if (page === "signin") history.replaceState(null, "", "#/");
    if (!isShown && EARLY.includes(page)) show();
    const rows = await answers.recent;
    if (mine !== starts) return;
    // Messages behind the overview's head are not missed: the socket continues from the newest row.
    dispatch({ kind: "history", rows });
    if (rows.length === 0) state = { ...state, lastSeq: 0 };
  } catch (error) {
    if (mine !== starts) return;
    if (error instanceof hub.SignedOut) return fail(error);
    showConnection("retrying", heardAt);
    setTimeout(() => mine === starts && start(), 2000);
    return;
  }
  begin();
}

/** The first answers have arrived: follows the hub, and shows the page. */
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
      if (hasLogin && Date.now() - renewedAt >= RENEW_EVERY_MS) renew();
    },
    onFrame: (frame) => {
      take(frame);
      const { mentions, channel } = frame.payload;
      // Waiting messages or the online agents may have changed.
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
    byId("signout").hidden = !token_required;
    hasLogin = token_required;
    if (token_required) localStorage.setItem(SIGNED_IN_KEY, "yes");
  }, fail);
  if (!isShown) show();
  loadRecent();
}

/** Loads the messages before the first ones, once the page is painted. */
async function loadRecent() {
  const mine = starts;
  const [oldest] = state.messages;
  if (!oldest || state.messages.length >= RECENT) return;
  await painted();
  try {
    const rows = await hub.recent({ before: oldest.seq, limit: RECENT - state.messages.length });
    if (mine === starts) dispatch({ kind: "history", rows });
  } catch (error) {
    // Pages request what they lack.
    if (!(error instanceof hub.Away)) fail(error);
  }
}

/**
 * Renews the login. A failed renewal is tried again with the next overview, which also reports that a login has ended.
 */
function renew() {
  renewedAt = Date.now();
  hub.renew().catch(() => (renewedAt = 0));
}

const open = (route) => (location.hash = routeTo(route));

function take(frame) {
  heardAt = Date.now();
  // An error means another log, which is shorter than the page's position.
  if (frame.type === "error") return beginAnew();
  const notice = noticeOf(frame, wanted(), state.agents);
  dispatch({ kind: "frame", frame });
  if (notice) tell(notice, open);
}

/** Starts again, because the hub has another log. */
function beginAnew() {
  stop?.();
  state = fresh();
  isShown = false;
  start();
}

/** `why` is the hub's reason; a browser that was never signed in is new here. */
function leave(why) {
  starts += 1;
  stop?.();
  stop = null;
  isIn = false;
  state = fresh();
  const wasIn = localStorage.getItem(SIGNED_IN_KEY) !== null;
  reason = why === undefined || (why === "no_token" && wasIn) ? "ended" : why;
  hasLogin = false;
  renewedAt = 0;
  byId("signout").hidden = true;
  show();
}

function signOut() {
  localStorage.removeItem(SIGNED_IN_KEY);
  leaving = hub.signOut().then(
    () => leave("out"),
    (error) => announce(error.message),
  );
}

const help = () => /** @type {HTMLDialogElement} */ (byId("help")).showModal();
const find = () => isIn && openPalette(state);
const pressed = (id, act) => byId(id).addEventListener("click", act);

followTheme();
followZone(() => show());
listenForCopies();
listen(() => ({ isIn, view, help, find }));
pressed("notices", () => chooseNotices(state));
pressed("find", find);
pressed("help-button", help);
closeBeside(byId("help"));
pressed("signout", signOut);
document.querySelector(".skip")?.addEventListener("click", (event) => {
  // The address names the page; a link within the page must not replace it.
  event.preventDefault();
  main.focus();
});
globalThis.addEventListener("hashchange", show);
// With any step in the history, even one to the same page.
globalThis.addEventListener("popstate", closeDialogs);
main.addEventListener("scrollend", keepPlace);
document.addEventListener("click", keepPlace, { capture: true });
showConnection("starting", heardAt);
start();
