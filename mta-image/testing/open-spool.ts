/** A spool that holds no room back, on files in memory unless told, for tests of those who use it. Rejects as the spool does. */
import type { Clock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { DiskSpool, type DiskSpoolOptions } from "#mta/spool/disk-spool.ts";
import type { SpoolFiles } from "#mta/spool/files.ts";

export function openSpool(
  files: SpoolFiles,
  clock: Clock = new ManualClock(),
  change: Partial<DiskSpoolOptions> = {},
): Promise<DiskSpool> {
  return DiskSpool.open({ files, clock, log: silentLog, floor: { bytes: 0, inodes: 0 }, ...change });
}
