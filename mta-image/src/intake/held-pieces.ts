/**
 * Bytes of mail on its way that are in memory, counted among those of all mail. Small pieces are gathered: bytes that drip
 * in would cost far more in buffers than they hold. Never fails.
 */
export interface IntakeFigures {
  /** Bytes of mail on its way that are in memory. */
  bytesInFlight: number;
}

/** Pieces below this are copied together, into blocks of TAIL_BYTES. */
const SMALL_BYTES = 512;
const TAIL_BYTES = 4096;
/** Mail below this is worth one copy: many small pieces cost more wherever they go. */
const JOINED_BYTES = 16_384;

export class HeldPieces {
  readonly #figures: IntakeFigures;
  #pieces: Buffer[] = [];
  /** Where small pieces are gathered: the memory behind the last piece, if it is one of those. */
  #tail: Buffer | null = null;

  constructor(figures: IntakeFigures) {
    this.#figures = figures;
  }

  push(piece: Buffer): void {
    this.#figures.bytesInFlight += piece.length;
    if (piece.length < SMALL_BYTES || isSmallPart(piece)) this.#gather(piece);
    else this.#add(piece);
  }

  putInFront(piece: Buffer): void {
    this.#figures.bytesInFlight += piece.length;
    this.#pieces.unshift(piece);
  }

  /** All in one buffer, which is held on in their place. */
  join(): Buffer {
    const [first] = this.#pieces;
    const all = first !== undefined && this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }

  /** All of it, large mail as it came: none of it is copied. */
  all(): readonly Buffer[] {
    let bytes = 0;
    for (const piece of this.#pieces) bytes += piece.length;
    return bytes < JOINED_BYTES ? [this.join()] : this.#pieces;
  }

  /** Hands the pieces over to `write`, one after another; they count as held until it is done, also when it fails. */
  async moveTo(write: (piece: Buffer) => Promise<void>): Promise<void> {
    const moved = this.#pieces;
    this.#pieces = [];
    try {
      for (const piece of moved) await write(piece);
    } finally {
      this.#uncount(moved);
    }
  }

  drop(): void {
    this.#uncount(this.#pieces);
    this.#pieces = [];
  }

  #gather(piece: Buffer): void {
    const last = this.#pieces.at(-1);
    if (
      last === undefined ||
      this.#tail === null ||
      last.buffer !== this.#tail.buffer ||
      this.#tail.length - last.length < piece.length
    ) {
      this.#tail = Buffer.allocUnsafeSlow(Math.max(TAIL_BYTES, piece.length));
      piece.copy(this.#tail);
      this.#add(this.#tail.subarray(0, piece.length));
      return;
    }
    piece.copy(this.#tail, last.length);
    this.#pieces[this.#pieces.length - 1] = this.#tail.subarray(0, last.length + piece.length);
  }

  /** Most mail is one piece: its list has no room for others. */
  #add(piece: Buffer): void {
    if (this.#pieces.length === 0) this.#pieces = [piece];
    else this.#pieces.push(piece);
  }

  #uncount(pieces: readonly Buffer[]): void {
    for (const piece of pieces) this.#figures.bytesInFlight -= piece.length;
  }
}

/** Held as it is, it would hold much more memory than its own. */
function isSmallPart(piece: Buffer): boolean {
  return piece.length * 2 < piece.buffer.byteLength;
}
