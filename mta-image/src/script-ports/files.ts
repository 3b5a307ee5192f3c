/**
 * Files for the class File: those below one folder. Small ones are read at once; others stay open for reading until the process
 * has used them for the last time.
 * A path that leaves the folder, by links either, is a file that is not there.
 */
import { closeSync, constants, fstatSync, openSync, read, readSync, realpathSync } from "node:fs";
import { resolve, sep } from "node:path";

import { type ByteSource, MemorySource } from "../script/mail/pieces.ts";
import type { FilePort } from "../script/ports.ts";

/** Up to here memory is cheaper than a descriptor, which is held until garbage is collected, however many are open by then. */
const READ_AT_ONCE = 65_536;
/** Opening a pipe would else wait for who writes into it. */
const { O_RDONLY, O_NONBLOCK } = constants;

/** Descriptors are closed when nobody holds the source any more: scripts do not have to close. */
const forgotten = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

/** Files of a configuration, as bytes by id; what it does not have is looked for behind it. */
export function givenFiles(texts: ReadonlyMap<string, string>, behind: FilePort): FilePort {
  return {
    open: (path) => {
      const text = texts.get(path.replace(/^file:(\/\/)?/, ""));
      return text === undefined ? behind.open(path) : new MemorySource(Buffer.from(text, "latin1"));
    },
  };
}

export function folderFiles(root: string): FilePort {
  return {
    open: (path) => {
      const id = path.replace(/^file:(\/\/)?/, "");
      try {
        const [real, base] = [realpathSync(resolve(root, id)), realpathSync(root)];
        if (!real.startsWith(base.endsWith(sep) ? base : base + sep)) return null;
        return openSource(real);
      } catch {
        return null;
      }
    },
  };
}

function openSource(path: string): ByteSource | null {
  const descriptor = openSync(path, O_RDONLY | O_NONBLOCK);
  const stat = fstatSync(descriptor);
  if (stat.isFile() && stat.size > READ_AT_ONCE) return sourceOf(descriptor, stat.size);
  try {
    return stat.isFile() ? new MemorySource(readStart(descriptor, stat.size)) : null;
  } finally {
    closeSync(descriptor);
  }
}

/** Fewer bytes than `size` where the file has become shorter. */
function readStart(descriptor: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let filled = 0;
  for (let count = -1; count !== 0 && filled < size; filled += count)
    count = readSync(descriptor, bytes, filled, size - filled, filled);
  return bytes.subarray(0, filled);
}

function sourceOf(descriptor: number, size: number): ByteSource {
  const source: ByteSource = {
    size,
    read: (start, end) => readAll(source, descriptor, start, end),
  };
  forgotten.register(source, descriptor);
  return source;
}

/** Holds the source until the bytes are there. */
function readAll(source: ByteSource, descriptor: number, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start);
  return new Promise((done, fail) => {
    const more = (filled: number): void =>
      read(descriptor, bytes, filled, bytes.length - filled, start + filled, (error, count) => {
        if (error !== null) fail(error);
        else if (count === 0 && source.size > 0) fail(new Error("the file became shorter"));
        else if (filled + count < bytes.length) more(filled + count);
        else done(bytes);
      });
    if (bytes.length === 0) done(bytes);
    else more(0);
  });
}
