/**
 * Reads the structure of a message in one pass: which bytes are fields, delimiters and bodies. Bodies are passed over as
 * fast as a search goes and are never kept. Bounded in depth, parts and header bytes: what is beyond a bound is body.
 * Never fails; what is wrong is noted at the part. RFC 2046 5.1: a delimiter of any open multipart ends what is inside.
 */
import { meter } from "../meter.ts";
import { trimEnd } from "../trim.ts";
import { type Leaf, type Multipart, Part, fieldOf } from "./part.ts";
import { Pieces, after } from "./pieces.ts";

const MAX_DEPTH = 50;
const MAX_PARTS = 10_000;
const MAX_HEADER = 1024 * 1024;
/** Of all parts together: a field takes a hundred bytes, and may be written in three. */
const MAX_FIELDS = 100_000;
const FIELD_BYTES = 100;
/** A delimiter with white space behind it; longer lines are none. */
const MAX_DELIMITER = 1000;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const DASHES = Buffer.from("--");
const LINE_DASHES = Buffer.from("\n--");

interface Open {
  readonly part: Part;
  readonly multipart: Multipart;
}

/** Where bytes that are passed over go when their end is known. */
type Region = { readonly start: number } & (
  | { readonly into: Leaf; readonly as: "body" }
  | { readonly into: Multipart; readonly as: "preamble" | "epilogue" }
);

export function scan(message: Pieces): Part | Promise<Part> {
  const scanner = new Scanner(message);
  return after(
    message.each((chunk) => scanner.push(chunk)),
    () => scanner.end(),
  );
}

class Scanner {
  readonly #message: Pieces;
  readonly #root = new Part(null, "");
  readonly #open: Open[] = [];
  /** The part whose header is being read; null within a body. */
  #heading: Part | null = this.#root;
  #region: Region | null = null;
  #field = "";
  #headerBytes = 0;
  #parts = 1;
  #fields = 0;
  #rest: Buffer = Buffer.alloc(0);
  /** Position of the rest in the message. */
  #base = 0;
  #isLineStart = true;

  constructor(message: Pieces) {
    this.#message = message;
  }

  push(chunk: Buffer): void {
    const buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const used = this.#read(buffer, false);
    this.#base += used;
    this.#rest = Buffer.from(buffer.subarray(used));
  }

