/** Queue and spool as a hand-over sees them: what may leave, and what a start puts into the queue. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { FrameHead } from "#contract/transfer-api.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { MailStore } from "./mail-store.ts";
import { Transfer } from "./transfer.ts";

const folder = mkdtempSync(join(tmpdir(), "mail-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const MIB = 1024 * 1024;

test("a message larger than a batch may be stays, and a batch of large ones ends before it is too large", async () => {
  const spool = await openSpool(new FaultyFiles());
  const { queue, courier } = setUp({ spool });
  courier.hold();
  queue.isPaused = true;
  const ids: string[] = [];
  for (const mib of [1, 64, 6, 60, 1]) {
    const message = await spool.commit(makeDraft({ content: Buffer.alloc(mib * MIB) }));
    ids.push(message.id);
    queue.add(message);
  }
  const store = new MailStore({ queue, spool });
  const taken = (): string[] => store.checkOut({ messages: 500, bytes: 8 * MIB }).map(({ head }) => head.id);
  assert.deepEqual(taken(), [ids[0], ids[2], ids[4]]);
  assert.deepEqual(taken(), [ids[3]]);
  assert.deepEqual(taken(), []);
  assert.deepEqual([...queue.messageIds()], [ids[1]]);
  await spool.close();
});

test("of a message in nobody's hands those recipients count that are not settled, until it is back or gone", async () => {
  const spool = await openSpool(new FaultyFiles());
  const { queue } = setUp({ spool });
  queue.isPaused = true;
  const envelope = { recipients: ["a@one.example", "b@two.example", "c@three.example"] };
  const [back, gone] = [
    await spool.commit(makeDraft({ envelope })),
    await spool.commit(makeDraft({ envelope })),
  ];
  for (const message of [back, gone]) {
    spool.settle(message.id, 0);
    queue.add(message);
  }
  const store = new MailStore({ queue, spool });
  const total = (): number[] => [queue.figures().total, store.withheld];
  assert.deepEqual(total(), [4, 0]);
  store.checkOut({ messages: 2, bytes: MIB });
  assert.deepEqual(total(), [0, 4]);
  store.giveBack([back.id, back.id]);
  assert.deepEqual(total(), [2, 2]);
  await store.settle([gone.id, back.id]);
  assert.deepEqual([...total(), spool.figures().messages], [2, 0, 1]);
  await spool.close();
});

test("what is being tried stays, and all else leaves", async () => {
  const spool = await openSpool(new FaultyFiles());
  const { queue, courier } = setUp({ spool });
  courier.hold();
  const tried = await spool.commit(makeDraft());
  queue.add(tried);
  queue.isPaused = true;
  const waiting = await spool.commit(makeDraft());
  queue.add(waiting);
  const store = new MailStore({ queue, spool });
  const out = store.checkOut({ messages: 5, bytes: MIB });
  assert.deepEqual([out.map(({ head }) => head.id), store.withheld], [[waiting.id], 1]);
  await spool.close();
});

test("due mail that is to stay keeps none behind it from leaving", async () => {
  const spool = await openSpool(new FaultyFiles());
  const { queue, courier } = setUp({ spool });
  courier.hold();
  queue.isPaused = true;
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) {
    const message = await spool.commit(makeDraft());
    ids.push(message.id);
    queue.add(message);
  }
  const except = new Set(ids.slice(0, 2));
  const out = new MailStore({ queue, spool }).checkOut({ messages: 2, bytes: MIB, recipients: 2, except });
  assert.deepEqual(
    out.map(({ head }) => head.id),
    ids.slice(2),
  );
  await spool.close();
});

test("the names that mail counts under go with it, and a peer can read them", async () => {
  const spool = await openSpool(new FaultyFiles());
  const { queue, courier } = setUp({ spool });
  courier.hold();
  queue.isPaused = true;
  queue.add(await spool.commit(makeDraft({ envelope: { quotas: ["news", "all"] } })));
  const [out] = new MailStore({ queue, spool }).checkOut({ messages: 1, bytes: MIB });
  assert.deepEqual(FrameHead.parse(out?.head).envelope.quotas, ["news", "all"]);
  assert.deepEqual(queue.quotas.named.usedBy("news"), { count: 0, bytes: 0 });
  await spool.close();
});

test("mail that came between the opening of the spool and the filling of the queue is queued once", async () => {
  const spool = await openSpool(new FaultyFiles());
  const { queue, courier, clock } = setUp({ spool });
  const older = await spool.commit(makeDraft());
  const ledgerPath = join(folder, "handover.db");
  const transfer = new Transfer({
    ...{ ledgerPath, queue, spool, clock, log: silentLog, keys: null },
    isOpen: () => true,
  });
  courier.hold();
  const early = await spool.commit(makeDraft());
  queue.add(early);
  await transfer.queueAll(spool.recover());
  assert.equal(queue.figures().total, 2);
  courier.release();
  await settle();
  assert.deepEqual(courier.tried().toSorted(), [`${older.id}/0`, `${early.id}/0`].toSorted());
  await transfer.close();
  await spool.close();
});
