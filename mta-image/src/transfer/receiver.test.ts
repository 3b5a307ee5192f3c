/** What a taker does with messages that it has had before, or has now. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { makeId } from "#base/ids.ts";
import type { FrameHead } from "#contract/transfer-api.ts";

import { frameHeads as heads } from "../../testing/frame-heads.ts";
import { SmallEngine as Engine } from "../../testing/small-engine.ts";
import { encodeFrame } from "./frames.ts";

const bytesOf = (all: readonly FrameHead[]): Buffer =>
  Buffer.concat(
    all.flatMap((head) => encodeFrame({ head, content: Buffer.from(`content of ${head.id}\r\n`) })),
  );

test("a batch that comes again after its messages were delivered is taken, and delivered no second time", async () => {
  const all = heads(3);
  const taker = new Engine("b");
  const batch = makeId(0);
  const ids = all.map(({ id }) => id);
  assert.deepEqual(await taker.receiver.receive(batch, bytesOf(all)), { ids });
  taker.deliverAll();
  taker.crash();
  assert.deepEqual(await taker.receiver.receive(batch, bytesOf(all)), { ids });
  assert.deepEqual(await taker.receiver.taken({ batch, ids }), { ids });
  assert.deepEqual([taker.spool.size, taker.queue.size, taker.delivered.length], [0, 0, 3]);
});

test("a message that is here already is not stored a second time, and its giver keeps its own", async () => {
  const [here, fresh] = heads(2);
  assert.ok(here && fresh);
  const taker = new Engine("b", [here]);
  const stored: string[] = [];
  const store = taker.store.bind(taker);
  taker.store = (head, content) => {
    stored.push(head.id);
    return store(head, content);
  };
  const answer = await taker.receiver.receive(makeId(0), bytesOf([here, fresh]));
  assert.deepEqual([answer.ids, stored], [[fresh.id], [fresh.id]]);
});
