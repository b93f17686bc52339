// Mentions in the page's text: every case of the table that the hub is held to.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { parts, plainParts } from "../js/ui/text.js";

const cases = JSON.parse(readFileSync(new URL("../../tests/words/mentions.json", import.meta.url), "utf8"));
const names = (found) => found.filter(({ kind }) => kind === "mention").map(({ name }) => name);

test("mentions that the hub took are found where they stand", () => {
  for (const { content, mentions } of cases) {
    const found = plainParts(content, new Set(mentions));
    assert.deepEqual([...new Set(names(found))], mentions, JSON.stringify(content));
    const whole = found.map(({ kind, text, sign }) => (kind === "mention" ? sign + text : text)).join("");
    assert.equal(whole, content, "all of the text is there");
  }
});

test("mentions are shown as they were written and lead to the agent that was meant", () => {
  const [before, mention, after] = parts("交给＠scoutさん", ["Scout"]);
  assert.deepEqual([before.text, after.text], ["交给", "さん"]);
  assert.deepEqual(mention, { kind: "mention", text: "scout", name: "Scout", sign: "＠" });
  assert.deepEqual(names(parts("me@Scout @scouting", ["Scout"])), []);
});

test("mentions in a text of nothing but signs are looked for once", () => {
  const mentions = Array.from({ length: 256 }, (_, n) => `Agent-${n}`);
  const text = "@agent-1さん `".repeat(16_000);
  assert.equal(names(plainParts(text, new Set(mentions))).length, 16_000);
});
