/**
 * Reads a message as it arrives and tells of its header fields and of the bytes of each part, as they stand (not
 * decoded). One pass, without waiting: work and memory are a constant per byte. Bounded in depth, parts and header
 * bytes; what is beyond a bound is passed over and `isCut` says so. Never throws: bytes that are no MIME are a body.
 *
 * Within a part's body the reader looks for lines that begin with "--" only, and holds back at most one such line.
 * A delimiter of any open multipart ends the parts inside it, so a part without end harms nobody (RFC 2046 5.1.2).
 */
import { type PartHead, partHead } from "./mime-fields.ts";

export interface PartSink {
  write(piece: Buffer): void;
  end(): void;
}

export interface MimeHandler {
  /** `depth` is 0 for the message's own header. Name in lower case, value unfolded. */
  field(name: string, value: string, depth: number): void;
  /** A part that is no multipart begins; null when its bytes are of no interest. */
  part(head: PartHead): PartSink | null;
}

export interface MimeLimits {
  readonly depth: number;
  readonly parts: number;
  /** Of one header. */
  readonly headBytes: number;
}

export const mimeLimits: MimeLimits = { depth: 20, parts: 500, headBytes: 65_536 };

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;
/** A delimiter with its boundary and blanks; a longer line is none. */
const LONGEST_DELIMITER = 300;
/** A line of a header that is longer is dropped: what is held is copied with every piece that comes. */
const LONGEST_LINE = 16_384;
const LINE_DASHES = Buffer.from("\n--");
const nothing = Buffer.alloc(0);

export class MimeReader {
  isCut = false;
  readonly #handler: MimeHandler;
  readonly #limits: MimeLimits;
  /** Boundaries of the open multiparts, the outermost first. */
  readonly #boundaries: string[] = [];
  readonly #firstBytes = new Set<number>();
  #state: "head" | "body" = "head";
  #parts = 1;
  #held: Buffer = nothing;
  #lines: string[] = [];
  #headBytes = 0;
  #sink: PartSink | null = null;
  /** The body begins at the start of a line, which no line end stands before. */
  #atBodyStart = false;

  constructor(handler: MimeHandler, limits: MimeLimits = mimeLimits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  push(piece: Buffer): void {
    let data = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    this.#held = nothing;
    while (data.length > 0) {
      // Nothing more would be handed out: to read on would be in vain.
      if (this.#parts > this.#limits.parts) return;
      const next = this.#state === "head" ? this.#readLine(data) : this.#readBody(data);
      if (next === 0) break;
      data = data.subarray(next);
    }
    // A copy: the piece may be a slice of a large buffer.
    if (data.length > 0) this.#held = Buffer.from(data);
  }

  end(): void {
    const rest = this.#held;
    this.#held = nothing;
    if (this.#state === "head") {
      if (rest.length > 0) this.#take(rest);
      this.#endHead();
    } else if (rest.length > 0 && !this.#meetDelimiter(lineText(rest).replace(/^\r?\n/, ""))) {
      this.#sink?.write(rest);
    }
    this.#endPart();
  }

  /** One line of a header; 0 when it is not complete. */
  #readLine(data: Buffer): number {
    const end = data.indexOf(LF);
    if (end === -1) {
      if (data.length <= LONGEST_LINE) return 0;
      this.isCut = true;
      return data.length;
    }
    const line = data.subarray(0, end + 1);
    const isBlank = line.length === 1 || (line.length === 2 && line[0] === CR);
    if (isBlank) this.#endHead();
    else if (line[0] !== DASH || !this.#meetDelimiter(lineText(line))) this.#take(line);
    return end + 1;
  }

  #take(line: Buffer): void {
    this.#headBytes += line.length;
    if (this.#headBytes > this.#limits.headBytes) this.isCut = true;
    else this.#lines.push(lineText(line));
  }

  #endHead(): void {
    const fields = new Map<string, string>();
    for (const text of unfold(this.#lines)) {
      const colon = text.indexOf(":");
      if (colon < 1) continue;
      const name = text.slice(0, colon).trim().toLowerCase();
      const value = text.slice(colon + 1).trim();
      // The first of its kind counts, as for most mail programs.
      if (!fields.has(name)) fields.set(name, value);
      this.#handler.field(name, value, this.#boundaries.length);
    }
    this.#lines = [];
    this.#headBytes = 0;
    this.#state = "body";
    this.#atBodyStart = true;
    this.#openBody(partHead(fields));
  }

  #openBody(head: PartHead): void {
    if (head.boundary === null) this.#sink = this.#handler.part(head);
    else if (this.#boundaries.length < this.#limits.depth) {
      this.#boundaries.push(head.boundary);
      this.#firstBytes.add(head.boundary.charCodeAt(0));
    } else this.isCut = true;
  }

  /** Bytes of a body up to a line that may be a delimiter; 0 when more is needed to tell. */
  #readBody(data: Buffer): number {
    if (this.#boundaries.length === 0) return this.#pass(data, data.length);
    if (this.#atBodyStart) {
      if (data[0] === DASH) return this.#readDelimiter(data, 0, 0);
      this.#atBodyStart = false;
    }
    const at = this.#findCandidate(data);
    if (at !== -1) return this.#readDelimiter(data, at > 0 && data[at - 1] === CR ? at - 1 : at, at + 1);
    return this.#pass(data, data.length - unsureTail(data));
  }

  /** The next line that begins with dashes and the first byte of an open boundary, or may yet; -1 when there is none. */
  #findCandidate(data: Buffer): number {
    for (let at = data.indexOf(LINE_DASHES); at !== -1; at = data.indexOf(LINE_DASHES, at + 3)) {
      const first = data[at + 3];
      if (first === undefined || first > 0x7f || this.#firstBytes.has(first)) return at;
    }
    return -1;
  }

  /** The line at `start` begins with dashes; the bytes of the part end at `bodyEnd`. */
  #readDelimiter(data: Buffer, bodyEnd: number, start: number): number {
    const end = data.indexOf(LF, start);
    if (end === -1 && data.length - start <= LONGEST_DELIMITER) return this.#pass(data, bodyEnd);
    this.#atBodyStart = false;
    const next = end === -1 ? data.length : end;
    const line = data.subarray(start, Math.min(next, start + LONGEST_DELIMITER));
    if (next - start > LONGEST_DELIMITER || !this.#isDelimiter(lineText(line))) return this.#pass(data, next);
    this.#pass(data, bodyEnd);
    this.#meetDelimiter(lineText(line));
    return next + 1;
  }

  #pass(data: Buffer, length: number): number {
    if (length > 0) this.#sink?.write(data.subarray(0, length));
    return length;
  }

