import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";

import { makeId } from "#base/ids.ts";
import { silentLog } from "#base/log.ts";
import type { FrameHead } from "#contract/transfer-api.ts";

import { frameHeads as heads } from "../../testing/frame-heads.ts";
import { hurriedClock } from "../../testing/stoppable-engine.ts";
import { Giver } from "./giver.ts";
import { Ledger } from "./ledger.ts";
import type { Bounds, Door, Parcel, Peer, Store } from "./ports.ts";
import { Receiver } from "./receiver.ts";

const folder = mkdtempSync(join(tmpdir(), "transfer-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** An engine reduced to what a hand-over sees: `spool` outlives a crash, the rest does not. */
class Engine implements Store, Door {
  readonly name: string;
  readonly spool = new Map<string, FrameHead>();
  readonly delivered: string[] = [];
  queue = new Set<string>();
  refusesStore = false;
  isLeaving = false;
  isBroken = false;
  readonly isOpen = (): boolean => !this.isLeaving;
  ledger: Ledger;
  giver: Giver;
  receiver: Receiver;
  readonly #path: string;

  constructor(name: string, heads: readonly FrameHead[] = []) {
    this.name = name;
    this.#path = join(folder, `${makeId(0)}.db`);
    for (const one of heads) this.spool.set(one.id, one);
    this.ledger = new Ledger(this.#path);
    this.receiver = new Receiver({
      ledger: this.ledger,
      door: this,
      clock: hurriedClock,
      isOpen: this.isOpen,
    });
    this.giver = this.#open();
  }

  #open(): Giver {
    this.receiver.recover();
    const giver = new Giver({ ledger: this.ledger, store: this, clock: hurriedClock, log: silentLog });
    this.queue = new Set([...this.spool.keys()].filter((id) => !giver.withheld.has(id)));
    return giver;
  }

  /** Kills the process and starts it again; what was under way in memory is gone. */
  crash(): void {
    void this.giver.close();
    this.ledger.close();
    this.ledger = new Ledger(this.#path);
    this.receiver = new Receiver({
      ledger: this.ledger,
      door: this,
      clock: hurriedClock,
      isOpen: this.isOpen,
    });
    this.giver = this.#open();
  }

  deliverAll(): void {
    for (const id of this.queue) {
      this.delivered.push(id);
      this.spool.delete(id);
    }
    this.queue.clear();
  }

  /** Each message has one recipient that is left. */
  checkOut({ messages, recipients = messages }: Bounds): readonly Parcel[] {
    const ids = [...this.queue].slice(0, Math.min(messages, recipients, 3));
    for (const id of ids) this.queue.delete(id);
    return ids.map((id) => ({ head: this.spool.get(id) as FrameHead, sizeBytes: 10 }));
  }

  async content(id: string): Promise<Buffer> {
    return Buffer.from(`content of ${id}\r\n`);
  }

  giveBack(ids: readonly string[]): void {
    for (const id of ids) if (this.spool.has(id)) this.queue.add(id);
  }

  async settle(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.spool.delete(id);
  }

  async store(one: FrameHead, content: Buffer): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.refusesStore) throw new Error("full");
    assert.equal(content.toString(), `content of ${one.id}\r\n`);
    this.spool.set(one.id, one);
  }

  has(id: string): boolean {
    return this.spool.has(id);
  }

  enqueue(ids: readonly string[]): void {
    this.giveBack(ids);
  }
}

const FATES = [
  "fine",
  "request-lost",
  "answer-lost",
  "twice",
  "late",
  "taker-crashes",
  "giver-crashes",
] as const;
type Fate = (typeof FATES)[number];

/** The network between two engines; each send meets the next fate of the list. */
function connect(
  taker: Engine,
  options: { fates: Fate[]; giver?: Engine; late?: (() => Promise<void>)[]; isForgetful?: boolean },
): Peer {
  const deliver = (batch: string, bytes: Buffer): Promise<readonly string[]> =>
    taker.receiver.receive(batch, bytes).then(({ ids }) => ids);
  return {
    name: taker.name,
    async send(batch, frames) {
      const bytes = Buffer.concat(frames);
      const fate = options.fates.shift() ?? "fine";
      if (fate === "request-lost") throw new Error("lost");
      if (fate === "late") {
        options.late?.push(async () => void (await deliver(batch, bytes).catch(() => {})));
        throw new Error("timed out");
      }
      const answer = await deliver(batch, bytes);
      if (fate === "twice") return deliver(batch, bytes);
      if (fate === "taker-crashes") taker.crash();
      if (fate === "giver-crashes") options.giver?.crash();
      if (fate === "fine") return answer;
      throw new Error("answer lost");
    },
    taken: (batch, ids) => taker.receiver.taken({ batch, ids: [...ids] }).then((answer) => answer.ids),
    forgotten: async (batch, ids) => {
      if (options.isForgetful !== true) taker.receiver.forgotten({ batch, ids: [...ids] });
    },
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if (isTrue()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail("it never became true");
}

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
    assert.deepEqual(taker.ledger.remembered, 0);
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
