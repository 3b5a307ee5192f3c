/**
 * What is live, in one file, so that a start need not read every segment (docs/spool-format.md). It stands for all
 * records of segments up to a number; later segments are read on top of it. It is written beside, synced and renamed,
 * while mail goes on: what changes meanwhile is in a later segment, and replaying that gives the same end. Nothing may
 * move or remove records meanwhile (compaction waits), or one could be in neither.
 *
 *   header line, then frames: u32 length, u32 CRC-32, kind, payload
 *   kinds: 1 head (JSON), 2 words of the packer since the last such frame (JSON), 3 messages, 4 end (number of messages)
 *
 * It is never needed: one that is damaged, cut, of another format or of another life is left unread, and the segments say
 * everything. So whoever changes what packed facts or frames look like gives the header another number: an engine of an
 * earlier version would read other recipients out of them.
 */
import { crc32 } from "node:zlib";

import type { Log } from "#base/log.ts";

import type { Catalog } from "./catalog.ts";
import type { SpoolFile, SpoolFiles } from "./files.ts";
import { LiveMessage } from "./live-message.ts";
import { facts as packer } from "./packed-facts.ts";
import { SnapshotReader, SnapshotWriter } from "./snapshot-entries.ts";

export const SNAPSHOT = "snapshot";
const PART = "snapshot.part";
const HEADER = Buffer.from("mailfleet spool format 2 snapshot\n");
const FRAME_HEAD = 9;
const HEAD = 1;
const WORDS = 2;
const MESSAGES = 3;
const END = 4;
/** A few milliseconds of work between two writes; fewer messages where they have many recipients. */
const PER_FRAME = 1000;
const FULL_FRAME_BYTES = 4 * 1024 * 1024;
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

/** How many records of a segment are damaged. */
export type Damage = readonly (readonly [segment: number, records: number])[];

export interface SnapshotHead {
  /** All records of segments up to this one are in it. */
  readonly segment: number;
  /** Damaged records that were found in segments, by number. */
  readonly damage: Damage;
}

/** Rejects when it cannot be written; the one before stays then, and no part of this one takes room. */
export async function writeSnapshot(files: SpoolFiles, catalog: Catalog, head: SnapshotHead): Promise<void> {
  await files.remove(PART);
  try {
    await writePart(files, catalog, head);
    await files.rename(PART, SNAPSHOT);
  } catch (error) {
    await files.remove(PART).catch(() => {});
    throw error;
  }
  await files.syncFolder("");
}

async function writePart(files: SpoolFiles, catalog: Catalog, head: SnapshotHead): Promise<void> {
  const file = await files.create(PART);
  try {
    await file.append([HEADER, ...frame(HEAD, Buffer.from(JSON.stringify(head)))]);
    const count = await writeMessages(file, catalog);
    await file.append(frame(END, Buffer.from(JSON.stringify({ messages: count }))));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeMessages(file: SpoolFile, catalog: Catalog): Promise<number> {
  const writer = new SnapshotWriter();
  let count = 0;
  let inFrame = 0;
  let words = 0;
  const flush = async (): Promise<void> => {
    const fresh = packer.wordsFrom(words);
    words += fresh.length;
    await file.append([
      ...frame(WORDS, Buffer.from(JSON.stringify(fresh))),
      ...frame(MESSAGES, writer.take()),
    ]);
    count += inFrame;
    inFrame = 0;
  };
  for (const message of catalog.values()) {
    writer.add(message);
    if (++inFrame === PER_FRAME || writer.bytes >= FULL_FRAME_BYTES) await flush();
  }
  await flush();
  return count;
}

function frame(kind: number, payload: Buffer): Buffer[] {
  const head = Buffer.allocUnsafe(FRAME_HEAD);
  head.writeUInt32BE(payload.length, 0);
  head[8] = kind;
  head.writeUInt32BE(crc32(payload, crc32(head.subarray(8))), 4);
  return [head, payload];
}

/**
 * Fills the catalog with what is in segments that exist. Null, and the catalog empty, when there is no snapshot that can
 * be used, for whatever reason.
 */
export async function readSnapshot(
  files: SpoolFiles,
  catalog: Catalog,
  { segments, log }: { readonly segments: readonly number[]; readonly log: Log },
): Promise<SnapshotHead | null> {
  await files.remove(PART);
  const file = await files.open(SNAPSHOT).catch(() => null);
  if (file === null) return null;
  const head = await readFrames(file, catalog, segments).catch(() => null);
  await file.close();
  if (head !== null) return head;
  log.warn({ path: SNAPSHOT }, "spool-snapshot-unusable");
  catalog.clear();
  return null;
}

async function readFrames(
  file: SpoolFile,
  catalog: Catalog,
  segments: readonly number[],
): Promise<SnapshotHead | null> {
  const loading = new Loading(catalog, segments);
  let head: SnapshotHead | null = null;
  for await (const { kind, payload } of frames(file)) {
    if (kind === HEAD) head = headOf(payload, segments);
    if (head === null) return null;
    if (kind === WORDS && !loading.learn(payload)) return null;
    if (kind === MESSAGES) loading.add(payload);
    if (kind === END) return loading.isAll(payload) ? head : null;
  }
  return null;
}

/** What has been read of a snapshot so far. */
class Loading {
  readonly #catalog: Catalog;
  readonly #existing: ReadonlySet<number>;
  readonly #reader = new SnapshotReader();
  #messages = 0;
  #words = 0;

  constructor(catalog: Catalog, segments: readonly number[]) {
    this.#catalog = catalog;
    this.#existing = new Set(segments);
  }

  /** False when other words have their numbers. */
  learn(payload: Buffer): boolean {
    const fresh = JSON.parse(payload.toString()) as readonly string[];
    const isLearnt = packer.learn(this.#words, fresh);
    this.#words += fresh.length;
    return isLearnt;
  }

  /** A message whose segment is gone was settled or written anew since. */
  add(payload: Buffer): void {
    for (const { rested, location } of this.#reader.read(payload)) {
      this.#messages++;
      if (this.#existing.has(location.segment)) this.#catalog.add(new LiveMessage(rested, location));
    }
  }

  isAll(payload: Buffer): boolean {
    return (JSON.parse(payload.toString()) as { messages: number }).messages === this.#messages;
  }
}

/** Numbers of segments only grow: where the newest is older, the snapshot is of another life. */
function headOf(payload: Buffer, segments: readonly number[]): SnapshotHead | null {
  const head = JSON.parse(payload.toString()) as SnapshotHead;
  return (segments.at(-1) ?? 0) >= head.segment ? head : null;
}

/** As far as they are sound. */
async function* frames(file: SpoolFile): AsyncGenerator<{ kind: number; payload: Buffer }> {
  const size = await file.size();
  const header = await file.read(0, HEADER.length);
  if (!header.equals(HEADER)) return;
  for (let at = HEADER.length; at + FRAME_HEAD <= size; ) {
    const head = await file.read(at, FRAME_HEAD);
    const length = head.readUInt32BE(0);
    if (length > MAX_FRAME_BYTES || at + FRAME_HEAD + length > size) return;
    const payload = await file.read(at + FRAME_HEAD, length);
    if (crc32(payload, crc32(head.subarray(8))) !== head.readUInt32BE(4)) return;
    yield { kind: head[8] as number, payload };
    at += FRAME_HEAD + length;
  }
}
