/**
 * Finds command lines in the bytes of a client and judges their form: CRLF at the end, no bare CR, bare LF or
 * NUL, a bounded length. A line that is too long is thrown away up to its end, so that its tail never runs as a
 * command. Pure apart from the count of bytes thrown away. Never throws.
 */
import { type Reply, replies } from "../smtp/reply.ts";

const LF = 10;
const CR = 13;
/** RFC 5321 4.5.3.1.4 asks for 512; extensions add to it, and nothing valid comes near this. */
const MAX_LINE_BYTES = 2048;
/** Tokens are longer than any command: what RFC 4954 4 calls enough for AUTH and for the answers within it. */
const MAX_AUTH_BYTES = 12_288;
/** A line without end may be thrown away up to here before the connection is given up. */
const MAX_DISCARDED_BYTES = 1_048_576;

export class LineReader {
  #discarded = 0;

  /** The line that starts at `start`: the offset behind its LF, or -1 while it has no end. */
  findEnd(data: Buffer, start: number): number {
    return data.indexOf(LF, start) + 1 || -1;
  }

  /** What is wrong with the line from `start` to `next`, or null when it may be parsed. `isAnswer`: within AUTH. */
  judge(data: Buffer, line: { start: number; next: number; isAnswer: boolean }): Reply | null {
    const { start, next, isAnswer } = line;
    if (this.#discarded > 0 || isTooLong(data, { start, end: next, isAnswer })) {
      this.#discarded = 0;
      return replies.lineTooLong;
    }
    const end = next - 2;
    return end < start || data[end] !== CR || hasStray(data, start, end) ? replies.badLineEnd : null;
  }

  /** A copy of the incomplete line to put in front of the next bytes; null when it is too long already. */
  keep(data: Buffer, start: number, isAnswer: boolean): Buffer | null {
    const length = data.length - start;
    if (this.#discarded === 0 && !isTooLong(data, { start, end: data.length, isAnswer })) {
      // Copied: a part of a line must not hold the memory of a whole network read.
      return Buffer.from(data.subarray(start));
    }
    this.#discarded += length;
    return null;
  }

  /** Nobody who speaks SMTP sends this much without a line end. */
  get isHopeless(): boolean {
    return this.#discarded > MAX_DISCARDED_BYTES;
  }
}

function isTooLong(data: Buffer, line: { start: number; end: number; isAnswer: boolean }): boolean {
  const { start, end, isAnswer } = line;
  const length = end - start;
  if (length <= MAX_LINE_BYTES) return false;
  return length > MAX_AUTH_BYTES || !(isAnswer || /^auth $/i.test(data.toString("latin1", start, start + 5)));
}

function hasStray(data: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (data[i] === CR || data[i] === 0) return true;
  return false;
}
