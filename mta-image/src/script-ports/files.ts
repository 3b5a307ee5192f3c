/**
 * Files for the class File: those below one folder, opened for reading and closed with the process's last use of them.
 * A path that leaves the folder, by links either, is a file that is not there.
 */
import { closeSync, fstatSync, openSync, read, realpathSync } from "node:fs";
import { resolve, sep } from "node:path";

import { type ByteSource, MemorySource } from "../script/mail/pieces.ts";
import type { FilePort } from "../script/ports.ts";

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
  const descriptor = openSync(path, "r");
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    return null;
  }
  const source: ByteSource = {
    size: stat.size,
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
