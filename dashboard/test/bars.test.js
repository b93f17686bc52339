// Bars: which channels have a colour of their own, and how they stand on each other.

import assert from "node:assert/strict";
import { test } from "node:test";

import { COLOURS, blocks, series } from "../js/bars.js";

test("the channels that say most come first, and many become one", () => {
  const few = series({ "#a": [1, 0], "#b": [2, 2] });
  assert.deepEqual(few.map(({ name, total }) => [name, total]), [["#b", 4], ["#a", 1]]);
  const many = series(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`#${n}`, [n, 1]])));
  assert.equal(many.length, COLOURS);
  assert.deepEqual([many.at(-1).name, many.at(-1).counts], ["4 others", [6, 4]]);
});

test("bars stand on each other and the highest fills the picture", () => {
  const found = blocks(series({ "#a": [1, 0], "#b": [3, 2] }));
  assert.deepEqual(found, [
    { x: 0, y: 25, height: 75, colour: 0 },
    { x: 0, y: 0, height: 25, colour: 1 },
    { x: 1, y: 50, height: 50, colour: 0 },
  ]);
  assert.deepEqual(blocks([]), []);
});
