/**
 * One process per spool, also across containers that share a volume. Node has no flock(2), and a lock file
 * with a pid means nothing across pid namespaces; SQLite, which is built into Node, takes a POSIX record lock
 * on its file, and the kernel drops it when the process dies, however it dies. Nothing is stored in the file.
 * Throws a Failure of code `spool-locked` when another process has it.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { Failure, describe } from "#base/error.ts";

export interface Lock {
  release(): void;
}

export function takeLock(folder: string): Lock {
  const database = new DatabaseSync(join(folder, "lock"));
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new Failure(
      "spool-locked",
      `the spool ${folder} is in use by another process: ${describe(cause)}`,
      { cause },
    );
  }
  return { release: () => database.close() };
}
