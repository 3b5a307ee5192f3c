/**
 * What tells the bytes of one segment from those of another (docs/spool-format.md). A fresh segment ends where its file does. One
 * that is written over an older one has bytes of that behind its own: its records carry a mark that is its number's alone, so
 * that no older record passes for one of them, and behind the last of them stands a mark of the end.
 */
export const SEGMENT_HEADER_START = Buffer.from("mailfleet spool format ");
/** Of a fresh segment. */
export const SEGMENT_HEADER = Buffer.from("mailfleet spool format 1 segment\n");
/** Of a segment that is written over an older one; as long as the other. */
export const REUSED_HEADER = Buffer.from("mailfleet spool format 2 segment\n");

/** Of records in a fresh segment: "MFR1". */
export const MARK = 0x4d465231;
const MARK_OF_REUSED = 0x4d465232;

/** Of records in a segment of that number that is written over an older one. */
export function markOf(segment: number): number {
  return (MARK_OF_REUSED + segment) >>> 0;
}

const END = Buffer.from("MFRE");
const END_BYTES = 16;

/** What stands at `offset`, where a segment that is written over an older one ends for now. */
export function endMark(segment: number, offset: number): Buffer {
  const mark = Buffer.allocUnsafe(END_BYTES);
  END.copy(mark);
  mark.writeUInt32BE(segment >>> 0, 4);
  mark.writeBigUInt64BE(BigInt(offset), 8);
  return mark;
}

/** Where the mark of the end stands at or behind `from`, or -1. It says where it stands, so mail cannot hold one by chance. */
export function findEnd(data: Buffer, segment: number, from: number): number {
  for (let at = data.indexOf(END, from); at !== -1; at = data.indexOf(END, at + 1)) {
    if (data.subarray(at, at + END_BYTES).equals(endMark(segment, at))) return at;
  }
  return -1;
}
