/**
 * A queue with fakes around it, for tests: a courier and a notifier with knobs, time that the test turns, and a
 * ledger of what the queue told the spool. `settle` lets promises run on.
 */
import assert from "node:assert/strict";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { Queue, type QueueOptions } from "#mta/queue/queue.ts";
import { LiveMessage } from "#mta/spool/live-message.ts";
import type { EntryState, Spool, LiveMail } from "#mta/spool/spool.ts";
import { FakeCourier } from "./fake-courier.ts";
import { FakeNotifier } from "./fake-notifier.ts";

/** Holds messages as a spool does, and remembers what the queue told it. */
export class Ledger implements Pick<Spool, "update" | "settle" | "find" | "messages"> {
  readonly settled: string[] = [];
  readonly states = new Map<string, EntryState>();
  readonly #live = new Map<string, LiveMessage>();

  keep(message: LiveMail): void {
    assert.ok(message instanceof LiveMessage);
    this.#live.set(message.id, message);
  }

  find(id: string): LiveMail | undefined {
    return this.#live.get(id);
  }

  messages(): Iterable<LiveMail> {
    return this.#live.values();
  }

  update(id: string, recipient: number, state: EntryState): void {
    this.states.set(`${id}/${recipient}`, state);
  }

  settle(id: string, recipient: number): void {
    this.settled.push(`${id}/${recipient}`);
    const message = this.#live.get(id);
    if (message?.settle(recipient) === true && message.left === 0) this.#live.delete(id);
  }
}

class RiggedQueue extends Queue {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, options: QueueOptions) {
    super(options);
    this.#ledger = ledger;
  }

  override add(message: LiveMail): void {
    this.#ledger.keep(message);
    super.add(message);
  }
}

export function setUp(change: Partial<QueueOptions> = {}): {
  queue: Queue;
  courier: FakeCourier;
  notifier: FakeNotifier;
  clock: ManualClock;
  ledger: Ledger;
} {
  const [courier, notifier, clock, ledger] = [
    new FakeCourier(),
    new FakeNotifier(),
    new ManualClock(),
    new Ledger(),
  ];
  const queue = new RiggedQueue(ledger, {
    spool: ledger as unknown as Spool,
    courier,
    notifier,
    clock,
    log: silentLog,
    random: () => 0,
    scheduleFor: () => ({ count: 2, intervals: [{ delayMs: 60_000, notify: false }] }),
    maxRunning: 1000,
    locator: { locate: async () => ({ hosts: [], ips: [] }) },
    sourcesFor: () => [],
    ...change,
  });
  return { queue, courier, notifier, clock, ledger };
}

/** Lets promises that are settled run on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
