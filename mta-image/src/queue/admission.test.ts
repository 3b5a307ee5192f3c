import assert from "node:assert/strict";
import { test } from "node:test";

import { obstacleOf } from "./admission.ts";
import { compileMatch } from "./matching.ts";
import { Suspension } from "./suspension.ts";

test("a suspension that has ended holds nobody, also while it is still listed", () => {
  const suspension = new Suspension({
    id: "s",
    matcher: compileMatch({}, () => undefined),
    match: {},
    tag: null,
    properties: {},
    origin: "api",
    endsAt: 1000,
  });
  const judgement = { suspension, counters: [] };
  assert.equal(obstacleOf(judgement, null, 999.5), suspension);
  assert.equal(obstacleOf(judgement, null, 1000), null);
});