  end(): Part {
    this.#read(this.#rest, true);
    if (this.#heading !== null) this.#endHeader(this.#heading, "", this.#message.size);
    this.#closeRegion(this.#message.size);
    for (const { part } of this.#open) part.errors.add("unclosed_boundary");
    return this.#root;
  }

  /** Says how many bytes are done with. */
  #read(buffer: Buffer, isLast: boolean): number {
    let at = 0;
    while (at < buffer.length) {
      const next = this.#heading === null ? this.#body(buffer, at, isLast) : this.#line(buffer, at, isLast);
      if (next === null) return this.#heading === null ? this.#keep(buffer, at) : at;
      at = next;
    }
    return at;
  }

  #line(buffer: Buffer, at: number, isLast: boolean): number | null {
    const part = this.#heading as Part;
    const found = buffer.indexOf(NEWLINE, at);
    if (found < 0 && !isLast && buffer.length - at < MAX_HEADER) return null;
    const end = found < 0 ? buffer.length : found + 1;
    const line = buffer.toString("latin1", at, end);
    this.#headerBytes += end - at;
    if (line.startsWith("--") && this.#delimiter(line, this.#base + at, this.#base + end, "")) return end;
    if (/^\r?\n$/.test(line)) this.#endHeader(part, line, this.#base + end);
    else if (this.#headerBytes > MAX_HEADER || this.#fields >= MAX_FIELDS) {
      part.errors.add("bad_header");
      this.#endHeader(part, "", this.#base + at);
    } else if (/^[ \t]/.test(line) && this.#field !== "") this.#field += line;
    else {
      this.#endField(part);
      this.#field = line;
    }
    return end;
  }

  #endField(part: Part): void {
    if (this.#field === "") return;
    this.#fields += 1;
    meter.allocate(FIELD_BYTES + this.#field.length);
    const field = fieldOf(this.#field);
    if (field.name === "") part.errors.add("bad_header");
    part.fields.push(field);
    this.#field = "";
  }

  #endHeader(part: Part, blank: string, start: number): void {
    this.#endField(part);
    part.blank = blank;
    this.#heading = null;
    this.#headerBytes = 0;
    this.#isLineStart = true;
    const { boundary } = part.head;
    if (boundary === null || this.#open.length >= MAX_DEPTH || this.#parts >= MAX_PARTS || blank === "") {
      const leaf: Leaf = { kind: "leaf", body: Pieces.none };
      part.content = leaf;
      this.#region = { start, into: leaf, as: "body" };
      return;
    }
    const multipart: Multipart = {
      kind: "multipart",
      boundary,
      preamble: Pieces.none,
      children: [],
      close: "",
      epilogue: Pieces.none,
    };
    part.content = multipart;
    this.#open.push({ part, multipart });
    this.#region = { start, into: multipart, as: "preamble" };
  }

  #body(buffer: Buffer, at: number, isLast: boolean): number | null {
    if (this.#open.length === 0) return buffer.length;
    const start = this.#candidate(buffer, at);
    if (start === null) return null;
    const found = buffer.indexOf(NEWLINE, start);
    const isLong = (found < 0 ? buffer.length : found) - start > MAX_DELIMITER;
    if (found < 0 && !isLast && !isLong) return null;
    const end = found < 0 ? buffer.length : found + 1;
    const before = lineEnd(buffer, start, at);
    const line = isLong ? "" : buffer.toString("latin1", start, end);
    if (this.#delimiter(line, this.#base + start, this.#base + end, before)) return end;
    this.#isLineStart = false;
    return start + 1;
  }

  /** The next line that begins with two dashes. */
  #candidate(buffer: Buffer, at: number): number | null {
    if (this.#isLineStart && buffer.subarray(at, at + 2).equals(DASHES)) return at;
    const found = buffer.indexOf(LINE_DASHES, at);
    return found < 0 ? null : found + 1;
  }

  /** What has to stay for the next chunk: a line that may be a delimiter, and the line end before it. */
  #keep(buffer: Buffer, at: number): number {
    const start = this.#candidate(buffer, at);
    if (start !== null) return Math.max(at, start - 2);
    if (this.#isLineStart && buffer.length - at < 2) return at;
    const kept = Math.max(at, buffer.length - 3);
    if (kept > at) this.#isLineStart = false;
    return kept;
  }

  /** Whether the line was one, after doing what it means. `before` is the line end that belongs to it. */
  #delimiter(line: string, start: number, end: number, before: string): boolean {
    const text = trimEnd(line, " \t\r\n");
    const depth = this.#open.findLastIndex(({ multipart: { boundary } }) => isDelimiter(text, boundary));
    const open = this.#open[depth];
    if (open === undefined) return false;
    const isClose = text === `--${open.multipart.boundary}--`;
    if (!isClose && this.#parts >= MAX_PARTS) return false;
    if (this.#heading !== null) this.#endHeader(this.#heading, "", start);
    for (const { part } of this.#open.slice(depth + 1)) part.errors.add("unclosed_boundary");
    this.#open.length = depth + 1;
    this.#closeRegion(start - before.length);
    if (isClose) this.#close(open, before + line, end);
    else this.#next(open, before + line);
    return true;
  }

  #close({ multipart }: Open, line: string, end: number): void {
    multipart.close = line;
    this.#open.pop();
    this.#isLineStart = true;
    this.#region = { start: end, into: multipart, as: "epilogue" };
  }

  #next({ part, multipart }: Open, line: string): void {
    this.#parts += 1;
    this.#heading = new Part(part, line);
    this.#headerBytes = 0;
    multipart.children.push(this.#heading);
  }

  #closeRegion(end: number): void {
    const region = this.#region;
    this.#region = null;
    if (region === null) return;
    const bytes = this.#message.slice(region.start, Math.max(end, region.start));
    if (region.as === "body") region.into.body = bytes;
    else region.into[region.as] = bytes;
  }
}

/** Makes no texts: it is asked for each line that begins with dashes and each multipart that is open. */
function isDelimiter(text: string, boundary: string): boolean {
  const more = text.length - boundary.length - 2;
  return (more === 0 || (more === 2 && text.endsWith("--"))) && text.startsWith(boundary, 2);
}

/** The line end before a line, which belongs to the delimiter (RFC 2046 5.1.1). */
function lineEnd(buffer: Buffer, start: number, from: number): string {
  if (start <= from || buffer[start - 1] !== NEWLINE) return "";
  return start - 1 > from && buffer[start - 2] === RETURN ? "\r\n" : "\n";
}
