// Addresses that are issues of the hub's Gitea.

import assert from "node:assert/strict";
import { test } from "node:test";

import { issueOf, standing } from "../js/ui/issues.js";

const BASE = "https://git.lab/gitea";

test("an address of an issue or a pull request is known, also with what follows it", () => {
  for (const [path, number] of [
    ["lab/api/issues/7", 7],
    ["lab/api/pulls/8", 8],
    ["lab/api/issues/7#issuecomment-3", 7],
    ["a.b/c-d_e/pulls/12/files", 12],
  ]) {
    assert.equal(issueOf(`${BASE}/${path}`, BASE)?.number, number, path);
  }
});

test("any other address is only a link", () => {
  for (const address of [
    `${BASE}/lab/api`,
    `${BASE}/lab/api/issues`,
    `${BASE}/lab/api/issues/x`,
    `${BASE}/lab/api/wiki/7`,
    "https://evil.lab/gitea/lab/api/issues/7",
    `${BASE}.evil/lab/api/issues/7`,
    `${BASE}/../lab/issues/7`,
    `${BASE}/lab/api/issues/7x`,
  ]) {
    assert.equal(issueOf(address, BASE), null, address);
  }
});

test("a merged pull request is not just closed", () => {
  assert.equal(standing({ state: "closed", pull_request: { merged: true } }), "merged");
  assert.equal(standing({ state: "closed", pull_request: null }), "closed");
});
