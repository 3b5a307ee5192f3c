/**
 * Message content on the wire: the end of data and the dots in front of lines (RFC 5321 4.5.2), in both
 * directions and over chunks cut anywhere.
 *
 * Inbound is strict: only CRLF "." CRLF ends the data. A bare CR, a bare LF or a NUL marks the message as bad;
 * it is refused after its true end, never answered early, so nothing inside can run as a command (SMTP
 * smuggling, CVE-2023-51764 and its kin).
 */

const CR = 13;
const LF = 10;
const DOT = 46;

const LINE_DOT = Buffer.from("\r\n.");
const BAD = /\r(?!\n)|(?<!\r)\n|\0/;

/** What a reader has seen of the current line. */
const LINE_START = 0;
const IN_LINE = 1;
const AFTER_CR = 2;
const AFTER_DOT = 3;
const AFTER_DOT_CR = 4;

export class DataReader {
  #state = LINE_START;
  /** A bare CR, bare LF or NUL was seen. */
  isBad = false;
  /** A line began with a dot, which was stuffed on its way here and must be again on its way out. */
  hasDots = false;

  /** Starts over for the next message. */
  reset(): void {
    this.#state = LINE_START;
    this.isBad = false;
    this.hasDots = false;
  }

  /**
   * Reads from `offset` on and gives unstuffed content to `write` in slices of the chunk. Returns the offset
   * behind the end of data, or -1 when the chunk holds no end.
   */
  read(chunk: Buffer, offset: number, write: (content: Buffer) => void): number {
    let position = offset;
    // Content from `keep` on is not handed over yet; dots that are dropped split it.
    let keep = offset;
    const length = chunk.length;
    while (position < length) {
      const byte = chunk[position] as number;
      if (this.#state === IN_LINE || (this.#state === LINE_START && byte !== DOT)) {
        position = this.#pass(chunk, position);
        continue;
      }
      const from = this.#state;
      position++;
      this.#state = this.#next(from, byte);
      if (from === LINE_START && byte === DOT) {
        hand(chunk, keep, position - 1, write);
        keep = position;
      } else if (from === AFTER_DOT && byte === CR) {
        // Might be the end: hold the CR back until the next byte says.
        keep = position;
      } else if (from === AFTER_DOT_CR) {
        if (byte === LF) return position;
        // A bare CR behind the dot: the message is bad and only its length still matters.
        keep = position - 1;
      }
    }
    if (this.#state !== AFTER_DOT_CR) hand(chunk, keep, length, write);
    return -1;
  }

  /** Passes over lines up to one that starts with a dot, noting what must not be in them; native code is the fastest at both. */
  #pass(chunk: Buffer, from: number): number {
    const dot = chunk.indexOf(LINE_DOT, from);
    const stop = dot === -1 ? chunk.length : dot + 2;
    // The next chunk tells what a CR at the end of this one is.
    const isCut = dot === -1 && chunk[stop - 1] === CR;
    const text = chunk.toString("latin1", from, isCut ? stop - 1 : stop);
    if (BAD.test(text)) this.isBad = true;
    this.#state = isCut ? AFTER_CR : text.endsWith("\r\n") ? LINE_START : IN_LINE;
    return stop;
  }

  #next(from: number, byte: number): number {
    switch (from) {
      case AFTER_CR:
        if (byte === LF) return LINE_START;
        this.isBad = true;
        return byte === CR ? AFTER_CR : IN_LINE;
      case AFTER_DOT:
        if (byte === CR) return AFTER_DOT_CR;
        this.hasDots = true;
        break;
      case AFTER_DOT_CR:
        if (byte === LF) return LINE_START;
        this.isBad = true;
        return byte === CR ? AFTER_CR : IN_LINE;
      default:
        if (byte === DOT) return AFTER_DOT;
    }
    if (byte === LF || byte === 0) this.isBad = true;
    return byte === CR ? AFTER_CR : IN_LINE;
  }
}

function hand(chunk: Buffer, start: number, end: number, write: (content: Buffer) => void): void {
  if (end > start) write(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
}

const STUFFED = Buffer.from("\r\n..");

/**
 * Puts a dot in front of each line that starts with one. `atLineStart` says whether the content before ended
 * in CRLF (true for the first piece). Returns the content itself when there is nothing to do. A line start cut
 * between two pieces is the caller's to avoid: pieces of stored content are cut behind a CRLF or handed whole.
 */
export function stuffDots(content: Buffer, atLineStart: boolean): Buffer {
  const first = atLineStart && content[0] === DOT;
  let at = content.indexOf(LINE_DOT);
  if (!first && at === -1) return content;
  const parts: Buffer[] = first ? [Buffer.from(".")] : [];
  let from = 0;
  while (at !== -1) {
    parts.push(content.subarray(from, at), STUFFED);
    from = at + 3;
    at = content.indexOf(LINE_DOT, at + 2);
  }
  parts.push(content.subarray(from));
  return Buffer.concat(parts);
}
