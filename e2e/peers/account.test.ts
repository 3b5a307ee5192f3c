import assert from "node:assert/strict";
import { test } from "node:test";

import { Account, balance } from "./account.ts";

test("who was accepted, and is neither delivered to nor in a spool, is lost", () => {
  const delivered = new Map([["a", 1]]);
  const { lost, doubled } = balance({ accepted: ["a", "b", "c"], delivered, queued: new Set(["b"]) });
  assert.deepEqual([lost, doubled], [["c"], []]);
});

test("who is delivered to twice is doubled, accepted or not", () => {
  const delivered = new Map([
    ["a", 2],
    ["stranger", 3],
  ]);
  assert.deepEqual(balance({ accepted: ["a"], delivered, queued: new Set() }).doubled, ["a", "stranger"]);
});

test("a recipient that is used twice is refused, since nobody could tell the two messages apart", () => {
  const account = new Account();
  account.tookNumbered(3, "user@example.net");
  assert.throws(() => account.took("2user@example.net"), /second time/);
});

test("what the scenario gave up itself is asked of nobody", () => {
  const account = new Account();
  account.took("a@gone.test");
  account.took("b@kept.test");
  account.gaveUp("gone.test");
  assert.deepEqual([...account.accepted], ["b@kept.test"]);
});
