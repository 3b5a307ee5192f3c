/**
 * Reads the replies of a server, however the bytes are cut. Replies are hostile input: a line has at most
 * 2,048 bytes, a reply at most 1,000 lines, all with the same code (RFC 5321 4.2.1); anything else throws
 * ProtocolError, after which the connection is of no use. The first 100 lines are kept, since nobody reads more. Control
 * bytes in texts become spaces, so that a text may go to logs and notices.
 */

export interface ServerReply {
  readonly code: number;
  /** RFC 3463 status when the text starts with one that fits the code, else "". */
  readonly enhanced: string;
  readonly lines: readonly string[];
}

export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

const MAX_LINE_BYTES = 2048;
const MAX_LINES = 1000;
const LINES_KEPT = 100;
const LF = 10;
const ENHANCED = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/;

export class ReplyParser {
  #pending: Buffer | null = null;
  #code = 0;
  #lines: string[] = [];
  /** Of the reply that is not complete yet, also those that are not kept. */
  #linesRead = 0;
  /** What is being read, while a reply is told of, and where the next begins. */
  #data: Buffer | null = null;
  #at = 0;

  /** Bytes that belong to no complete line yet. Zero between replies. */
  get pendingBytes(): number {
    return (this.#pending?.length ?? 0) + this.#lines.length;
  }

  /** While a reply is told of: how many bytes came with it that stand behind it. */
  get unreadBytes(): number {
    return this.#data === null ? 0 : this.#data.length - this.#at;
  }

  /** While a reply is told of: the code of the one behind it, 0 where none has come that far. */
  get unreadCode(): number {
    return this.#data === null ? 0 : codeAt(this.#data, this.#at, this.#data.length);
  }

  /** Takes bytes and calls `onReply` for each reply that they complete. Throws ProtocolError. */
  push(chunk: Buffer, onReply: (reply: ServerReply) => void): void {
    const data = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = null;
    let start = 0;
    for (;;) {
      const end = data.indexOf(LF, start);
      if (end === -1) break;
      if (end - start > MAX_LINE_BYTES) throw new ProtocolError("reply line too long");
      const reply = this.#line(data, start, end);
      start = end + 1;
      if (reply === null) continue;
      this.#data = data;
      this.#at = start;
      onReply(reply);
    }
    this.#data = null;
    if (data.length - start > MAX_LINE_BYTES) throw new ProtocolError("reply line too long");
    if (start < data.length) this.#pending = data.subarray(start);
  }

  #line(data: Buffer, start: number, end: number): ServerReply | null {
    const stop = end > start && data[end - 1] === 13 ? end - 1 : end;
    const code = codeAt(data, start, stop);
    const separator = stop - start > 3 ? data[start + 3] : 32;
    if (code === 0 || (separator !== 32 && separator !== 45)) throw new ProtocolError("not an SMTP reply");
    if (this.#linesRead === 0) this.#code = code;
    else if (this.#code !== code) throw new ProtocolError("reply with two codes");
    if (this.#linesRead++ < LINES_KEPT)
      this.#lines.push(clean(data.toString("latin1", Math.min(start + 4, stop), stop)));
    if (separator === 45) {
      if (this.#linesRead >= MAX_LINES) throw new ProtocolError("reply with too many lines");
      return null;
    }
    const lines = this.#lines;
    this.#lines = [];
    this.#linesRead = 0;
    return { code, enhanced: enhancedOf(code, lines[0] ?? ""), lines };
  }
}

function codeAt(data: Buffer, start: number, stop: number): number {
  if (stop - start < 3) return 0;
  const a = (data[start] ?? 0) - 48;
  const b = (data[start + 1] ?? 0) - 48;
  const c = (data[start + 2] ?? 0) - 48;
  return a >= 2 && a <= 5 && b >= 0 && b <= 9 && c >= 0 && c <= 9 ? a * 100 + b * 10 + c : 0;
}

function enhancedOf(code: number, text: string): string {
  const match = ENHANCED.exec(text);
  return match?.[1] !== undefined && match[1].charCodeAt(0) - 48 === Math.floor(code / 100) ? match[1] : "";
}

/** Control bytes and non-ASCII become spaces: the text is going to logs, notices and the spool. */
export function clean(text: string): string {
  return /[^\x20-\x7e]/.test(text) ? text.replace(/[^\x20-\x7e]/g, " ") : text;
}

/** As it came, control bytes apart; lines end in LF. */
export function textOf({ code, lines }: ServerReply): string {
  return lines.map((line, i) => `${code}${i === lines.length - 1 ? " " : "-"}${line}`).join("\n");
}
