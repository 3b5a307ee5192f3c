/** A spool on files in memory with all the room it wants, for tests of those who use it. Rejects as the spool does. */
import type { Clock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { DiskSpool } from "#mta/spool/disk-spool.ts";

import type { FaultyFiles } from "./faulty-files.ts";

export function openSpool(files: FaultyFiles, clock: Clock = new ManualClock()): Promise<DiskSpool> {
  return DiskSpool.open({ files, clock, log: silentLog, floor: { bytes: 0, inodes: 0 } });
}
