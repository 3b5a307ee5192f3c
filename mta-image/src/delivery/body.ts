/**
 * Message content on its way out: dots in front of lines that start with one, over pieces cut anywhere, and the
 * end of data (RFC 5321 4.5.2). Content without such lines passes without being copied. Pure; never fails.
 *
 * Intake refuses bare CR and LF, but content may come from elsewhere (a peer, an older spool), and a host that
 * takes either for a line end would read a command out of it (SMTP smuggling, CVE-2023-51764 and its kin): each
 * one becomes CRLF here, so the only line ends that leave us are those that dots are stuffed behind.
 */
import { Crlf, withCrlf } from "../smtp/crlf.ts";
import { stuffDots } from "../smtp/data.ts";

const CR = 13;
const LF = 10;

/**
 * A whole message as it goes on the wire, and what ends its data; pieces without dots to stuff are not copied. What is plain,
 * as whoever took it has seen, is not even looked at.
 */
export function wireForm(
  pieces: readonly Buffer[],
  isPlain = false,
): {
  readonly body: readonly Buffer[];
  readonly end: string;
} {
  if (isPlain) return { body: pieces, end: ".\r\n" };
  const stuffer = new BodyStuffer();
  const body = pieces.map((piece) => stuffer.push(piece));
  return { body, end: stuffer.end() };
}

/** A whole message as one chunk (RFC 3030 2), with its command; its last line gets the line end that it may lack. */
export function chunkForm(content: Buffer): { readonly command: string; readonly body: Buffer } {
  const clean = withCrlf(content);
  const body = endsInCrlf(clean) ? clean : Buffer.concat([clean, Buffer.of(CR, LF)]);
  return { command: `BDAT ${body.length} LAST\r\n`, body };
}

/** Stuffs a message that comes in pieces. */
export class BodyStuffer {
  #isAtLineStart = true;
  readonly #lineEnds = new Crlf();

  push(piece: Buffer): Buffer {
    const clean = this.#lineEnds.push(piece);
    if (clean.length === 0) return clean;
    const stuffed = stuffDots(clean, this.#isAtLineStart);
    this.#isAtLineStart = endsInCrlf(clean);
    return stuffed;
  }

  /** The end of data; a CR that is still held back becomes part of the last line end. */
  end(): string {
    return this.#isAtLineStart && !this.#lineEnds.holdsCr ? ".\r\n" : "\r\n.\r\n";
  }
}

function endsInCrlf(content: Buffer): boolean {
  const last = content.length - 1;
  return content[last] === LF && content[last - 1] === CR;
}
