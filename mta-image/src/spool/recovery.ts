/**
 * What a start finds: reads every segment in order and rebuilds the catalog. A torn tail (the batch that a
 * crash cut) is cut off; nothing in it was ever acknowledged. Damage in front of sound records is copied to
 * `corrupt/`, logged and counted, never deleted. Files that are not ours are left alone.
 */
import type { Log } from "#base/log.ts";

import type { Catalog, LiveMessage } from "./catalog.ts";
import type { SpoolFile, SpoolFiles } from "./files.ts";
import { type SpoolRecord, SEGMENT_HEADER, decode, nextSound, soundLength } from "./record.ts";
import { segmentName } from "./segment-log.ts";

export interface Recovered {
  /** Segments found, oldest first. */
  readonly segments: number[];
  readonly corruptRecords: number;
}

export async function recoverSegments(files: SpoolFiles, catalog: Catalog, log: Log): Promise<Recovered> {
  const names = (await files.list("segments")).filter((name) => /^\d{10}\.log$/.test(name)).sort();
  const segments = names.map((name) => Number(name.slice(0, 10)));
  let corruptRecords = 0;
  for (const segment of segments) corruptRecords += await readSegment({ files, catalog, log, segment });
  await removeStrayBodies(files, catalog);
  return { segments, corruptRecords };
}

interface Reading {
  readonly files: SpoolFiles;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly segment: number;
}

async function readSegment(reading: Reading): Promise<number> {
  const file = await reading.files.open(segmentName(reading.segment));
  try {
    const data = await file.read(0, await file.size());
    return await readRecords(reading, file, data);
  } finally {
    await file.close();
  }
}

async function readRecords(reading: Reading, file: SpoolFile, data: Buffer): Promise<number> {
  let corrupt = 0;
  let offset = data.subarray(0, SEGMENT_HEADER.length).equals(SEGMENT_HEADER) ? SEGMENT_HEADER.length : 0;
  while (offset < data.length) {
    const length = soundLength(data, offset);
    if (length !== null) {
      const record = decode(data, offset);
      if (record === null) corrupt += await quarantine(reading, data, offset, offset + length);
      else replay(reading, record, offset, length);
      offset += length;
      continue;
    }
    const next = nextSound(data, offset + 1);
    if (next === -1) {
      reading.log.warn({ segment: reading.segment, offset, bytes: data.length - offset }, "spool-torn-tail");
      await file.truncate(offset);
      await file.sync();
      break;
    }
    corrupt += await quarantine(reading, data, offset, next);
    offset = next;
  }
  return corrupt;
}

async function quarantine(reading: Reading, data: Buffer, start: number, end: number): Promise<number> {
  const { files, log, segment } = reading;
  const path = `corrupt/${String(segment).padStart(10, "0")}-${start}.bin`;
  log.error({ segment, offset: start, bytes: end - start, path }, "spool-corrupt-record");
  await files.remove(path);
  const file = await files.create(path);
  await file.append([data.subarray(start, end)]);
  await file.sync();
  await file.close();
  await files.syncFolder("corrupt");
  return 1;
}

function replay(reading: Reading, record: SpoolRecord, offset: number, length: number): void {
  const { catalog, segment } = reading;
  if (record.kind === "message") {
    const states = [...record.meta.states];
    const left = states.filter((state) => state !== null).length;
    const message: LiveMessage = {
      meta: record.meta,
      states,
      left,
      location: { segment, offset, length },
      content: null,
    };
    if (left > 0) catalog.add(message);
    return;
  }
  const message = catalog.get(record.id);
  if (message === undefined || message.states[record.recipient] == null) return;
  if (record.kind === "state") {
    message.states[record.recipient] = record.state;
    return;
  }
  message.states[record.recipient] = null;
  message.left--;
  if (message.left === 0) catalog.remove(message);
}

/** A body without a live message is one whose commit never came, or whose message is settled. */
async function removeStrayBodies(files: SpoolFiles, catalog: Catalog): Promise<void> {
  for (const name of await files.list("bodies")) {
    const id = name.replace(/\.part$/, "");
    if (/^[0-9A-Z]{26}(?:\.part)?$/.test(name) && catalog.get(id)?.meta.inFile !== true)
      await files.remove(`bodies/${name}`);
  }
}
