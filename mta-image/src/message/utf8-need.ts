/**
 * Whether a message in ASCII addresses needs hosts that know SMTPUTF8 (RFC 6531): only where a header has bytes beyond ASCII, its
 * own or that of a part. Many clients say SMTPUTF8 whenever it is offered, and their mail must not come back from the first host
 * that does not know it. In doubt it is needed: of content with parts any such byte counts. Pure, over pieces cut anywhere.
 */
import { isAscii } from "node:buffer";

const LF = 10;
/** Of a line, as much as tells the field and the kind of content. */
const LINE_START = 80;
const CONTENT_TYPE = /^content-type[ \t]*:/i;
const WITHOUT_PARTS = /^content-type[ \t]*:[ \t]*(?:text|image|audio|video|application|font|model)\//i;

export class Utf8Need {
  isThere = false;
  #isHeader = true;
  /** Content may have parts, which have headers. */
  #hasParts = false;
  /** The start of the line that the last piece cut. */
  #line = "";

  push(piece: Buffer): void {
    if (this.isThere) return;
    const header = this.#isHeader ? this.#readHeader(piece) : 0;
    if (!isAscii(this.#hasParts ? piece : piece.subarray(0, header))) this.isThere = true;
  }

  /** How many bytes of the piece belong to the header. */
  #readHeader(piece: Buffer): number {
    let at = 0;
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, at)) {
      this.#keep(piece, at, end);
      at = end + 1;
      const line = this.#line;
      this.#line = "";
      if (line === "\r" || line === "") {
        this.#isHeader = false;
        return at;
      }
      if (CONTENT_TYPE.test(line) && !WITHOUT_PARTS.test(line)) this.#hasParts = true;
    }
    this.#keep(piece, at, piece.length);
    return piece.length;
  }

  #keep(piece: Buffer, from: number, to: number): void {
    const room = LINE_START - this.#line.length;
    if (room > 0) this.#line += piece.toString("latin1", from, Math.min(to, from + room));
  }
}
