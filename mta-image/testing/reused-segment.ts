/** A spool whose open segment is written over an older one. */
import type { DiskSpool } from "#mta/spool/disk-spool.ts";
import { REUSED_HEADER, endMark } from "#mta/spool/segment-bytes.ts";

import type { FaultyFiles } from "./faulty-files.ts";
import { commitAll, open } from "./full-disk.ts";
import { settle } from "./queue-rig.ts";

export const small = { segmentBytes: 3000 };

/** Path of the open segment. */
export const newest = (files: FaultyFiles): string =>
  files.paths().findLast((path) => path.endsWith(".log")) ?? "";
export const numberOf = (path: string): number => Number.parseInt(path.slice("segments/".length), 10);
/** Of the open segment. */
export const keyIn = (bytes: Buffer): Buffer =>
  bytes.subarray(REUSED_HEADER.length, REUSED_HEADER.length + 8);
export const corrupt = (files: FaultyFiles): string[] =>
  files.paths().filter((path) => path.startsWith("corrupt/"));

export const isReused = (files: FaultyFiles): boolean =>
  files.bytes(newest(files)).subarray(0, REUSED_HEADER.length).equals(REUSED_HEADER);

/** Mail comes and goes until the segment that is open is one that was written over, and holds three messages. */
export async function reused(files: FaultyFiles): Promise<{ spool: DiskSpool; kept: string[] }> {
  const { spool } = await open(files, small);
  const kept: string[] = [];
  while (kept.length < 3) {
    const before = newest(files);
    kept.push(...(await commitAll(spool, 1)).map(({ id }) => id));
    const gone = !isReused(files)
      ? kept.splice(0)
      : newest(files) === before
        ? []
        : kept.splice(0, kept.length - 1);
    for (const id of gone) spool.settle(id, 0);
    await spool.flush();
    for (let n = 0; n < 3; n++) await settle();
  }
  return { spool, kept };
}

/** Where the records of the open segment end. */
export function endOf(files: FaultyFiles): number {
  const path = newest(files);
  const bytes = files.bytes(path);
  const mark = endMark(keyIn(bytes), numberOf(path));
  for (let at = 0; at < bytes.length; at++) {
    if (bytes.subarray(at, at + 16).equals(mark)) return at;
  }
  throw new Error("no mark of the end");
}
