/** One history of a spool, with every operation on its files the last, or one that fails: what was promised holds at each of them. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft, makeState } from "../../testing/messages.ts";
import { bytesOf, recovered } from "../../testing/spool-contract.ts";
import { DiskSpool } from "./disk-spool.ts";
import { REUSED_HEADER } from "./segment-bytes.ts";
import { type Draft, SpoolFailure } from "./spool.ts";

/** What was promised before the crash. */
interface Promised {
  readonly committed: Map<string, Buffer>;
  /** Settled, and the record is on disk: must not come back. */
  readonly settled: Set<string>;
  /** Settled in memory only: may come back (the documented second copy). */
  readonly settling: Set<string>;
}

const floor = { bytes: 0, inodes: 0 };
const small = { floor, log: silentLog, segmentBytes: 2500, cacheBytes: 0 };

type Open = (files: FaultyFiles) => Promise<DiskSpool>;
const kinds: Record<string, Open> = {
  "without snapshots": (files) => DiskSpool.open({ ...small, files, clock: new ManualClock() }),
  "with snapshots": (files) =>
    DiskSpool.open({ ...small, files, clock: new ManualClock(), snapshotBytes: 2500 }),
};

/** Commits small and large mail, updates, settles and thereby compacts, until the machine stops. Goes on where there was no room. */
async function live(spool: DiskSpool, promised: Promised): Promise<void> {
  for (let i = 0; i < 14; i++) {
    const draft = makeDraft({ content: Buffer.alloc(400, `message ${i}\r\n`) });
    const bytes = draft.content as Buffer;
    if (!(await hasRoom(() => store(spool, draft, { isLarge: i % 4 === 3 })))) continue;
    promised.committed.set(draft.id, bytes);
    spool.update(draft.id, 0, makeState({ attempts: 1 }));
    if (i % 5 === 0) continue;
    promised.settling.add(draft.id);
    spool.settle(draft.id, 0);
    if (!(await hasRoom(() => spool.flush()))) continue;
    for (const id of promised.settling) promised.settled.add(id);
  }
}

async function store(spool: DiskSpool, draft: Draft, { isLarge }: { isLarge: boolean }): Promise<void> {
  if (!isLarge) return void (await spool.commit(draft));
  const body = await spool.createBody(draft.id);
  try {
    await body.write(draft.content as Buffer);
    await spool.commit({ ...draft, content: body });
  } catch (error) {
    await body.abort();
    throw error;
  }
}

async function hasRoom(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof SpoolFailure && error.code === "spool-full") return false;
    throw error;
  }
}

async function check(open: Open, files: FaultyFiles, promised: Promised, title: string): Promise<void> {
  const spool = await open(files);
  const found = new Map((await recovered(spool)).map((message) => [message.id, message]));
  assert.equal(spool.corruptRecords, 0, title);
  for (const [id, bytes] of promised.committed) {
    if (promised.settled.has(id)) assert.ok(!found.has(id), `${title}: ${id} was settled`);
    else if (!promised.settling.has(id)) assert.ok(found.has(id), `${title}: ${id} was committed`);
    if (found.has(id)) assert.deepEqual(await bytesOf(spool, id), bytes, title);
  }
  await spool.commit(makeDraft());
  await spool.close();
}

function hasReused(files: FaultyFiles): boolean {
  return files
    .paths()
    .some((path) => path.endsWith(".log") && files.bytes(path).indexOf(REUSED_HEADER) === 0);
}

const troubles = {
  "stopped at any operation": (files: FaultyFiles, operation: number) => files.crashAt(operation),
  "with any operation finding no room once, half done, and going on": (
    files: FaultyFiles,
    operation: number,
  ) => files.failAt(operation),
} as const;

for (const [kind, open] of Object.entries(kinds)) {
  for (const [trouble, prepare] of Object.entries(troubles)) {
    test(`${kind}, ${trouble}, nothing committed is lost and nothing settled comes back`, async () => {
      let crashes = 0;
      for (let operation = 0; ; operation++) {
        const files = new FaultyFiles();
        const promised: Promised = { committed: new Map(), settled: new Set(), settling: new Set() };
        prepare(files, operation);
        const isDone = await open(files)
          .then(async (spool) => {
            await live(spool, promised);
            await spool.close();
            return true;
          })
          .catch(() => false);
        for (const kept of [0, 0.5, 1]) {
          const title = `operation ${operation}, ${kept} of the unsynced`;
          await check(open, files.afterCrash(kept), promised, title);
        }
        if (isDone && files.operations <= operation) {
          assert.ok(hasReused(files), "a segment was written over an older one");
          break;
        }
        crashes++;
      }
      assert.ok(crashes > 100, `the history has many steps, ${crashes} were tried`);
    });
  }

  test(`${kind}, stopped at any operation of a recovery, the next one finds the same`, async () => {
    const files = new FaultyFiles();
    const promised: Promised = { committed: new Map(), settled: new Set(), settling: new Set() };
    const spool = await open(files);
    await live(spool, promised);
    const crashed = files.afterCrash();
    for (let operation = 0; ; operation++) {
      const second = crashed.afterCrash();
      second.crashAt(operation);
      const isDone = await open(second).then(
        async (opened) => {
          await opened.close();
          return true;
        },
        () => false,
      );
      await check(open, second.afterCrash(), promised, `operation ${operation} of the recovery`);
      if (isDone && second.operations <= operation) break;
    }
    await spool.close();
  });
}
