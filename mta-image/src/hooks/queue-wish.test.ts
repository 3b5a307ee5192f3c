import assert from "node:assert/strict";
import { test } from "node:test";

import { type Value, HslArray } from "../script/value.ts";
import { plainQueue, queueWish } from "./queue-wish.ts";

const wish = (...options: readonly (readonly [string, Value])[]) =>
  queueWish(HslArray.from(options), (id) => id === "other");

test("nothing said is another try as the schedule says", () => {
  assert.deepEqual(
    queueWish(null, () => false),
    plainQueue,
  );
  assert.deepEqual(wish(["increment_retry", true], ["reset_retry", false], ["hold", false]), plainQueue);
  assert.deepEqual(wish(["delay", -1]), plainQueue);
});

test("each option is its own, and a count that begins again outweighs one that stays", () => {
  assert.deepEqual(wish(["delay", 1.5], ["hold", true]), { ...plainQueue, delayMs: 1500, isHeld: true });
  assert.deepEqual(wish(["increment_retry", false]), { ...plainQueue, counted: "same" });
  assert.deepEqual(wish(["increment_retry", false], ["reset_retry", true]), {
    ...plainQueue,
    counted: "none",
  });
  assert.deepEqual(wish(["transportid", "other"]), { ...plainQueue, transportId: "other" });
});

test("a transport that is not there is refused", () => {
  assert.equal(wish(["transportid", "nowhere"]), "transportid is no transport");
  assert.equal(wish(["transportid", 1]), "transportid is no transport");
});
