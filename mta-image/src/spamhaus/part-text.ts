/**
 * The bytes of a text part as text. Most parts are ASCII throughout, whatever they call themselves, and need no decoder;
 * one is made with the first byte beyond. Charsets in which ASCII bytes may mean something else are decoded from the
 * beginning. Mail that names no known charset is read as UTF-8: URLs are ASCII nearly always. Never throws.
 */
import { isAscii } from "node:buffer";

/** Charsets that every ASCII byte means itself in. */
const PLAIN = /^(?:|utf-?8|(?:us-)?ascii|iso-8859-\d{1,2}|latin-?\d|windows-125\d|koi8-[ru])$/i;

export class PartText {
  readonly #charset: string;
  #decoder: TextDecoder | null = null;

  constructor(charset: string) {
    this.#charset = charset;
    if (!PLAIN.test(charset)) this.#decoder = makeDecoder(charset);
  }

  push(piece: Buffer): string {
    if (this.#decoder === null && isAscii(piece)) return piece.toString("latin1");
    this.#decoder ??= makeDecoder(this.#charset);
    return this.#decoder.decode(piece, { stream: true });
  }

  end(): string {
    return this.#decoder?.decode() ?? "";
  }
}

function makeDecoder(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
