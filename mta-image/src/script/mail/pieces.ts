/**
 * Bytes as a list of pieces, each in memory or in a file that does not change: a large message is cut, copied and put
 * together without being read. Immutable. Reading gives a buffer at once when all of it is in memory, otherwise a promise;
 * what a source rejects with goes to whoever reads. The run pays for what is kept, put together and read.
 */
import { meter } from "../meter.ts";

/** A file that is open until it is closed. */
export interface OpenedFile {
  readonly fd: number;
  close(): void | Promise<void>;
}

export interface ByteSource {
  readonly size: number;
  /** The open file that it is, from its beginning; absent for others. */
  readonly fd?: number | undefined;
  /** The same, opened for whoever asks; null: it is no file now. Absent from what never is one. May throw or reject. */
  open?(): OpenedFile | null | Promise<OpenedFile | null>;
  /** Closes what it holds open; it can be read all the same. Absent where nothing is. */
  release?(): void;
  /** Bytes from `start` up to `end`, which lie within `size`. */
  read(start: number, end: number): Buffer | Promise<Buffer>;
}

interface Piece {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
}

/** Bytes, or a part of an open file. */
export type NativePiece = Buffer | { readonly fd: number; readonly offset: number; readonly length: number };

/** Bytes for code that reads files by itself, with the files that are open for it until `close`. */
export interface LentPieces {
  readonly pieces: readonly NativePiece[];
  close(): Promise<void>;
}

/** What a piece takes, with its place in a list. */
const PIECE_BYTES = 48;

/** What one read asks a source for: large enough for speed, small enough for many at once. */
const CHUNK = 256 * 1024;

/** A value that is there or will be, and what is made of it: no promise where none is needed. */
export function after<T, R>(value: T | Promise<T>, then: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(then) : then(value);
}

export class MemorySource implements ByteSource {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end);
  }
}

export class Pieces {
  static readonly none = new Pieces([]);
  readonly size: number;
  readonly #pieces: readonly Piece[];

  private constructor(pieces: readonly Piece[]) {
    if (pieces.length > 0) meter.allocate(pieces.length * PIECE_BYTES);
    this.#pieces = pieces;
    this.size = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  static over(source: ByteSource): Pieces {
    return source.size === 0 ? Pieces.none : new Pieces([{ source, start: 0, end: source.size }]);
  }

  /** Bytes of a script's string. */
  static of(text: string): Pieces {
    meter.allocate(text.length);
    return Pieces.over(new MemorySource(Buffer.from(text, "latin1")));
  }

  static join(all: readonly Pieces[]): Pieces {
    return new Pieces(all.flatMap((one) => one.#pieces));
  }

  /** The same bytes of the same sources; equal bytes of others are not looked for. */
  isSame(other: Pieces): boolean {
    if (other === this) return true;
    const [mine, theirs] = [this.#pieces, other.#pieces];
    return (
      mine.length === theirs.length &&
      mine.every(({ source, start, end }, at) => {
        const piece = theirs[at];
        return piece?.source === source && piece.start === start && piece.end === end;
      })
    );
  }

  slice(from: number, to: number): Pieces {
    meter.charge(this.#pieces.length);
    const result: Piece[] = [];
    let at = 0;
    for (const { source, start, end } of this.#pieces) {
      const [first, last] = [Math.max(from - at, 0), Math.min(to - at, end - start)];
      if (first < last) result.push({ source, start: start + first, end: start + last });
      at += end - start;
    }
    return new Pieces(result);
  }

  /** Visits all bytes in order, in buffers of bounded size. */
  each(visit: (chunk: Buffer) => void): void | Promise<void> {
    const steps = this.#steps();
    const go = (): void | Promise<void> => {
      for (let step = steps.next(); step.done !== true; step = steps.next()) {
        const { source, start, end } = step.value;
        const chunk = source.read(start, end);
        if (chunk instanceof Promise)
          return chunk.then((bytes) => {
            visit(bytes);
            return go();
          });
        meter.charge(chunk.length >> 4);
        visit(chunk);
      }
      return undefined;
    };
    return go();
  }

  /** All of it in one buffer: only for what is known to be small, or bounded by the caller. */
  bytes(): Buffer | Promise<Buffer> {
    const chunks: Buffer[] = [];
    return after(
      this.each((chunk) => void chunks.push(chunk)),
      () => (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    );
  }

  text(): string | Promise<string> {
    return after(this.bytes(), (bytes) => bytes.toString("latin1"));
  }

  /** For code that reads files by itself: parts of open files as such, all else as bytes. Null when neither can be. */
  native(): readonly NativePiece[] | null {
    const all: NativePiece[] = [];
    for (const { source, start, end } of this.#pieces) {
      const { fd } = source;
      // A file that is not open: all of it would be read for nobody.
      if (fd === undefined && source.open !== undefined) return null;
      const piece = fd === undefined ? source.read(start, end) : { fd, offset: start, length: end - start };
      if (piece instanceof Promise) {
        // Nobody waits for it, and one that fails unheard ends the process.
        piece.catch(() => {});
        return null;
      }
      all.push(piece);
    }
    return all;
  }

  /** The same where it takes a while: files are opened, and what comes from elsewhere is read. Rejects when that cannot be. */
  async lend(): Promise<LentPieces> {
    const files = new Map<ByteSource, OpenedFile | null>();
    const pieces: NativePiece[] = [];
    const close = async (): Promise<void> => {
      for (const file of files.values()) await file?.close();
    };
    try {
      for (const { source, start, end } of this.#pieces) {
        if (!files.has(source)) files.set(source, (await source.open?.()) ?? null);
        const fd = files.get(source)?.fd;
        const isFile = fd !== undefined;
        pieces.push(isFile ? { fd, offset: start, length: end - start } : await source.read(start, end));
      }
    } catch (error) {
      await close();
      throw error;
    }
    return { pieces, close };
  }

  async *chunks(): AsyncGenerator<Buffer, undefined> {
    for (const { source, start, end } of this.#steps()) yield await source.read(start, end);
    return undefined;
  }

  *#steps(): Generator<Piece, undefined> {
    for (const { source, start, end } of this.#pieces)
      for (let at = start; at < end; at += CHUNK) yield { source, start: at, end: Math.min(at + CHUNK, end) };
    return undefined;
  }
}