  #isDelimiter(line: string): boolean {
    return this.#boundaries.some((boundary) => matches(line, boundary) !== null);
  }

  /** Whether the line is a delimiter of an open multipart; if so, what is inside it has ended. */
  #meetDelimiter(line: string): boolean {
    for (let i = this.#boundaries.length - 1; i >= 0; i--) {
      const match = matches(line, this.#boundaries[i] ?? "");
      if (match === null) continue;
      this.#endPart();
      this.#boundaries.length = match === "last" ? i : i + 1;
      this.#lines = [];
      this.#headBytes = 0;
      if (match === "next") this.#startPart();
      else this.#state = "body";
      return true;
    }
    return false;
  }

  #startPart(): void {
    this.#parts++;
    const isTooMany = this.#parts > this.#limits.parts;
    if (isTooMany) this.isCut = true;
    this.#state = isTooMany ? "body" : "head";
  }

  #endPart(): void {
    this.#sink?.end();
    this.#sink = null;
  }
}

/** "--boundary" begins the next part, "--boundary--" ends the last; blanks may follow (RFC 2046 5.1.1). */
function matches(line: string, boundary: string): "next" | "last" | null {
  if (!line.startsWith(boundary, 2) || !line.startsWith("--")) return null;
  const rest = line.slice(2 + boundary.length).trimEnd();
  if (rest === "") return "next";
  return rest === "--" ? "last" : null;
}

/** How many bytes at the end may be the start of a delimiter with its line end. */
function unsureTail(data: Buffer): number {
  const { length } = data;
  if (data[length - 1] === CR) return 1;
  const lineEnd = data[length - 1] === LF ? length - 1 : data[length - 2] === LF ? length - 2 : -1;
  if (lineEnd === -1 || (lineEnd === length - 2 && data[length - 1] !== DASH)) return 0;
  return length - (lineEnd > 0 && data[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd);
}

function lineText(line: Buffer): string {
  return line.toString("utf8").replace(/\r?\n$/, "");
}

function unfold(lines: readonly string[]): string[] {
  const fields: string[][] = [];
  for (const line of lines) {
    const isMore = line.startsWith(" ") || line.startsWith("\t");
    if (isMore && fields.length > 0) fields.at(-1)?.push(line);
    else fields.push([line]);
  }
  return fields.map((parts) => parts.join(""));
}
