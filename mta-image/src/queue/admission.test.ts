import assert from "node:assert/strict";
import { test } from "node:test";

import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
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

test("sources take turns over lines too, by their weight, so that mail to many domains leaves from all of them", async () => {
  const { queue, courier } = setUp({ sourcesFor: () => ["192.0.2.1", "192.0.2.2", "192.0.2.1"] });
  queue.rulebook.watch("test", ["localip"]);
  for (let i = 0; i < 30; i++) {
    queue.add(makeMessage({ recipients: [`u@d${i}.net`] }));
    await settle();
  }
  const sources = courier.attempts.map(({ terms }) => terms?.source);
  const from = (source: string): number => sources.filter((one) => one === source).length;
  assert.deepEqual([from("192.0.2.1"), from("192.0.2.2")], [20, 10]);
});
