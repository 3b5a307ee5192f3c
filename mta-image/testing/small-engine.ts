/**
 * An engine reduced to what a hand-over sees, and the network between two of them, where each batch meets the fate that a test
 * has chosen. What is in `spool` and the ledger outlives a crash, the rest does not.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

import { makeId } from "#base/ids.ts";
import { silentLog } from "#base/log.ts";
import type { FrameHead } from "#contract/transfer-api.ts";
import { Giver } from "#mta/transfer/giver.ts";
import { Ledger } from "#mta/transfer/ledger.ts";
import type { Bounds, Door, Parcel, Peer, Store } from "#mta/transfer/ports.ts";
import { Receiver } from "#mta/transfer/receiver.ts";

import { hurriedClock } from "./stoppable-engine.ts";

const folder = mkdtempSync(join(tmpdir(), "transfer-"));
after(() => rmSync(folder, { recursive: true, force: true }));

export class SmallEngine implements Store, Door {
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
    this.receiver = this.#makeReceiver();
    this.giver = this.#open();
  }

  #makeReceiver(): Receiver {
    return new Receiver({ ledger: this.ledger, door: this, clock: hurriedClock, isOpen: this.isOpen });
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
    this.receiver = this.#makeReceiver();
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
  checkOut({ messages, recipients = messages, except }: Bounds): readonly Parcel[] {
    const wanted = [...this.queue].filter((id) => except?.has(id) !== true);
    const ids = wanted.slice(0, Math.min(messages, recipients, 3));
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

export const FATES = [
  "fine",
  "request-lost",
  "answer-lost",
  "twice",
  "late",
  "taker-crashes",
  "giver-crashes",
] as const;
export type Fate = (typeof FATES)[number];

/** The network between two engines; each send meets the next fate of the list. */
export function connect(
  taker: SmallEngine,
  options: { fates: Fate[]; giver?: SmallEngine; late?: (() => Promise<void>)[]; isForgetful?: boolean },
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

export async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if (isTrue()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail("it never became true");
}
