/**
 * The bytes of a message that were kept in memory, in the pieces that the network brought: large mail goes out again
 * without having been copied. Whoever wants them in one gets a copy, made once. Never fails.
 */
export class KeptContent {
  readonly kind = "memory";
  readonly pieces: readonly Buffer[];
  readonly isPlain: boolean;
  #bytes: Buffer | null = null;

  constructor(pieces: readonly Buffer[], isPlain: boolean) {
    this.pieces = pieces;
    this.isPlain = isPlain;
  }

  get bytes(): Buffer {
    const [first] = this.pieces;
    this.#bytes ??= first !== undefined && this.pieces.length === 1 ? first : Buffer.concat(this.pieces);
    return this.#bytes;
  }
}
