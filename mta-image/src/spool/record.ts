/**
 * Records of a segment (docs/spool-format.md). Every record stands alone: mark, length, CRC-32, type, payload.
 * Strings of strangers live in JSON inside a length-prefixed payload, so no byte of them can pass for format.
 * Reading never throws: bytes that are no whole, sound record are `null`.
 *
 *   0  u32  mark 0x4d465231 ("MFR1")
 *   4  u32  payload length
 *   8  u32  CRC-32 of bytes 12 to the end
 *  12  u8   type
 *  13  u24  meta length: the JSON at the start of the payload; content bytes follow it
 */
import { crc32 } from "node:zlib";

import { isId } from "#base/ids.ts";

import type { Envelope, Origin } from "../message/envelope.ts";
import type { EntryState } from "./spool.ts";

export const HEADER_BYTES = 16;
export const SEGMENT_HEADER_START = Buffer.from("mailfleet spool format ");
export const SEGMENT_HEADER = Buffer.from("mailfleet spool format 1 segment\n");
const MARK = 0x4d465231;
const MAX_META_BYTES = 0xffffff;
const MARK_BYTES = Buffer.from("MFR1");

const MESSAGE = 1;
const STATE = 2;
const SETTLED = 3;

/** A message as its record says: recipients that are settled have no state. */
export interface MessageMeta {
  readonly id: string;
  readonly receivedAt: number;
  readonly envelope: Envelope;
  readonly origin: Origin;
  readonly sizeBytes: number;
  readonly states: readonly (EntryState | null)[];
  /** The content is in bodies/<id> and not behind the meta. */
  readonly inFile: boolean;
}

export type SpoolRecord =
  | { readonly kind: "message"; readonly meta: MessageMeta; readonly contentOffset: number }
  | { readonly kind: "state"; readonly id: string; readonly recipient: number; readonly state: EntryState }
  | { readonly kind: "settled"; readonly id: string; readonly recipient: number };

/** The buffers of a message record; content, in pieces, is not copied. */
export function encodeMessage(meta: MessageMeta, content: readonly Buffer[]): Buffer[] {
  return encode(MESSAGE, JSON.stringify(meta), content);
}

export function encodeState(id: string, recipient: number, state: EntryState): Buffer[] {
  return encode(STATE, JSON.stringify({ id, recipient, state }), []);
}

export function encodeSettled(id: string, recipient: number): Buffer[] {
  return encode(SETTLED, `{"id":"${id}","recipient":${recipient}}`, []);
}

/** Whether these bytes are the one whole record of that message. */
export function isMessageOf(id: string, record: Buffer): boolean {
  if (soundLength(record, 0) !== record.length) return false;
  const said = decode(record, 0);
  return said?.kind === "message" && said.meta.id === id;
}

/** Of the first buffer of a record that was encoded here. */
export function isMessageHead(head: Buffer): boolean {
  return head[12] === MESSAGE;
}

function encode(type: number, meta: string, content: readonly Buffer[]): Buffer[] {
  const metaLength = Buffer.byteLength(meta);
  if (metaLength > MAX_META_BYTES) throw new RangeError("envelope too large for a record");
  const head = Buffer.allocUnsafe(HEADER_BYTES + metaLength);
  head.writeUInt32BE(MARK, 0);
  head.writeUInt32BE(metaLength + lengthOf(content), 4);
  head[12] = type;
  head.writeUIntBE(metaLength, 13, 3);
  head.write(meta, HEADER_BYTES, "utf8");
  let crc = crc32(head.subarray(12));
  for (const piece of content) crc = crc32(piece, crc);
  head.writeUInt32BE(crc, 8);
  return [head, ...content];
}

/** Of all pieces together. */
export function lengthOf(pieces: readonly Buffer[]): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

/** The whole length of the record at `offset`, or null when no sound and complete record stands there. */
export function soundLength(data: Buffer, offset: number): number | null {
  if (data.length - offset < HEADER_BYTES || data.readUInt32BE(offset) !== MARK) return null;
  const length = HEADER_BYTES + data.readUInt32BE(offset + 4);
  if (offset + length > data.length) return null;
  return crc32(data.subarray(offset + 12, offset + length)) === data.readUInt32BE(offset + 8) ? length : null;
}

/**
 * The length of a damaged message record that its own meta confirms; 0 where it does not. What is within such a record is a
 * stranger's, who may have written sound records into it.
 */
export function confirmedLength(data: Buffer, offset: number): number {
  if (data.length - offset < HEADER_BYTES || data.readUInt32BE(offset) !== MARK) return 0;
  const [length, metaLength] = [data.readUInt32BE(offset + 4), data.readUIntBE(offset + 13, 3)];
  const meta = parse(data.toString("utf8", offset + HEADER_BYTES, offset + HEADER_BYTES + metaLength));
  if (meta === null || !isMessage(meta)) return 0;
  return metaLength + (meta.inFile ? 0 : meta.sizeBytes) === length ? HEADER_BYTES + length : 0;
}

/** What a sound record says, or null when a newer version wrote something that this one does not know. */
export function decode(data: Buffer, offset: number): SpoolRecord | null {
  const type = data[offset + 12];
  const contentOffset = HEADER_BYTES + data.readUIntBE(offset + 13, 3);
  const meta = parse(data.toString("utf8", offset + HEADER_BYTES, offset + contentOffset));
  if (meta === null) return null;
  if (type === MESSAGE) return isMessage(meta) ? { kind: "message", meta, contentOffset } : null;
  if (type === STATE) return isState(meta) ? { kind: "state", ...meta } : null;
  if (type === SETTLED) return isSettled(meta) ? { kind: "settled", ...meta } : null;
  return null;
}

/** The CRC says that these are the bytes we wrote; this says that the version that wrote them meant the same. */
function isMessage(meta: object): meta is MessageMeta {
  const { id, envelope, states, origin } = meta as Partial<MessageMeta>;
  const recipients = envelope?.recipients;
  const isWhole = typeof id === "string" && isId(id) && typeof origin === "object";
  return isWhole && Array.isArray(recipients) && Array.isArray(states) && recipients.length === states.length;
}

function isSettled(meta: object): meta is { id: string; recipient: number } {
  const { id, recipient } = meta as { id?: unknown; recipient?: unknown };
  return typeof id === "string" && Number.isSafeInteger(recipient);
}

function isState(meta: object): meta is { id: string; recipient: number; state: EntryState } {
  const { state } = meta as { state?: unknown };
  return isSettled(meta) && typeof state === "object" && state !== null;
}

/** Where the next sound record begins at or after `from`, or -1. */
export function nextSound(data: Buffer, from: number): number {
  for (let at = data.indexOf(MARK_BYTES, from); at !== -1; at = data.indexOf(MARK_BYTES, at + 1)) {
    if (soundLength(data, at) !== null) return at;
  }
  return -1;
}

function parse(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
