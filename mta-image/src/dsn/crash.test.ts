/** A queue that tells senders of failures, with the machine stopped at every operation on its files: no failure goes untold. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft } from "../../testing/messages.ts";
import { settle } from "../../testing/queue-rig.ts";
import { makeIntake } from "../intake/accept.ts";
import { Queue } from "../queue/queue.ts";
import { DiskSpool } from "../spool/disk-spool.ts";
import { MailNotifier } from "./mail-notifier.ts";

const recipients = ["good@example.net", "bad@example.net"];

/** What the hosts got. */
interface World {
  readonly arrived: string[];
  /** Senders that got a notice. */
  readonly told: string[];
  /** Senders whose mail was committed. */
  readonly promised: Set<string>;
}

/** An engine on these files; ends when nothing is left to do. Rejects when the machine stops at the start. */
async function live(files: FaultyFiles, world: World, senders: readonly string[]): Promise<void> {
  const clock = new ManualClock();
  const floor = { bytes: 0, inodes: 0 };
  const spool = await DiskSpool.open({ files, clock, floor, log: silentLog, segmentBytes: 6000 });
  const courier = new FakeCourier();
  courier.answer = (address, { message: { id, envelope } }) => {
    if (address === "bad@example.net") return outcome("failed");
    if (envelope.sender === "") world.told.push(address);
    else world.arrived.push(`${id} ${address}`);
    return outcome("delivered");
  };
  let queue: Queue | null = null;
  const intake = makeIntake({
    spool,
    clock,
    log: silentLog,
    enqueue: (message) => queue?.add(message),
    settings: () => ({ hostname: "mta.example.test", maxHops: 100 }),
  });
  const read = (id: string) => spool.read(id);
  queue = new Queue({
    spool,
    courier,
    notifier: new MailNotifier({
      intake,
      read,
      clock,
      log: silentLog,
      hostname: () => "mta.example.test",
      transportFor: (id) => id,
    }),
    clock,
    log: silentLog,
    random: () => 0,
    scheduleFor: () => ({ count: 2, intervals: [{ delayMs: 60_000, notify: false }] }),
    maxRunning: 1000,
    locator: { locate: async () => ({ hosts: [], ips: [] }) },
    sourcesFor: () => [],
  });
  for await (const message of spool.recover()) queue.add(message);
  try {
    for (const sender of senders) {
      const message = await spool.commit(makeDraft({ envelope: { sender, recipients } }));
      world.promised.add(sender);
      queue.add(message);
      await settle();
    }
    for (let i = 0; i < 10; i++) {
      await settle();
      clock.advance(60_000);
    }
    await spool.close();
  } finally {
    queue.close();
  }
}

test("stopped at any operation, every failure is told to its sender", async () => {
  let crashes = 0;
  for (let operation = 0; ; operation++) {
    const files = new FaultyFiles();
    files.crashAt(operation);
    const world: World = { arrived: [], told: [], promised: new Set() };
    const isDone = await live(files, world, ["ann@example.org", "bob@example.org"]).then(
      () => true,
      () => false,
    );
    // Of what was not synced a crash keeps any part.
    for (let kept = 0; kept <= 20; kept++) {
      const after = { ...world, arrived: [...world.arrived], told: [...world.told] };
      await live(files.afterCrash(kept / 20), after, []);
      for (const sender of world.promised)
        assert.ok(after.told.includes(sender), `operation ${operation}, ${kept}/20: ${sender} was not told`);
    }
    if (isDone && files.operations <= operation) {
      assert.deepEqual([...world.told].sort(), ["ann@example.org", "bob@example.org"]);
      assert.equal(world.arrived.length, 2);
      break;
    }
    crashes++;
  }
  assert.ok(crashes > 15, `the history has many steps, ${crashes} were tried`);
});
