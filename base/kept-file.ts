/**
 * A small file that is replaced as a whole: after a crash at any moment, also one of the machine, the text before is there
 * or the new one, never a part. What is not mail is kept this way; mail is in the spool. Rejects with what the file system
 * said: the text before is whole then, and nothing is left beside it.
 */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { makeFolder } from "./folders.ts";

/** Resolves when the new text is on disk. The file is for its owner alone; folders that are not there are made. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const part = `${path}.part`;
  await makeFolder(dirname(path));
  try {
    await writeSynced(part, text);
    await rename(part, path);
  } catch (error) {
    // A full disk must not be filled further by what was begun.
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}
