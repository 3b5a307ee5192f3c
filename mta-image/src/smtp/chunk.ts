/**
 * Content that comes in counted chunks (BDAT, RFC 3030): the argument of the command, and the line ends of bytes
 * that nobody stuffs. Without BINARYMIME chunks hold text, so a bare CR, a bare LF or a NUL makes the message as
 * bad as it would after DATA: a host behind us might read a command out of it. Pure; never throws.
 */

const CR = 13;
const LF = 10;

/** RFC 3030 2 sets no bound; what does not fit a safe integer is a lie. Null for what is no size. */
export function parseChunk(text: string): { readonly size: number; readonly isLast: boolean } | null {
  const match = /^(\d{1,20})(?: +(LAST))? *$/i.exec(text);
  const size = Number(match?.[1]);
  return match !== null && Number.isSafeInteger(size) ? { size, isLast: match[2] !== undefined } : null;
}

/** Watches line ends over chunks cut anywhere, inside CRLF too. */
export class LineEnds {
  #isAfterCr = false;
  #isBad = false;

  push(content: Buffer): void {
    if (this.#isBad) return;
    let from = 0;
    for (let at = content.indexOf(LF); at !== -1; at = content.indexOf(LF, from)) {
      const isAfterCr = at === 0 ? this.#isAfterCr : content[at - 1] === CR;
      if (!isAfterCr || hasStray(content, from, at - 1)) this.#isBad = true;
      if (from === 0 && at > 0 && this.#isAfterCr) this.#isBad = true;
      this.#isAfterCr = false;
      from = at + 1;
    }
    if (from === content.length) return;
    if (this.#isAfterCr) this.#isBad = true;
    const last = content.length - 1;
    this.#isAfterCr = content[last] === CR;
    if (hasStray(content, from, last) || content[last] === 0) this.#isBad = true;
  }

  /** What was wrong up to here; a CR that waits for its LF is wrong at the end of the message only. */
  isBad(options: { readonly atEnd: boolean }): boolean {
    return this.#isBad || (options.atEnd && this.#isAfterCr);
  }
}

/** A CR or NUL between the offsets, the end not included. */
function hasStray(content: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = content[i];
    if (byte === CR || byte === 0) return true;
  }
  return false;
}
