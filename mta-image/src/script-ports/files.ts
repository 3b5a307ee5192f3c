/**
 * Files for the class File: those below one folder. Small ones are read at once; others are open until they are let go of
 * (large-file.ts).
 * A path that leaves the folder, by links either, is a file that is not there.
 */
import { closeSync, fstatSync, readSync } from "node:fs";
import { resolve } from "node:path";

import { type ByteSource, MemorySource } from "../script/mail/pieces.ts";
import type { FilePort } from "../script/ports.ts";
import { belowRoot } from "./below-root.ts";
import { LargeFile, openToRead } from "./large-file.ts";

/** Up to here memory is cheaper than a descriptor. */
const READ_AT_ONCE = 65_536;

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
        const real = belowRoot(root, resolve(root, id));
        return real === null ? null : openSource(real);
      } catch {
        return null;
      }
    },
  };
}

function openSource(path: string): ByteSource | null {
  const descriptor = openToRead(path);
  const stat = fstatSync(descriptor);
  if (stat.isFile() && stat.size > READ_AT_ONCE) return new LargeFile(path, descriptor, stat);
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
