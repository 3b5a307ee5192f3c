/** A spool on a disk that a test fills and empties, with a clock that stands still: room is looked for when the test says so. */
import { ManualClock } from "#base/testing/manual-clock.ts";
import type { DiskSpool, DiskSpoolOptions } from "#mta/spool/disk-spool.ts";
import type { SpoolFiles } from "#mta/spool/files.ts";
import type { Draft } from "#mta/spool/spool.ts";

import type { FaultyFiles } from "./faulty-files.ts";
import { makeDraft } from "./messages.ts";
import { openSpool } from "./open-spool.ts";
import { settle } from "./queue-rig.ts";
import { recovered } from "./spool-contract.ts";

/** How often the spool looks for room. */
export const LOOK_MS = 2000;

export async function open(
  files: SpoolFiles,
  change: Partial<DiskSpoolOptions> = {},
): Promise<{ spool: DiskSpool; clock: ManualClock }> {
  const clock = new ManualClock();
  return { spool: await openSpool(files, clock, change), clock };
}

/** Ids of what it recovers. */
export async function stored(spool: DiskSpool): Promise<string[]> {
  return (await recovered(spool)).map(({ id }) => id);
}

export async function commitAll(spool: DiskSpool, count: number): Promise<Draft[]> {
  const drafts = Array.from({ length: count }, () => makeDraft());
  for (const draft of drafts) await spool.commit(draft);
  return drafts;
}

/** Until the spool has looked for room and written what found some. */
export async function look(clock: ManualClock): Promise<void> {
  clock.advance(LOOK_MS);
  for (let n = 0; n < 5; n++) await settle();
}

export function makeRoom(files: FaultyFiles): void {
  files.isFull = false;
  files.free.bytes = 1e12;
}

export function fill(files: FaultyFiles): void {
  files.isFull = true;
  files.free.bytes = 0;
}
