// The positions of a search's matches in the drawn text.

import assert from "node:assert/strict";
import { test } from "node:test";

import { inUnits, snippetParts, spread } from "../js/ui/matches.js";
import { searchText, widened } from "../js/views/search.js";

const marks = (content, ranges, texts) =>
  spread(content, inUnits(content, ranges), texts).map((found, at) =>
    found.map(([start, end]) => texts[at].slice(start, end)),
  );

test("search matches are counted in code points and marked in what Markdown leaves", () => {
  assert.deepEqual(marks("𠮷 **build** `build` 失敗", [[4, 9], [13, 18]], ["𠮷 ", "build", " ", "build", " 失敗"]), [
    [],
    ["build"],
    [],
    ["build"],
    [],
  ]);
  assert.deepEqual(marks("今朝の検証は失敗した", [[6, 8]], ["今朝の検証は失敗した"]), [["失敗"]]);
  // A phrase over several elements is marked in each of them.
  assert.deepEqual(marks("a **deploy** failed", [[4, 10], [13, 19]], ["a ", "deploy", " failed"]), [
    [],
    ["deploy"],
    ["failed"],
  ]);
});

test("search matches stand where they are when the text was escaped, and nowhere else", () => {
  // The drawn text lacks the backslash, so its words are found one by one.
  assert.deepEqual(marks("the \\*fox\\* is a fox", [[15, 18]].map(([s]) => [s + 2, s + 5]), ["the *fox* is a fox"]), [
    ["fox"],
  ]);
  assert.deepEqual(marks("nothing here", [[0, 7]], ["another text"]), [[]]);
  assert.deepEqual(marks("x", [[0, 1]], ["x", "x"]), [["x"], []]);
});

test("search snippets are texts and matches", () => {
  assert.deepEqual(snippetParts("…the \ue000fox\ue001 and \ue000dog\ue001"), [
    { text: "…the ", isMatch: false },
    { text: "fox", isMatch: true },
    { text: " and ", isMatch: false },
    { text: "dog", isMatch: true },
  ]);
  assert.deepEqual(snippetParts("none"), [{ text: "none", isMatch: false }]);
});

test("search fields are operators of one text", () => {
  assert.equal(searchText({ q: " -draft ", sender: "alice", channel: "#builds" }), "-draft from:alice in:#builds");
  assert.equal(searchText({ since: "2026-01-15T10:00:00Z" }), "after:2026-01-15T10:00:00Z");
  assert.equal(searchText({}), "");
});

test("search offers the beginnings of plain words, and of nothing else", () => {
  const cases = [
    ["flak", "flak*"],
    ["build fail", "build* fail*"],
    ["flak* from:alice", null],
    ['"to deploy" draft -old from:"a b"', '"to deploy" draft* -old from:"a b"'],
    ["失敗", null],
    ["", null],
    ["a", null],
  ];
  for (const [text, wider] of cases) assert.equal(widened(text), wider, text);
});
