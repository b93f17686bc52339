// The feed's scroll bar. This module alone moves it, and so it alone can tell what a hand did.

/** Pixels from the top at which older rows are fetched. */
const EDGE = 200;
/** Pixels from the bottom that count as the bottom. */
const BOTTOM = 40;

export class Scroll {
  /** Where following put the scroll bar: one that is above was moved by somebody. */
  followedTo = 0;
  /**
   * Where the scroll bar was put for a mark, and how high the box was then; null once somebody has moved it.
   * @type {number | null}
   */
  broughtTo = null;
  broughtIn = 0;
  /** @type {HTMLElement | null} What the box keeps to when its size changes. */
  mark = null;

  /** `isFollowing()` says whether the newest are followed; `onMove({isTop, isBottom})` is called for a hand. */
  constructor(box, list, { isFollowing, onMove }) {
    this.box = box;
    this.isFollowing = isFollowing;
    this.onMove = onMove;
    // Deliveries and cards come later than their message, and push it down.
    this.observers = [
      new ResizeObserver(() => this.isFollowing() && this.follow()),
      new ResizeObserver(() => this.keep()),
    ];
    this.observers[0].observe(list);
    this.observers[1].observe(box);
    box.addEventListener("scroll", () => this.scrolled());
  }

  end() {
    for (const observer of this.observers) observer.disconnect();
  }

  get isAtBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.box;
    return scrollHeight - scrollTop - clientHeight < BOTTOM;
  }

  /** Whether all of it is in sight. */
  get isShort() {
    return this.box.scrollHeight <= this.box.clientHeight;
  }

  /** To the bottom. */
  follow() {
    this.broughtTo = null;
    this.box.scrollTop = this.box.scrollHeight;
    this.followedTo = this.box.scrollTop;
  }

  /**
   * Puts an item into the middle, or where it is too high to its beginning. Where that leaves most of it in sight, what
   * stands before it is not cut off at the top.
   */
  bring(item) {
    const { box } = this;
    this.mark = item;
    item.scrollIntoView({ block: item.offsetHeight > box.clientHeight ? "start" : "center" });
    const { top } = box.getBoundingClientRect();
    const before = (item.previousElementSibling ?? item).getBoundingClientRect().top;
    const isNear = item.getBoundingClientRect().bottom - before < box.clientHeight * 0.8;
    if (before < top && isNear) box.scrollTop -= top - before;
    this.broughtTo = box.scrollTop;
    this.broughtIn = box.clientHeight;
  }

  /** After the box has another size. */
  keep() {
    if (this.isFollowing()) this.follow();
    else if (this.broughtTo !== null && this.mark?.isConnected) this.bring(this.mark);
  }

  /** Draws; what is being read stays where it is. */
  holding(draw) {
    const anchor = this.isFollowing() ? null : this.firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    draw();
    if (this.isFollowing()) return this.follow();
    if (!anchor?.isConnected) return;
    const { scrollTop } = this.box;
    this.box.scrollTop += anchor.getBoundingClientRect().top - before;
    // Nobody moved it by hand.
    if (this.broughtTo !== null) this.broughtTo += this.box.scrollTop - scrollTop;
  }

  /** A hand changed what stands in the box: its place now is the one to keep. */
  touched() {
    if (this.broughtTo !== null) this.broughtTo = this.box.scrollTop;
  }

  scrolled() {
    const { box } = this;
    if (box.scrollTop === this.broughtTo) return;
    // A box that has another size is scrolled by the browser.
    if (this.broughtTo !== null && box.clientHeight !== this.broughtIn) return this.keep();
    this.broughtTo = null;
    // The browser tells of a scrolling after the fact: of one that following did, more may have come below since.
    if (this.isFollowing() && box.scrollTop >= this.followedTo - 1) return;
    this.onMove({ isTop: box.scrollTop < EDGE, isBottom: this.isAtBottom });
  }

  firstVisible() {
    const { top } = this.box.getBoundingClientRect();
    return [...this.box.querySelector("ol").children].find((item) => item.getBoundingClientRect().bottom > top);
  }
}
