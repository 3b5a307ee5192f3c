/**
 * Makes folders where there may be none yet. Rejects with a Failure `folder-refused` that names the folder and says what the file
 * system said. In place of Node's own `recursive`, which goes on for ever, busy, below folders that can hold none, such
 * as /proc: there the system says that something on the way is missing when nothing is.
 */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { Failure, describe } from "./error.ts";

/** Resolves when the folder is there; `mode` is for those that are made. Harmless when it was there before. */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  const refusal = await refusalOf(path, mode);
  if (refusal === null) return;
  const above = dirname(path);
  if (!isMissing(refusal) || above === path) throw failure(path, refusal);
  await makeFolder(above, mode);
  const again = await refusalOf(path, mode);
  if (again !== null) throw failure(path, again);
}

/** Null when the folder is there now. */
async function refusalOf(path: string, mode: number): Promise<unknown> {
  try {
    await mkdir(path, { mode });
    return null;
  } catch (error) {
    // Who may not write above it, or has it mounted there, is told other things than that it is there.
    return (await isFolder(path)) ? null : error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function failure(path: string, cause: unknown): Failure {
  return new Failure("folder-refused", `there can be no folder ${path}: ${describe(cause)}`, { cause });
}
