// Bars: the colours of channels, and their stacking.

import assert from "node:assert/strict";
import { test } from "node:test";

import { cap, colourOf, SHOWN, series, stacked } from "../js/ui/bars.js";

test("the channels that say most come first, and many become one", () => {
  const few = series({ "#a": [1, 0], "#b": [2, 2] });
  assert.deepEqual(
    few.map(({ name, total }) => [name, total]),
    [
      ["#b", 4],
      ["#a", 1],
    ],
  );
  const many = series(Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`#${n}`, [n, 1]])));
  assert.equal(many.length, SHOWN);
  assert.deepEqual([many.at(-1).name, many.at(-1).counts], ["4 others", [6, 4]]);
});

test("bars stand on each other, the highest fills the picture, and few messages do not", () => {
  const found = stacked(series({ "#a": [1, 0], "#b": [3, 2] }));
  assert.deepEqual(found, {
    blocks: [
      { bucket: 0, y: 25, height: 75, at: 0, count: 3 },
      { bucket: 0, y: 0, height: 25, at: 1, count: 1 },
      { bucket: 1, y: 50, height: 50, at: 0, count: 2 },
    ],
    cap: 4,
    most: 4,
    over: [],
    totals: [4, 2],
  });
  assert.deepEqual(
    stacked([{ counts: [1] }]).blocks.map(({ height }) => height),
    [25],
  );
  assert.deepEqual(stacked([]).blocks, []);
});

test("bars cut a flood off, so that it does not flatten the rest", () => {
  const counts = [...Array.from({ length: 20 }, () => 5), 800];
  assert.equal(cap(counts), 20);
  const { over, blocks, most } = stacked([{ name: "#a", counts }]);
  assert.deepEqual([over, most, blocks.at(-1).height, blocks[0].height], [[20], 800, 100, 25]);
  assert.equal(cap([10, 12, 30]), 30, "no flood");
});

test("bars give a channel one colour on every picture", () => {
  assert.equal(colourOf("#builds"), colourOf("#builds"));
  assert.equal(colourOf("12 others"), "rest");
});
