/**
 * What an engine must not forget about hand-overs, in an SQLite database beside the spool (built into Node; every
 * change is on disk when the call returns). Three facts, each a table of messages in batches: the same message may come
 * back in another batch, and what is known of the first says nothing of the second.
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
  CREATE TABLE IF NOT EXISTS arrivals (batch TEXT, id TEXT, PRIMARY KEY (batch, id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS takings (batch TEXT, id TEXT, at INTEGER NOT NULL, PRIMARY KEY (batch, id))
    WITHOUT ROWID;
`;

/** Messages that went to a peer together. */
export interface Batch {
  readonly batch: string;
  readonly peer: string;
  readonly ids: readonly string[];
}

/** Messages of a batch that comes to us. */
export type Arrivals = Pick<Batch, "batch" | "ids">;

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

  arrive({ batch, ids }: Arrivals): void {
    this.#each("INSERT OR IGNORE INTO arrivals (id, batch) VALUES (?, ?)", ids, batch);
  }

  /** They are in the spool. */
  take({ batch, ids }: Arrivals, now: number): void {
    this.#transaction(() => {
      this.#run("INSERT OR REPLACE INTO takings (id, batch, at) VALUES (?, ?, ?)", ids, batch, now);
      this.#run("DELETE FROM arrivals WHERE id = ? AND batch = ?", ids, batch);
    });
  }

  arriving(): readonly Arrivals[] {
    const rows = this.#all<{ id: string; batch: string }>("SELECT id, batch FROM arrivals");
    return [...Map.groupBy(rows, ({ batch }) => batch)].map(([batch, members]) => ({
      batch,
      ids: members.map(({ id }) => id),
    }));
  }

  /** They did not reach the spool. */
  dropArriving({ batch, ids }: Arrivals): void {
    this.#each("DELETE FROM arrivals WHERE id = ? AND batch = ?", ids, batch);
  }

  /** Which of them were taken in this batch. */
  taken({ batch, ids }: Arrivals): readonly string[] {
    try {
      const find = this.#database.prepare("SELECT 1 FROM takings WHERE id = ? AND batch = ?");
      return ids.filter((id) => find.get(id, batch) !== undefined);
    } catch (cause) {
      throw broken(cause);
    }
  }

  forget({ batch, ids }: Arrivals, now: number): void {
    this.#transaction(() => {
      this.#run("DELETE FROM takings WHERE id = ? AND batch = ?", ids, batch);
      this.#database.prepare("DELETE FROM takings WHERE at < ?").run(now - REMEMBER_MS);
    });
  }

  /** How many messages are remembered as taken. */
  get remembered(): number {
    return this.#all<{ count: number }>("SELECT count(*) AS count FROM takings")[0]?.count ?? 0;
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
