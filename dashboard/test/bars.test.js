// Bars: which channels have a colour of their own, and how they stand on each other.

import assert from "node:assert/strict";
import { test } from "node:test";

import { COLOURS, series, stacked } from "../js/ui/bars.js";

test("the channels that say most come first, and many become one", () => {
  const few = series({ "#a": [1, 0], "#b": [2, 2] });
  assert.deepEqual(
    few.map(({ name, total }) => [name, total]),
    [
      ["#b", 4],
      ["#a", 1],
    ],
  );
  const many = series(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`#${n}`, [n, 1]])));
  assert.equal(many.length, COLOURS);
  assert.deepEqual([many.at(-1).name, many.at(-1).counts], ["4 others", [6, 4]]);
});

test("bars stand on each other, the highest fills the picture, and few messages do not", () => {
  const found = stacked(series({ "#a": [1, 0], "#b": [3, 2] }));
  assert.deepEqual(found, {
    blocks: [
      { bucket: 0, y: 25, height: 75, colour: 0, count: 3 },
      { bucket: 0, y: 0, height: 25, colour: 1, count: 1 },
      { bucket: 1, y: 50, height: 50, colour: 0, count: 2 },
    ],
    most: 4,
  });
  assert.deepEqual(
    stacked([{ counts: [1] }]).blocks.map(({ height }) => height),
    [25],
  );
  assert.deepEqual(stacked([]).blocks, []);
});
