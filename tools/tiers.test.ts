import assert from "node:assert/strict";
import { test } from "node:test";

import { tierOf } from "./tiers.ts";

test("the name of a test file says its tier", () => {
  assert.equal(tierOf("mta-image/src/queue/retry.test.ts"), "unit");
  assert.equal(tierOf("operator/src/kube/http-kube.api.test.ts"), "api");
  assert.equal(tierOf("operator/src/kube/api.test.ts"), "api");
  assert.equal(tierOf("e2e/scenarios/scale-down.test.ts"), "e2e");
  assert.equal(tierOf("e2e/peers/ledger.test.ts"), "unit");
  assert.equal(tierOf("operator/src/drapi.test.ts"), "unit");
});

test("what is not a test has no tier", () => {
  assert.equal(tierOf("mta-image/src/queue/retry.ts"), null);
  assert.equal(tierOf("e2e/scenarios/README.md"), null);
});
