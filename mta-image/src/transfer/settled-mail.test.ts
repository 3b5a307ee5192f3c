/** What a peer has taken is over here, on disk as well; what was given back is not. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { setUp } from "../../testing/queue-rig.ts";
import { MailStore } from "./mail-store.ts";

test("a message that a peer took is in neither queue nor spool, after a crash either", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  const { queue, courier } = setUp({ spool });
  courier.hold();
  queue.isPaused = true;
  const recipients = ["ann@example.net", "bob@example.net"];
  const drafts = [makeDraft({ envelope: { recipients } }), makeDraft({ envelope: { recipients } })];
  for (const draft of drafts) queue.add(await spool.commit(draft));
  const store = new MailStore({ queue, spool });
  const [taken = "", refused = ""] = store
    .checkOut({ messages: 2, bytes: 1_000_000 })
    .map(({ head }) => head.id);
  assert.deepEqual([queue.figures().total, store.withheld], [0, 4]);
  await store.settle([taken]);
  assert.equal(store.withheld, 2);
  store.giveBack([taken, refused]);
  assert.equal(store.withheld, 0);
  assert.deepEqual([store.has(taken), store.has(refused)], [false, true]);
  assert.deepEqual([...queue.messageIds()], [refused]);
  const again = await openSpool(files.afterCrash(0));
  assert.deepEqual([again.find(taken)?.id, again.find(refused)?.id], [undefined, refused]);
  await Promise.all([spool.close(), again.close()]);
});
