/**
 * What an engine must not forget about hand-overs, in an SQLite database beside the spool (built into Node; every
 * change is on disk when the call returns). Three facts, each a table of message ids:
 *
 *   leaving   given to a peer, answer not known yet: not ours to deliver until the peer has been asked.
 *   arriving  a peer is giving it to us, not in our spool yet as far as we know.
 *   taken     we took it over; remembered after it was delivered, until the giver says that it has settled it,
 *             so that a giver who asks again after a crash is not told "no".
 *
 * Throws a Failure `ledger-broken` when the database cannot be used; a hand-over then fails and mail stays where
 * it is. Calls block for one sync of a small file, once a batch.
 */
import { DatabaseSync } from "node:sqlite";

import { Failure, describe } from "#base/error.ts";

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS leaving (id TEXT PRIMARY KEY, batch TEXT NOT NULL, peer TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS arriving (id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS taken (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Messages that went to a peer together. */
export interface Batch {
  readonly batch: string;
  readonly peer: string;
  readonly ids: readonly string[];
}

/** A giver that has not settled after this long is gone for good (its volume was deleted). */
const REMEMBER_MS = 30 * 86_400_000;

export class Ledger {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path);
      this.#database.exec(SCHEMA);
    } catch (cause) {
      throw broken(cause);
    }
  }

  leave({ batch, peer, ids }: Batch): void {
    this.#each("INSERT OR REPLACE INTO leaving (id, batch, peer) VALUES (?, ?, ?)", ids, batch, peer);
  }

  /** The peer's answer is known: the message is settled here, or is ours again. */
  left(ids: readonly string[]): void {
    this.#each("DELETE FROM leaving WHERE id = ?", ids);
  }

  /** Batches whose answer is not known. */
  leaving(): readonly Batch[] {
    const rows = this.#all<{ id: string; batch: string; peer: string }>(
      "SELECT id, batch, peer FROM leaving",
    );
    return [...Map.groupBy(rows, ({ batch }) => batch)].map(([batch, members]) => ({
      batch,
      peer: members[0]?.peer ?? "",
      ids: members.map(({ id }) => id),
    }));
  }

  arrive(ids: readonly string[]): void {
    this.#each("INSERT OR IGNORE INTO arriving (id) VALUES (?)", ids);
  }

  /** They are in the spool. */
  take(ids: readonly string[], now: number): void {
    this.#transaction(() => {
      this.#run("INSERT OR REPLACE INTO taken (id, at) VALUES (?, ?)", ids, now);
      this.#run("DELETE FROM arriving WHERE id = ?", ids);
    });
  }

  arriving(): readonly string[] {
    return this.#all<{ id: string }>("SELECT id FROM arriving").map(({ id }) => id);
  }

  /** They did not reach the spool. */
  dropArriving(ids: readonly string[]): void {
    this.#each("DELETE FROM arriving WHERE id = ?", ids);
  }

  taken(ids: readonly string[]): readonly string[] {
    try {
      const find = this.#database.prepare("SELECT 1 FROM taken WHERE id = ?");
      return ids.filter((id) => find.get(id) !== undefined);
    } catch (cause) {
      throw broken(cause);
    }
  }

  forget(ids: readonly string[], now: number): void {
    this.#transaction(() => {
      this.#run("DELETE FROM taken WHERE id = ?", ids);
      this.#database.prepare("DELETE FROM taken WHERE at < ?").run(now - REMEMBER_MS);
    });
  }

  close(): void {
    this.#database.close();
  }

  #each(sql: string, ids: readonly string[], ...more: (string | number)[]): void {
    if (ids.length > 0) this.#transaction(() => this.#run(sql, ids, ...more));
  }

  #run(sql: string, ids: readonly string[], ...more: (string | number)[]): void {
    const statement = this.#database.prepare(sql);
    for (const id of ids) statement.run(id, ...more);
  }

  #transaction(change: () => void): void {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      change();
      this.#database.exec("COMMIT");
    } catch (cause) {
      this.#rollBack();
      throw broken(cause);
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself.
    }
  }

  #all<Row>(sql: string): readonly Row[] {
    try {
      return this.#database.prepare(sql).all() as unknown as Row[];
    } catch (cause) {
      throw broken(cause);
    }
  }
}

function broken(cause: unknown): Failure {
  return new Failure("ledger-broken", `the record of hand-overs cannot be used: ${describe(cause)}`, {
    cause,
  });
}
