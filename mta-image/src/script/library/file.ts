/**
 * The class File: bytes to read at a position, of a string, a message or a file of the configuration. What is in memory is
 * read at once, what is in a file without holding up the engine. Files cannot be written: nothing that a script does
 * there would survive its pod.
 */
import { Refusal } from "../error.ts";
import { type HostClass, declare, makeClass, methodsOf, optional, parameter } from "../host.ts";
import { MAX_STRING } from "../limits.ts";
import { Pieces, after } from "../mail/pieces.ts";
import { meter } from "../meter.ts";
import { port } from "../ports.ts";
import type { RunContext } from "../context.ts";
import { HostObject, type Value } from "../value.ts";
import { hold } from "./open-files.ts";

/** How far a line is looked for at first, which the run pays for: most are shorter. */
const LINE = 512;

/** Bytes, and how to close what holds them. */
interface Held {
  readonly bytes: Pieces;
  readonly letGo: () => void;
}

class OpenFile {
  readonly path: string | null;
  readonly #letGo: () => void;
  #bytes: Pieces | null;
  position = 0;

  constructor({ bytes, letGo }: Held, path: string | null) {
    this.#bytes = bytes;
    this.#letGo = letGo;
    this.path = path;
  }

  get bytes(): Pieces {
    if (this.#bytes === null) throw new Refusal("the file has been closed");
    return this.#bytes;
  }

  close(): void {
    this.#bytes = null;
    this.#letGo();
  }

  /** With nothing at the end. */
  read(length: number | undefined): Value | Promise<Value> {
    const left = this.bytes.size - this.position;
    if (left <= 0) return "";
    const wanted = Math.min(Math.max(Math.trunc(length ?? left), 0), left);
    if (wanted > MAX_STRING) throw new Refusal("the file is too long for one string");
    meter.allocate(wanted);
    const start = this.position;
    this.position += wanted;
    return this.bytes.slice(start, start + wanted).text();
  }

  /** With false at the end; without its line end. */
  line(): Value | Promise<Value> {
    const start = this.position;
    return start >= this.bytes.size ? false : this.#line(start, LINE);
  }

  #line(start: number, look: number): Value | Promise<Value> {
    if (look > MAX_STRING) throw new Refusal("the line is too long for one string");
    meter.allocate(look);
    return after(this.bytes.slice(start, start + look).text(), (text) => {
      const found = text.indexOf("\n");
      if (found < 0 && start + look < this.bytes.size) return this.#line(start, look * 8);
      this.position = found < 0 ? this.bytes.size : start + found + 1;
      return (found < 0 ? text : text.slice(0, found)).replace(/\r$/, "");
    });
  }

  seek(offset: number, whence: string): number | null {
    const from = { SEEK_SET: 0, SEEK_CUR: this.position, SEEK_END: this.bytes.size }[whence];
    const to = from === undefined ? Number.NaN : from + Math.trunc(offset);
    if (!(to >= 0 && Number.isSafeInteger(to))) return null;
    this.position = to;
    return to;
  }
}

const self = parameter.object("self", "File", ({ state }) => (state instanceof OpenFile ? state : undefined));

export function makeFile(bytes: Pieces): HostObject {
  return new HostObject(fileClass, new OpenFile({ bytes, letGo: () => {} }, null));
}

/** A File as bytes, for functions that take one; undefined for other objects. */
export function fileBytes({ state }: HostObject): Pieces | undefined {
  return state instanceof OpenFile ? state.bytes : undefined;
}

function open(context: RunContext, path: string): Held | null {
  const source = port(context, "files").open(path);
  if (source === null) return null;
  const letGo = hold(context, source);
  return { bytes: Pieces.over(source), letGo };
}

const method = methodsOf(self);

export const fileClass: HostClass = makeClass("File", "Bytes to read from a position on.", {
  construct: declare({
    name: "File",
    parameters: [parameter.string("path")],
    returns: "File",
    docs: 'A file of the configuration or below scripting.rootpath, such as "file://list.txt"; an exception when there is none. One of more than 64 KiB is open until it is closed or the run ends, and a run may have 64 of them; kept for longer, it can be read while it is still the same file.',
    run: (context, path): Value => {
      const held = open(context, path);
      if (held === null) throw new Refusal(`there is no file ${path}`);
      return new HostObject(fileClass, new OpenFile(held, path));
    },
  }),
  methods: [
    declare({
      ...method(
        "read",
        [optional(parameter.number("length"))],
        "string",
        "So many bytes, or all that are left; empty at the end.",
      ),
      way: "promise",
      run: (_, file, length) => file.read(length),
    }),
    declare({
      ...method("readline", [], "string or boolean", "The next line without its end; false at the end."),
      way: "promise",
      run: (_, file) => file.line(),
    }),
    declare({
      ...method(
        "seek",
        [parameter.number("offset"), optional(parameter.string("whence"))],
        "number or none",
        "Goes to a position, counted from SEEK_SET, SEEK_CUR or SEEK_END; gives it, or none for one that cannot be.",
      ),
      run: (_, file, offset, whence) => file.seek(offset, whence ?? "SEEK_SET"),
    }),
    declare({
      ...method("tell", [], "number", "The position."),
      run: (_, file) => file.position,
    }),
    declare({
      ...method("getSize", [], "number", "How many bytes the file has."),
      run: (_, file) => file.bytes.size,
    }),
    declare({
      ...method("getPath", [], "string or none", "What it was opened by; none for bytes of a script."),
      run: (_, file) => file.path,
    }),
    declare({
      ...method("toString", [], "string", "All bytes, wherever the position is."),
      way: "promise",
      run: (_, file) => wholeText(file.bytes),
    }),
    declare({
      ...method("toFFIValue", [], "FFIValue", "A FILE* over the bytes, for C functions."),
      way: "promise",
      run: (context, file) => port(context, "foreign").file(file.bytes),
    }),
    declare({
      ...method("close", [], "none", "Lets go of it; what is used later is an exception."),
      run: (_, file) => {
        file.close();
        return null;
      },
    }),
  ],
  statics: [
    declare({
      name: "String",
      parameters: [parameter.string("data")],
      returns: "File",
      docs: "A file of the given bytes.",
      run: (_, data): Value => makeFile(Pieces.of(data)),
    }),
    declare({
      name: "read",
      parameters: [parameter.string("filename")],
      returns: "string or none",
      docs: "All of a file of the configuration; none when there is none.",
      way: "promise",
      run: (context, path) => readText(context, path),
    }),
  ],
});

/** All of a file of the configuration; null when there is none. */
export function readText(context: RunContext, path: string): string | null | Promise<string> {
  const held = open(context, path);
  if (held === null) return null;
  const text = wholeText(held.bytes);
  if (text instanceof Promise) return text.finally(held.letGo);
  held.letGo();
  return text;
}

/** As one string of the script; a Refusal when it is too long for that. */
export function wholeText(bytes: Pieces): string | Promise<string> {
  if (bytes.size > MAX_STRING) throw new Refusal("this is too long for one string");
  meter.allocate(bytes.size);
  return bytes.text();
}
