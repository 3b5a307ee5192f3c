/** What a taker does with messages that it has had before, or has now. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Failure } from "#base/error.ts";
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

/** A taker whose store does with a message what the test says. */
function takerWhose(store: (engine: Engine, head: FrameHead) => void): Engine {
  const taker = new Engine("b");
  const usual = taker.store.bind(taker);
  taker.store = async (head, content) => {
    store(taker, head);
    return usual(head, content);
  };
  return taker;
}

test("of a batch of which a part finds no room the rest is taken, and nothing is remembered of the part", async () => {
  const [fits, large] = heads(2);
  assert.ok(fits && large);
  const batch = makeId(0);
  const taker = takerWhose((_, { id }) => {
    if (id === large.id) throw new Failure("spool-full", "no room");
  });
  assert.deepEqual(await taker.receiver.receive(batch, bytesOf([fits, large])), { ids: [fits.id] });
  await assert.rejects(taker.receiver.receive(makeId(0), bytesOf([large])), { code: "spool-full" });
  assert.deepEqual(taker.ledger.arriving(), []);
});

test("when the spool breaks meanwhile there is no answer until a start has seen what is on its disk", async () => {
  const [first, second] = heads(2);
  assert.ok(first && second);
  const batch = makeId(0);
  const ids = [first.id, second.id];
  const taker = takerWhose((engine, { id }) => {
    if (id === first.id) return;
    engine.isBroken = true;
    throw new Failure("spool-broken", "EIO");
  });
  await assert.rejects(taker.receiver.receive(batch, bytesOf([first, second])), { code: "spool-broken" });
  await assert.rejects(taker.receiver.taken({ batch, ids }), { code: "spool-broken" });
  taker.isBroken = false;
  taker.spool.set(second.id, second);
  taker.crash();
  assert.deepEqual(await taker.receiver.taken({ batch, ids }), { ids });
});

test("what had not reached the spool before a crash was not taken, and is forgotten", async () => {
  const [head] = heads(1);
  assert.ok(head);
  const taker = new Engine("b");
  const arrivals = { batch: makeId(0), ids: [head.id] };
  taker.ledger.arrive(arrivals);
  taker.crash();
  assert.deepEqual(taker.ledger.arriving(), []);
  assert.deepEqual(await taker.receiver.taken(arrivals), { ids: [] });
});
