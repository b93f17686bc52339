// Spans of time as shares of a strip.

import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces, shares } from "../js/ui/strip.js";

test("spans become shares of the strip, with words", () => {
  const spans = [
    { state: "busy", since: "2026-01-01T00:00:00Z", until: "2026-01-01T06:00:00Z" },
    { state: "reviewing", since: "2026-01-01T06:00:00Z", until: "2026-01-02T00:00:00Z" },
  ];
  const [busy, other] = pieces(spans, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
  assert.deepEqual([busy.x, busy.width, busy.state], [0, 250, "busy"]);
  assert.deepEqual([other.x, other.width, other.state], [250, 750, "other"]);
  assert.match(busy.text, /^busy for 6 h from /);
  assert.match(other.text, /^reviewing for 18 h/);
  assert.equal(shares([...spans, { ...spans[0], since: "2026-01-01T05:00:00Z" }]), "reviewing 18 h, busy 7 h");
});

test("a moment can still be seen", () => {
  const [one] = pieces(
    [{ state: "error", since: "2026-01-01T12:00:00Z", until: "2026-01-01T12:00:01Z" }],
    "2026-01-01T00:00:00Z",
    "2026-01-02T00:00:00Z",
  );
  assert.equal(one.width, 1);
});
