import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft } from "../../testing/messages.ts";
import { settle } from "../../testing/queue-rig.ts";
import { recovered } from "../../testing/spool-contract.ts";
import { until } from "../../testing/until.ts";
import { DiskSpool } from "./disk-spool.ts";

/** Each batch begins a segment. */
function open(files: FaultyFiles): Promise<DiskSpool> {
  return DiskSpool.open({
    files,
    clock: new ManualClock(),
    log: silentLog,
    floor: { bytes: 0, inodes: 0 },
    segmentBytes: 1,
  });
}

const segments = (files: FaultyFiles): number[] =>
  files.paths().flatMap((path) => (path.endsWith(".log") ? [Number.parseInt(path.slice(9), 10)] : []));

test("the oldest segment goes as soon as nobody needs it, and never one behind a segment that is needed", async () => {
  const files = new FaultyFiles();
  const spool = await open(files);
  const drafts = Array.from({ length: 6 }, () => makeDraft({ content: Buffer.alloc(5000, "x") }));
  const places: number[] = [];
  for (const draft of drafts) {
    await spool.commit(draft);
    places.push(segments(files).at(-1) as number);
  }
  const [first, second, third, ...live] = drafts.map(({ id }) => id) as [string, string, string];
  const oldestIs = (nth: number): Promise<unknown> =>
    until(
      () => segments(files)[0],
      (oldest) => oldest === places[nth],
    );
  spool.settle(third, 0);
  await settle();
  assert.ok(segments(files).includes(places[0] as number));
  assert.ok(segments(files).includes(places[2] as number), "it is behind the first two");
  spool.settle(first, 0);
  await oldestIs(1);
  spool.settle(second, 0);
  await oldestIs(3);
  const next = await open(files.afterCrash());
  assert.deepEqual(
    (await recovered(next)).map(({ id }) => id),
    live,
  );
  for (const one of [spool, next]) await one.close();
});

test("what one long-lived message keeps is given back by writing that message anew, content and all", async () => {
  const files = new FaultyFiles();
  const spool = await open(files);
  const content = Buffer.from("Subject: stays\r\n\r\n");
  const old = makeDraft({ content });
  await spool.commit(old);
  for (let n = 0; n < 10; n++) {
    const draft = makeDraft({ content: Buffer.alloc(5000, "x") });
    await spool.commit(draft);
    spool.settle(draft.id, 0);
    await settle();
  }
  await until(
    () => segments(files).length,
    (left) => left < 10,
  );
  const next = await open(files.afterCrash());
  const stored = await next.read(old.id);
  assert.deepEqual(stored.kind === "memory" ? stored.bytes : null, content);
  assert.equal(next.figures().messages, 1);
  for (const one of [spool, next]) await one.close();
});
