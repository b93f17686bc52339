// The feed's scroll bar. Only this module moves it, so only this module can tell which movements were made by hand.

/** Pixels from the top at which older rows are fetched. */
const EDGE = 200;
/** Pixels from the bottom that count as the bottom. */
const BOTTOM = 40;

export class Scroll {
  /** The position of the scroll bar after following: a higher one was set by hand. */
  followedTo = 0;
  /**
   * The position of the scroll bar after moving to a mark, together with the box's height; null once it was moved by
   * hand.
   * @type {number | null}
   */
  broughtTo = null;
  broughtIn = 0;
  /** @type {HTMLElement | null} What the box keeps to when its size changes. */
  mark = null;

  /**
   * `isFollowing()` is true while the newest messages are followed; `onMove({isTop, isBottom})` is called after a
   * movement by hand.
   */
  constructor(box, list, { isFollowing, onMove }) {
    this.box = box;
    this.isFollowing = isFollowing;
    this.onMove = onMove;
    // Receipts and cards come later than their message, and push it down.
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

  /** True if everything is visible. */
  get isShort() {
    return this.box.scrollHeight <= this.box.clientHeight;
  }

  /** Scrolls to the bottom. */
  follow() {
    this.broughtTo = null;
    this.box.scrollTop = this.box.scrollHeight;
    this.followedTo = this.box.scrollTop;
  }

  /**
   * Moves an item to the middle, or to the top if it is too high for that. If most of it stays visible, the text before
   * it is not cut at the top.
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

  /** Restores the position after the box has changed its size. */
  keep() {
    if (this.isFollowing()) this.follow();
    else if (this.broughtTo !== null && this.mark?.isConnected) this.bring(this.mark);
  }

  /** Draws; the text that is being read stays in place. */
  holding(draw) {
    const anchor = this.isFollowing() ? null : this.firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    draw();
    if (this.isFollowing()) return this.follow();
    if (!anchor?.isConnected) return;
    const { scrollTop } = this.box;
    this.box.scrollTop += anchor.getBoundingClientRect().top - before;
    // This was no movement by hand.
    if (this.broughtTo !== null) this.broughtTo += this.box.scrollTop - scrollTop;
  }

  /** The reader changed the box's content: the present position is the one to keep. */
  touched() {
    if (this.broughtTo !== null) this.broughtTo = this.box.scrollTop;
  }

  scrolled() {
    const { box } = this;
    if (box.scrollTop === this.broughtTo) return;
    // The browser scrolls a box that has changed its size.
    if (this.broughtTo !== null && box.clientHeight !== this.broughtIn) return this.keep();
    this.broughtTo = null;
    // The browser reports a scrolling after the fact: after following, more rows may have come below since.
    if (this.isFollowing() && box.scrollTop >= this.followedTo - 1) return;
    this.onMove({ isTop: box.scrollTop < EDGE, isBottom: this.isAtBottom });
  }

  firstVisible() {
    const { top } = this.box.getBoundingClientRect();
    return [...this.box.querySelector("ol").children].find((item) => item.getBoundingClientRect().bottom > top);
  }
}
