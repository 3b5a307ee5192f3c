/**
 * What a start finds: reads the snapshot, if there is one, and every segment behind it in order, and rebuilds the catalog.
 * Bytes that are no sound record are copied to `corrupt/` before anything else happens to them: a torn tail (the batch
 * that a crash cut; nothing in it was acknowledged) is then cut off, or stays as well when the disk had no room for the copy,
 * but for zeros behind it;
 * damage anywhere else stays where it is, is logged and counted.
 * Files that are not ours are left alone. A segment of another format throws `spool-format-unknown`.
 */
import { Failure } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { Catalog } from "./catalog.ts";
import type { CorruptBytes } from "./corrupt-bytes.ts";
import type { SpoolFile, SpoolFiles } from "./files.ts";
import { LiveMessage } from "./live-message.ts";
import { type SpoolRecord, SEGMENT_HEADER, SEGMENT_HEADER_START, decode } from "./record.ts";
import { recoverBodies } from "./recover-bodies.ts";
import { SegmentBytes } from "./segment-bytes.ts";
import { segmentName } from "./segment-log.ts";
import { type Damage, readSnapshot } from "./snapshot.ts";
import { isForRoom } from "./spool.ts";

export interface Recovered {
  /** Segments found, oldest first. */
  readonly segments: number[];
  /** Of them, those that were read; the others are in the snapshot. */
  readonly read: number;
  readonly damage: Damage;
  readonly corruptRecords: number;
}

export async function recoverSegments(parts: {
  readonly files: SpoolFiles;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly corrupt: CorruptBytes;
}): Promise<Recovered> {
  const { files, catalog, log } = parts;
  const names = (await files.list("segments")).filter((name) => /^\d{10}\.log$/.test(name)).sort();
  const segments = names.map((name) => Number(name.slice(0, 10)));
  const snapshot = await readSnapshot(files, catalog, { segments, log });
  const unread = segments.filter((segment) => segment > (snapshot?.segment ?? 0));
  const damage = (snapshot?.damage ?? []).filter(([segment]) => segments.includes(segment));
  for (const segment of unread) {
    const isNewest = segment === segments.at(-1);
    const records = await readSegment({ ...parts, segment, isNewest });
    if (records > 0) damage.push([segment, records]);
  }
  const missing = await recoverBodies({ files, catalog, log, isDamaged: damage.length > 0 });
  const corruptRecords = damage.reduce((sum, [, records]) => sum + records, missing);
  return { segments, read: unread.length, damage, corruptRecords };
}

interface Reading {
  readonly files: SpoolFiles;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly corrupt: CorruptBytes;
  readonly segment: number;
  readonly isNewest: boolean;
}

async function readSegment(reading: Reading): Promise<number> {
  const file = await reading.files.open(segmentName(reading.segment));
  try {
    const bytes = new SegmentBytes(await file.read(0, await file.size()), reading.segment);
    return await readRecords(reading, file, bytes);
  } finally {
    await file.close();
  }
}

async function readRecords(reading: Reading, file: SpoolFile, bytes: SegmentBytes): Promise<number> {
  const { data, gap } = bytes;
  if (bytes.isUnreadable) {
    await reading.corrupt.keep(reading.segment, 0, data);
    return 1;
  }
  let corrupt = 0;
  let offset = startOfRecords(reading, bytes);
  while (offset < data.length) {
    const length = bytes.soundLength(offset);
    const record = length === null ? null : decode(data, offset + gap);
    if (length !== null && record !== null) {
      replay(reading, record, { offset: offset + gap, length: length - gap });
      offset += length;
      continue;
    }
    const next = length === null ? bytes.behindDamage(offset) : offset + length;
    if (next === -1) return corrupt + (await takeTail(reading, file, bytes, offset));
    await reading.corrupt.keep(reading.segment, offset, data.subarray(offset, next));
    corrupt++;
    offset = next;
  }
  return corrupt;
}

function startOfRecords(reading: Reading, { data, start }: SegmentBytes): number {
  if (start !== null) return start;
  const header = data.subarray(0, SEGMENT_HEADER.length);
  const isOurs = header.subarray(0, SEGMENT_HEADER_START.length).equals(SEGMENT_HEADER_START);
  if (!isOurs || header.length < SEGMENT_HEADER.length) return 0;
  const found = header.toString("latin1").replace(/[^\x20-\x7e]/g, "");
  throw new Failure("spool-format-unknown", `${segmentName(reading.segment)} says "${found}"`, {
    transient: false,
  });
}

/**
 * No sound record follows. In the newest segment that is what a crash leaves; in an older one, every byte was on disk before
 * the next segment began, so it is damage, and so is anything but a header at the start: that is on disk before all else.
 * Zeros at the end are no part of it: those of a reserve go on a full disk too, where there is no room for a copy of the rest. Nor is
 * what an older segment has left.
 */
async function takeTail(
  reading: Reading,
  file: SpoolFile,
  bytes: SegmentBytes,
  offset: number,
): Promise<number> {
  const { segment, isNewest, log, corrupt } = reading;
  const { data, isReused } = bytes;
  const tail = withoutZeros(data.subarray(offset, bytes.endOfTail(offset)));
  const isBlank = tail.length === 0 || isStartOfHeader(offset, data);
  const mayGo = isBlank || (await corrupt.keep(segment, offset, tail));
  if (!isNewest || (offset === 0 && !isBlank)) return isBlank ? 0 : 1;
  const end = mayGo ? offset : offset + tail.length;
  if (end === data.length) return 0;
  const torn = isReused ? tail.length : data.length - end;
  if (torn > 0) log.warn({ segment, offset: end, bytes: torn }, "spool-torn-tail");
  await cutOff(file, end);
  return 0;
}

/** Some file systems need room to give some back; what stays then is damage to the next start. */
async function cutOff(file: SpoolFile, end: number): Promise<void> {
  try {
    await file.truncate(end);
    await file.sync();
  } catch (error) {
    if (!isForRoom(error)) throw error;
  }
}

function withoutZeros(data: Buffer): Buffer {
  let end = data.length;
  while (end > 0 && data[end - 1] === 0) end--;
  return data.subarray(0, end);
}

/** A crash came while the segment was made. */
function isStartOfHeader(offset: number, data: Buffer): boolean {
  return offset === 0 && SEGMENT_HEADER.subarray(0, data.length).equals(data);
}

function replay(reading: Reading, record: SpoolRecord, place: { offset: number; length: number }): void {
  const { catalog, segment } = reading;
  if (record.kind === "message") {
    const { offset, length } = place;
    const message = new LiveMessage(record.meta, { segment, offset, length });
    message.rest();
    if (message.left > 0) catalog.add(message);
    return;
  }
  const message = catalog.get(record.id);
  if (message === undefined) return;
  if (record.kind === "state") message.keep(record.recipient, record.state);
  else if (message.settle(record.recipient) && message.left === 0) catalog.remove(message);
}
