import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";

import { Failure } from "#base/error.ts";
import { makeId } from "#base/ids.ts";

import { frameHeads as heads } from "../../testing/frame-heads.ts";
import { FATES, type Fate, SmallEngine as Engine, connect, until } from "../../testing/small-engine.ts";
import { encodeFrame } from "./frames.ts";

describe("a hand-over", () => {
  test("moves every message with its state, and the taker forgets when told", async () => {
    const all = heads(10);
    const giver = new Engine("a", all);
    const taker = new Engine("b");
    giver.giver.give([connect(taker, { fates: [] })]);
    await until(() => taker.queue.size === 10 && giver.spool.size === 0);
    await giver.giver.close();
    assert.deepEqual(taker.spool.get(all[0]?.id ?? ""), all[0]);
    const none = { unanswered: 0, waitsFor: null, spreading: 0, spread: 0 };
    assert.deepEqual(giver.giver.figures, { given: 10, ...none });
    assert.deepEqual([giver.ledger.leaving(), taker.ledger.remembered], [[], 0]);
  });

  test("of a message that the peer cannot read moves all others", async (t) => {
    const all = heads(9).map((head, i) =>
      i === 1 || i === 4
        ? { ...head, states: head.states.map((state) => state && { ...state, lastReply: "x".repeat(600) }) }
        : head,
    );
    const giver = new Engine("a", all);
    t.after(() => giver.giver.close());
    const taker = new Engine("b");
    giver.giver.give([connect(taker, { fates: [] })]);
    await until(() => taker.queue.size === 7 && giver.queue.size === 2);
    assert.equal(giver.giver.figures.unanswered, 0);
  });

  test("of a message that a peer did not read goes with the next order, by when the peer may know more", async (t) => {
    const [plain, odd] = heads(2);
    assert.ok(plain && odd);
    const states = odd.states.map((state) => state && { ...state, lastReply: "x".repeat(600) });
    const giver = new Engine("a", [plain, { ...odd, states }]);
    t.after(() => giver.giver.close());
    const taker = new Engine("b");
    giver.giver.give([connect(taker, { fates: [] })]);
    await until(() => taker.queue.size === 1 && giver.queue.size === 1);
    giver.spool.set(odd.id, odd);
    giver.giver.give([connect(taker, { fates: [] })]);
    await until(() => taker.queue.size === 2);
    assert.deepEqual([...taker.spool.keys()].sort(), [plain.id, odd.id].sort());
  });

  test("of more messages that cannot be read than a batch holds moves all others", async (t) => {
    const all = heads(9);
    const giver = new Engine("a", all);
    t.after(() => giver.giver.close());
    const content = giver.content.bind(giver);
    const lost = new Set(all.slice(0, 4).map(({ id }) => id));
    giver.content = async (id) => {
      if (lost.has(id)) throw new Failure("message-corrupt", "damaged");
      return content(id);
    };
    // Those that came back stand in front again, as they do in a queue.
    giver.giveBack = (ids) => {
      giver.queue = new Set([...ids, ...giver.queue]);
    };
    const taker = new Engine("b");
    giver.giver.spread([connect(taker, { fates: [] })], new Map([["b", 2]]));
    await until(() => taker.queue.size === 2);
    giver.giver.give([connect(taker, { fates: [] })]);
    await until(() => taker.queue.size === 5);
    assert.deepEqual([...giver.queue].sort(), [...lost].sort());
  });

  test("of a batch that comes three times at once stores each message once", async () => {
    const [head] = heads(1);
    assert.ok(head);
    const taker = new Engine("b");
    const stored: string[] = [];
    const store = taker.store.bind(taker);
    taker.store = (one, content) => {
      stored.push(one.id);
      return store(one, content);
    };
    const bytes = Buffer.concat(encodeFrame({ head, content: Buffer.from(`content of ${head.id}\r\n`) }));
    taker.refusesStore = true;
    const first = taker.receiver.receive(head.id, bytes);
    const others = [1, 2].map(() => taker.receiver.receive(head.id, bytes));
    await assert.rejects(first);
    taker.refusesStore = false;
    assert.deepEqual(await Promise.all(others), [{ ids: [head.id] }, { ids: [head.id] }]);
    assert.deepEqual(stored, [head.id, head.id]);
  });

  test("of messages that were settled before a crash is over, even if their peer is never seen again", async (t) => {
    const [gone, here] = heads(2);
    assert.ok(gone && here);
    const giver = new Engine("a", [here]);
    t.after(() => giver.giver.close());
    giver.ledger.leave({ batch: makeId(0), peer: "gone", ids: [gone.id, here.id] });
    giver.crash();
    giver.giver.forgetSettled(new Set(giver.spool.keys()));
    assert.deepEqual([...giver.giver.withheld], [here.id]);
    assert.deepEqual(
      giver.ledger.leaving().flatMap(({ ids }) => ids),
      [here.id],
    );
  });

  test("keeps what a full peer refuses, and says what it waits for", async () => {
    const giver = new Engine("a", heads(3));
    const taker = new Engine("b");
    taker.refusesStore = true;
    giver.giver.give([connect(taker, { fates: [] })]);
    await until(() => giver.giver.figures.waitsFor !== null);
    assert.match(giver.giver.figures.waitsFor ?? "", /^b: full/);
    giver.giver.keep([connect(taker, { fates: [] })]);
    await until(() => giver.queue.size === 3);
    assert.equal(taker.spool.size, 0);
    assert.deepEqual(giver.ledger.leaving(), [], "a start withholds none of them");
    await giver.giver.close();
  });

  test("does not begin while its ledger cannot be written, and its mail stays to be delivered", async () => {
    const giver = new Engine("a", heads(3));
    const taker = new Engine("b");
    giver.ledger.leave = () => {
      throw new Error("the disk is full");
    };
    const peer = connect(taker, { fates: [] });
    giver.giver.give([peer]);
    await until(() => giver.giver.figures.waitsFor !== null);
    assert.match(giver.giver.figures.waitsFor ?? "", /the disk is full/);
    giver.giver.keep([peer]);
    await until(() => giver.queue.size === 3);
    assert.equal(taker.spool.size, 0);
    await giver.giver.close();
  });

  test("leaves out a message that cannot be read, which stays where its trouble is known", async () => {
    const all = heads(3);
    const giver = new Engine("a", all);
    const [first] = all;
    const content = giver.content.bind(giver);
    giver.content = (id) => (id === first?.id ? Promise.reject(new Error("unreadable")) : content(id));
    const taker = new Engine("b");
    const peer = connect(taker, { fates: [] });
    giver.giver.give([peer]);
    await until(() => taker.queue.size === 2);
    giver.giver.keep([peer]);
    await until(() => giver.queue.size === 1);
    assert.deepEqual([[...giver.queue], giver.giver.figures.given], [[first?.id], 2]);
    await giver.giver.close();
  });

  test("says of whom it waits for an answer when that peer is not there any more, and tries nothing meanwhile", async () => {
    const giver = new Engine("a", heads(3));
    const taker = new Engine("b");
    giver.giver.give([connect(taker, { fates: ["giver-crashes"], giver })]);
    await until(() => giver.giver.withheld.size === 3);
    giver.giver.keep([]);
    await until(() => giver.giver.figures.waitsFor !== null);
    const words = "b: 3 messages were sent to it and it is not among the peers";
    assert.deepEqual([giver.giver.figures.waitsFor, giver.queue.size], [words, 0]);
    await giver.giver.close();
  });

  test("withholds messages after a crash until the peer has told, whatever the peer tells", async () => {
    const giver = new Engine("a", heads(3));
    const taker = new Engine("b");
    const peer = connect(taker, { fates: ["giver-crashes"], giver });
    giver.giver.give([peer]);
    await until(() => giver.giver.withheld.size === 3);
    giver.deliverAll();
    assert.deepEqual(giver.delivered, []);
    giver.giver.keep([peer]);
    await until(() => giver.giver.withheld.size === 0);
    taker.deliverAll();
    giver.deliverAll();
    assert.equal(taker.delivered.length + giver.delivered.length, 3);
    await giver.giver.close();
  });

  test("answers a batch that comes twice with all that it stored, also when its ledger failed in between", async (t) => {
    const giver = new Engine("a", heads(3));
    t.after(() => giver.giver.close());
    const taker = new Engine("b");
    const take = taker.ledger.take.bind(taker.ledger);
    taker.ledger.take = () => {
      taker.ledger.take = take;
      throw new Error("the disk is full");
    };
    const { send, ...others } = connect(taker, { fates: [] });
    giver.giver.give([{ ...others, send: (...all) => send(...all).catch(() => send(...all)) }]);
    await until(() => giver.giver.figures.given === 3);
    assert.deepEqual([giver.spool.size, taker.queue.size, taker.ledger.arriving()], [0, 3, []]);
  });

  test("takes a message that comes back, even if the giver's last word of the first time was lost", async () => {
    const [first, second, third] = [new Engine("a", heads(3)), new Engine("b"), new Engine("c")];
    first.giver.give([connect(second, { fates: [], isForgetful: true })]);
    await until(() => second.queue.size === 3);
    second.giver.give([connect(third, { fates: [] })]);
    await until(() => third.queue.size === 3);
    await second.giver.close();
    third.giver.give([connect(second, { fates: [] })]);
    await until(() => third.spool.size === 0);
    assert.equal(second.spool.size, 3);
    await Promise.all([first.giver.close(), third.giver.close()]);
  });

  test("to one that is leaving does not happen: it may be seen empty and go", async () => {
    const giver = new Engine("a", heads(3));
    const taker = new Engine("b");
    taker.isLeaving = true;
    giver.giver.give([connect(taker, { fates: [] })]);
    await until(() => giver.giver.figures.waitsFor !== null);
    assert.match(giver.giver.figures.waitsFor ?? "", /^b: this engine is leaving/);
    assert.equal(taker.spool.size, 0);
    await giver.giver.close();
  });

  test("to one whose spool is broken does not happen, and leaves nobody in doubt", async (t) => {
    const giver = new Engine("a", heads(3));
    t.after(() => giver.giver.close());
    const taker = new Engine("b");
    taker.isBroken = true;
    taker.refusesStore = true;
    const peer = connect(taker, { fates: [] });
    giver.giver.give([peer]);
    await until(() => giver.giver.figures.waitsFor !== null);
    giver.giver.keep([peer]);
    await until(() => giver.queue.size === 3);
  });

  test("that was given up refuses the batch that comes late", async () => {
    const giver = new Engine("a", heads(3));
    const taker = new Engine("b");
    const late: (() => Promise<void>)[] = [];
    const peer = connect(taker, { fates: ["late"], late });
    giver.giver.give([peer]);
    await until(() => late.length === 1);
    giver.giver.keep([peer]);
    await until(() => giver.queue.size === 3);
    await Promise.all(late.map((arrive) => arrive()));
    assert.equal(taker.spool.size, 0);
    await giver.giver.close();
  });

  test("delivers every message exactly once through any sequence of faults", async () => {
    const fate = fc.constantFrom(...FATES);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fate, { maxLength: 12 }),
        fc.integer({ min: 1, max: 14 }),
        async (fates, count) => {
          const all = heads(count);
          const giver = new Engine("a", all);
          const takers = [new Engine("b"), new Engine("c")];
          const late: (() => Promise<void>)[] = [];
          const peers = takers.map((taker) => connect(taker, { fates, giver, late }));
          await until(() => {
            giver.giver.give(peers);
            for (const arrive of late.splice(0)) void arrive();
            for (const taker of takers) taker.deliverAll();
            return giver.spool.size === 0 && takers.every(({ spool }) => spool.size === 0);
          });
          for (const arrive of late.splice(0)) await arrive();
          for (const taker of takers) taker.deliverAll();
          await giver.giver.close();
          const delivered = [...giver.delivered, ...takers.flatMap((taker) => taker.delivered)];
          assert.deepEqual(delivered.sort(), all.map(({ id }) => id).sort());
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("an engine that goes on serving", () => {
  test("gives each peer its share and keeps the rest", async () => {
    const giver = new Engine("a", heads(20));
    const takers = [new Engine("b"), new Engine("c")];
    const peers = takers.map((taker) => connect(taker, { fates: [] }));
    const shares = new Map(Object.entries({ b: 7, c: 2 }));
    giver.giver.spread(peers, shares);
    assert.equal(giver.giver.figures.spreading, 9);
    await until(() => giver.giver.figures.spreading === 0);
    assert.deepEqual([giver.queue.size, ...takers.map(({ queue }) => queue.size)], [11, 7, 2]);
    const none = { unanswered: 0, waitsFor: null, spreading: 0 };
    assert.deepEqual(giver.giver.figures, { given: 9, spread: 9, ...none });
  });

  test("gives a peer that fails nothing more, learns what it took, and forgets the share", async () => {
    const giver = new Engine("a", heads(9));
    const [deaf, well] = [new Engine("b"), new Engine("c")];
    const peers = [connect(deaf, { fates: ["answer-lost"] }), connect(well, { fates: [] })];
    giver.giver.spread(peers, new Map(Object.entries({ b: 6, c: 3 })));
    await until(() => giver.giver.figures.spreading === 0 && giver.giver.withheld.size === 0);
    await until(() => giver.queue.size + deaf.queue.size + well.queue.size === 9);
    assert.deepEqual([giver.queue.size, deaf.queue.size, well.queue.size], [3, 3, 3]);
    assert.equal(giver.giver.figures.waitsFor, null);
  });

  test("gives a peer that fails nothing more, also where some of its batch could not be read", async () => {
    const all = heads(4);
    const giver = new Engine("a", all);
    const content = giver.content.bind(giver);
    giver.content = (id) => (id === all[0]?.id ? Promise.reject(new Error("unreadable")) : content(id));
    const taker = new Engine("b");
    giver.giver.spread([connect(taker, { fates: ["answer-lost"] })], new Map([["b", 2]]));
    await until(() => giver.giver.figures.spreading === 0 && giver.giver.withheld.size === 0);
    await until(() => giver.queue.size + taker.queue.size === 4);
    assert.equal(taker.queue.size, 1);
    await giver.giver.close();
  });

  test("stops giving when it is told to serve, and gives everything when it is told to leave", async () => {
    const giver = new Engine("a", heads(9));
    const taker = new Engine("b");
    const peer = connect(taker, { fates: [] });
    giver.giver.spread([peer], new Map([["b", 6]]));
    giver.giver.keep([peer]);
    assert.equal(giver.giver.figures.spreading, 0);
    await until(() => giver.queue.size + taker.queue.size === 9);
    giver.giver.spread([peer], new Map([["b", 1]]));
    giver.giver.give([peer]);
    await until(() => taker.queue.size === 9);
    await giver.giver.close();
  });

  test("delivers every message exactly once, here or there, through any sequence of faults", async () => {
    const order = fc.record({ b: fc.nat(5), c: fc.nat(5), fate: fc.constantFrom(...FATES) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(order, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 24 }),
        async (orders, count) => {
          const all = heads(count);
          const giver = new Engine("a", all);
          const takers = [new Engine("b"), new Engine("c")];
          const [fates, late]: [Fate[], (() => Promise<void>)[]] = [[], []];
          const peers = takers.map((taker) => connect(taker, { fates, giver, late }));
          for (const { b, c, fate } of orders) {
            fates.push(fate);
            const shares = Object.entries({ b, c }).filter(([, share]) => share > 0);
            giver.giver.spread(peers, new Map(shares));
            await until(() => {
              for (const arrive of late.splice(0)) void arrive();
              for (const taker of takers) taker.deliverAll();
              // What crashed has forgotten its order, not whom it owes a question.
              if (giver.giver.withheld.size > 0) giver.giver.keep(peers);
              return giver.giver.figures.spreading === 0 && giver.giver.withheld.size === 0;
            });
            giver.deliverAll();
          }
          await until(() => {
            for (const engine of [giver, ...takers]) engine.deliverAll();
            return [giver, ...takers].every(({ spool }) => spool.size === 0);
          });
          await giver.giver.close();
          const delivered = [giver, ...takers].flatMap((engine) => engine.delivered);
          assert.deepEqual(delivered.sort(), all.map(({ id }) => id).sort());
        },
      ),
      { numRuns: 60 },
    );
  });
});
