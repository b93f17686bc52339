// The replies below a message: one line with their number, and the replies once it is opened.

import { el } from "../../ui/dom.js";
import { duration, secondsBetween } from "../../ui/format.js";
import { messageRow } from "../message.js";

export class Thread {
  /**
   * `opened` is the Set of the seqs of all open threads, which outlives this row. `target` is the marked seq, `channel`
   * the shown channel.
   */
  constructor(first, { opened, target, channel }) {
    this.first = first;
    this.opened = opened;
    this.target = target;
    this.channel = channel;
    this.list = el("ol", { class: "replies", id: `replies-${first.seq}`, "aria-label": "replies" });
    this.button = el("button", {
      type: "button",
      class: "thread",
      "aria-controls": this.list.id,
      onclick: () => this.toggle(),
    });
    this.element = el("div", {}, this.button, this.list);
    this.show();
  }

  /** `now` is the hub's time. */
  update(replies, now) {
    const last = replies.at(-1);
    const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
    const text = `${count}, last by ${last.sender} ${duration(secondsBetween(last.ts, now))} ago`;
    if (this.button.textContent !== text) this.button.textContent = text;
    this.replies = replies;
    this.fill();
  }

  toggle() {
    if (!this.opened.delete(this.first.seq)) this.opened.add(this.first.seq);
    this.show();
    this.fill();
  }

  show() {
    const isOpen = this.opened.has(this.first.seq);
    this.button.setAttribute("aria-expanded", String(isOpen));
    this.list.hidden = !isOpen;
  }

  fill() {
    // Folded replies are not in the document.
    if (this.list.hidden) return this.list.replaceChildren();
    const shown = new Map([...this.list.children].map((item) => [Number(item.dataset.seq), item]));
    const bySeq = new Map(this.replies.map((row) => [row.seq, row]));
    const { target, channel } = this;
    const made = (row) =>
      messageRow(row, { parent: bySeq.get(row.reply_to), isInThread: true, isTarget: row.seq === target, channel });
    const items = this.replies.map((row) => shown.get(row.seq) ?? made(row));
    if (items.length !== this.list.children.length || items.some((item, at) => item !== this.list.children[at])) {
      this.list.replaceChildren(...items);
    }
  }
}
