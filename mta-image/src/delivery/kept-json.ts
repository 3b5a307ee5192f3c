/**
 * Small state on disk that may be lost: a JSON file that is replaced as a whole. What cannot be read counts as not there,
 * since nothing in it is mail. Writing rejects with what the file system said; the file before is still whole then.
 */
import { readFile } from "node:fs/promises";

import { replaceFile } from "#base/kept-file.ts";

export async function readKept(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return null;
  }
}

export function writeKept(path: string, value: unknown): Promise<void> {
  return replaceFile(path, JSON.stringify(value));
}
