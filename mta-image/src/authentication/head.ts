/**
 * The header block of a message that comes in pieces: held until it is complete, then told apart into fields as they
 * stand. Bounded: a header that does not end within the bound comes back as body (`isOverlong`), for whoever reads
 * headers byte by byte must not be fed a message that is nothing else. Pure; never throws.
 */

/** Postfix keeps 100 KiB of header; mail with long chains of ARC sets comes near 64 KiB. */
export const mostHeadBytes = 262_144;

const BLANK_LINE = Buffer.from("\r\n\r\n");
/** Pieces held before they are put together: each costs memory beyond its bytes. */
const MOST_PIECES = 32;

export interface CompleteHead {
  /** With the blank line, if there is one. */
  readonly head: Buffer;
  readonly rest: Buffer;
}

export class HeadReader {
  isOverlong = false;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** The last bytes of what came before: a blank line may be cut anywhere. */
  #seam: Buffer = Buffer.alloc(0);

  /** The whole header once its end has come; null before. Not to be called again after that. */
  push(piece: Buffer): CompleteHead | null {
    const joined = Buffer.concat([this.#seam, piece.subarray(0, mostHeadBytes)]);
    const found = joined.indexOf(BLANK_LINE);
    const start = this.#bytes - this.#seam.length;
    this.#pieces.push(Buffer.from(piece));
    this.#bytes += piece.length;
    if (this.#pieces.length > MOST_PIECES) this.#join();
    if (found !== -1) return this.#cut(start + found + BLANK_LINE.length);
    this.#seam = Buffer.from(joined.subarray(-3));
    this.isOverlong = this.#bytes > mostHeadBytes;
    return this.isOverlong ? this.#cut(0) : null;
  }

  /** The message is over: what was held is all header. */
  end(): CompleteHead {
    return this.#cut(this.#bytes);
  }

  #cut(at: number): CompleteHead {
    const whole = this.#join();
    this.#pieces = [];
    return { head: whole.subarray(0, at), rest: whole.subarray(at) };
  }

  #join(): Buffer {
    const whole = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#pieces = [whole];
    return whole;
  }
}

/** Each field with its folded lines and line ends; what stands behind the last of them is left out. */
export function splitFields(head: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  let start = 0;
  let at = 0;
  while (at < head.length) {
    const lineEnd = head.indexOf(0x0a, at);
    const next = lineEnd === -1 ? head.length : lineEnd + 1;
    if (isBlank(head.subarray(at, next))) break;
    at = next;
    if (head[at] === 0x20 || head[at] === 0x09) continue;
    fields.push(head.subarray(start, at));
    start = at;
  }
  if (start < at) fields.push(head.subarray(start, at));
  return fields;
}

/** In lower case; "" for what is no field. */
export function fieldName(field: Buffer): string {
  const colon = field.indexOf(0x3a);
  return colon < 1 ? "" : field.toString("latin1", 0, colon).trim().toLowerCase();
}

/** Unfolded, without the blanks around it. */
export function fieldValue(field: Buffer): string {
  return field
    .toString("utf8", field.indexOf(0x3a) + 1)
    .replace(/\r?\n(?=[ \t])/g, "")
    .trim();
}

function isBlank(line: Buffer): boolean {
  return line.length <= 2 && line.toString("latin1").trim() === "";
}
