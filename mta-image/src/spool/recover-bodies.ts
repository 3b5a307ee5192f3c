/**
 * Body files against the catalog, at start. A file without a live message is one whose commit never came, or
 * whose message is settled, and goes; but when records are damaged, its message may be among them, and the file
 * is moved to `corrupt/` for a person to look. A live message without its file is logged and counted: it stays,
 * fails to be read, and its sender is told at the end of its retries.
 */
import type { Log } from "#base/log.ts";

import type { Catalog } from "./catalog.ts";
import type { SpoolFiles } from "./files.ts";
import { isForRoom } from "./spool.ts";

export async function recoverBodies(facts: {
  readonly files: SpoolFiles;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly isDamaged: boolean;
}): Promise<number> {
  const { files, catalog, log, isDamaged } = facts;
  const names = new Set(await files.list("bodies"));
  for (const name of names) {
    if (!/^[0-9A-Z]{26}(?:(?:\.head)?\.part)?$/.test(name) || catalog.get(name)?.inFile === true) continue;
    if (isDamaged && !name.endsWith(".part")) {
      log.error({ message: name }, "spool-body-without-record");
      // Where a full disk has no room for the name it stays, and the next start looks at it again.
      await files.rename(`bodies/${name}`, `corrupt/${name}.body`).catch((error: unknown) => {
        if (!isForRoom(error)) throw error;
      });
      await files.syncFolder("corrupt");
    } else await files.remove(`bodies/${name}`);
  }
  let missing = 0;
  for (const message of catalog.values()) {
    if (!message.inFile || names.has(message.id)) continue;
    log.error({ message: message.id }, "spool-body-missing");
    missing++;
  }
  return missing;
}
