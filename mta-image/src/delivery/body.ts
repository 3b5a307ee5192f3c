/**
 * Message content on its way out: dots in front of lines that start with one, over pieces cut anywhere, and the
 * end of data (RFC 5321 4.5.2). Content without such lines passes without being copied. Pure; never fails.
 *
 * Intake refuses bare CR and LF, but content may come from elsewhere (a peer, an older spool), and a host that
 * takes either for a line end would read a command out of it (SMTP smuggling, CVE-2023-51764 and its kin): each
 * one becomes CRLF here, so the only line ends that leave us are those that dots are stuffed behind.
 */
import { stuffDots } from "../smtp/data.ts";

const CR = 13;
const LF = 10;
const BARE_LINE_END = /\r(?!\n)|(?<!\r)\n/;

/** A whole message as it goes on the wire, without the end of data. */
export function wireForm(content: Buffer): Buffer {
  return stuffDots(withCrlf(content), true);
}

/** A whole message as one chunk (RFC 3030 2), with its command; its last line gets the line end that it may lack. */
export function chunkForm(content: Buffer): { readonly command: string; readonly body: Buffer } {
  const clean = withCrlf(content);
  const body = endsInCrlf(clean) ? clean : Buffer.concat([clean, Buffer.of(CR, LF)]);
  return { command: `BDAT ${body.length} LAST\r\n`, body };
}

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
    const clean = withCrlf(content);
    const stuffed = stuffDots(clean, this.#isAtLineStart);
    this.#isAtLineStart = endsInCrlf(clean);
    return stuffed;
  }

  /** The end of data; a CR that is still held back becomes part of the last line end. */
  end(): string {
    return this.#isAtLineStart && !this.#heldCr ? ".\r\n" : "\r\n.\r\n";
  }
}

/** A regular expression over one-byte text is the fastest way to look at all bytes: 1.5 µs for 4 KiB. */
function withCrlf(content: Buffer): Buffer {
  const text = content.toString("latin1");
  return BARE_LINE_END.test(text) ? Buffer.from(text.replace(/\r\n|\r|\n/g, "\r\n"), "latin1") : content;
}

function endsInCrlf(content: Buffer): boolean {
  const last = content.length - 1;
  return content[last] === LF && content[last - 1] === CR;
}
