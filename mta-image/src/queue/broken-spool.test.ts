/** A spool that has broken keeps nothing any more: what is delivered from then on comes again after the restart, so nothing is. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { recovered } from "../../testing/spool-contract.ts";

test("nothing is tried any more once the spool has broken, and the next process tries it once", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  const rig = setUp({ spool });
  rig.courier.answer = () => outcome("deferred");
  for (let n = 0; n < 3; n++) rig.queue.add(await spool.commit(makeDraft()));
  await settle();
  assert.equal(rig.courier.attempts.length, 3);
  files.failNext("append");
  await assert.rejects(spool.commit(makeDraft()), { code: "spool-broken" });
  rig.courier.answer = () => outcome("delivered");
  rig.clock.advance(60_000);
  await settle();
  assert.equal(rig.courier.attempts.length, 3);
  const [entry] = rig.queue.entries();
  assert.ok(entry !== undefined);
  assert.match(rig.queue.explain(entry).obstacles[0]?.detail ?? "", /the spool is broken/);

  const next = await openSpool(files.afterCrash());
  const after = setUp({ spool: next });
  after.clock.advance(60_000);
  for (const message of await recovered(next)) after.queue.add(message);
  await settle();
  assert.equal(after.courier.attempts.length, 3);
  await next.close();
});
