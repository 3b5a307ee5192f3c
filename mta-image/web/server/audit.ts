/**
 * Who did what and what came of it: every action, every log-in and every refusal of one. A line of the program's log
 * (the copy that lasts), a line of a file when one is named, and the latest in memory for the page. An action is done
 * even when the file cannot be written; the log then says so.
 */
import { appendFile } from "node:fs/promises";

import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { AuditEntry } from "#web/shared/web-api.ts";

const KEPT = 1000;
const LONGEST = 2000;

export class Audit {
  readonly #log: Log;
  readonly #file: string | null;
  #entries: AuditEntry[] = [];

  constructor(log: Log, file: string | null) {
    this.#log = log;
    this.#file = file;
  }

  async note(entry: AuditEntry): Promise<void> {
    const kept = { ...entry, detail: cut(entry.detail), result: cut(entry.result), user: cut(entry.user) };
    this.#entries = [kept, ...this.#entries.slice(0, KEPT - 1)];
    this.#log.info({ audit: kept }, "audit");
    if (this.#file === null) return;
    await appendFile(this.#file, `${JSON.stringify(kept)}\n`, { mode: 0o640 }).catch((error: unknown) =>
      this.#log.error({ error: describe(error) }, "audit-file-unwritable"),
    );
  }

  /** The newest first. */
  latest(): readonly AuditEntry[] {
    return this.#entries;
  }
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
