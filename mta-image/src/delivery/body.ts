/**
 * Message content on its way out: dots in front of lines that start with one, over pieces cut anywhere, and the
 * end of data (RFC 5321 4.5.2). Content without such lines passes without being copied. Pure; never fails.
 */
import { stuffDots } from "../smtp/data.ts";

const CR = 13;
const LF = 10;

export { stuffDots };

/** What ends the data behind `content`: its last line may lack its line end. */
export function endOfData(content: Buffer): string {
  return content.length === 0 || endsInCrlf(content) ? ".\r\n" : "\r\n.\r\n";
}

/** Stuffs a message that comes in pieces. */
export class BodyStuffer {
  #isAtLineStart = true;
  #heldCr = false;

  /** A CR at the end of a piece is held back, since the next piece may complete a line end with a dot behind. */
  push(piece: Buffer): Buffer {
    if (piece.length === 0) return piece;
    const joined = this.#heldCr ? Buffer.concat([Buffer.of(CR), piece]) : piece;
    this.#heldCr = joined[joined.length - 1] === CR;
    const content = this.#heldCr ? joined.subarray(0, -1) : joined;
    if (content.length === 0) return content;
    const stuffed = stuffDots(content, this.#isAtLineStart);
    this.#isAtLineStart = endsInCrlf(content);
    return stuffed;
  }

  /** The end of data; a CR that is still held back becomes part of the last line end. */
  end(): string {
    return this.#isAtLineStart && !this.#heldCr ? ".\r\n" : "\r\n.\r\n";
  }
}

function endsInCrlf(content: Buffer): boolean {
  const last = content.length - 1;
  return content[last] === LF && content[last - 1] === CR;
}
