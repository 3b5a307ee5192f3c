/**
 * The list of recipients that get no mail any more, in an SQLite database beside the spool (built into Node): one row a
 * tenant and address, found by its key. Every change is on disk when the call returns. Throws a Failure
 * `suppression-broken` when the database cannot be used.
 */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import { Failure, describe } from "#base/error.ts";

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS suppressions (
    tenant TEXT NOT NULL, address TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,
    since INTEGER NOT NULL, until INTEGER, PRIMARY KEY (tenant, address)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS suppressions_until ON suppressions (until) WHERE until IS NOT NULL;
`;

export interface Suppression {
  readonly tenant: string;
  readonly address: string;
  readonly reason: string;
  readonly source: "bounce" | "complaint" | "api";
  /** Wall-clock ms. */
  readonly since: number;
  /** Null: no end. */
  readonly until: number | null;
}

export class SuppressionStore {
  readonly #database: DatabaseSync;
  readonly #find;
  #count: number;

  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path);
      this.#database.exec(SCHEMA);
      this.#find = this.#database.prepare("SELECT * FROM suppressions WHERE tenant = ? AND address = ?");
      const { count } = this.#database.prepare("SELECT count(*) AS count FROM suppressions").get() ?? {};
      this.#count = Number(count);
    } catch (cause) {
      throw broken(cause);
    }
  }

  get count(): number {
    return this.#count;
  }

  find(tenant: string, address: string, now: number): Suppression | null {
    try {
      const row = this.#find.get(tenant, address) as Suppression | undefined;
      return row === undefined || (row.until !== null && row.until <= now) ? null : row;
    } catch (cause) {
      throw broken(cause);
    }
  }

  /** Those that were there are replaced; with `max` rows no new one is added. How many stand there now. */
  add(rows: readonly Suppression[], { max, now }: { readonly max: number; readonly now: number }): number {
    return this.#change(() => {
      const expired = this.#database.prepare("DELETE FROM suppressions WHERE until <= ?").run(now).changes;
      this.#count -= Number(expired);
      const put = this.#database.prepare("INSERT OR REPLACE INTO suppressions VALUES (?, ?, ?, ?, ?, ?)");
      let added = 0;
      for (const { tenant, address, reason, source, since, until } of rows) {
        const isNew = this.#find.get(tenant, address) === undefined;
        if (isNew && this.#count >= max) continue;
        put.run(tenant, address, reason, source, since, until);
        if (isNew) this.#count++;
        added++;
      }
      return added;
    });
  }

  delete(tenant: string, addresses: readonly string[]): number {
    return this.#change(() => {
      const remove = this.#database.prepare("DELETE FROM suppressions WHERE tenant = ? AND address = ?");
      const gone = addresses.reduce((sum, address) => sum + Number(remove.run(tenant, address).changes), 0);
      this.#count -= gone;
      return gone;
    });
  }

  /** In order of tenant and address, behind `after`. */
  page(query: {
    readonly tenant: string | null;
    readonly address: string | null;
    readonly after: readonly [tenant: string, address: string];
    readonly limit: number;
  }): readonly Suppression[] {
    const { tenant, address, after, limit } = query;
    const wanted = [
      ...(tenant === null ? [] : [["tenant = ?", tenant] as const]),
      ...(address === null ? [] : [["address = ?", address] as const]),
    ];
    const where = ["(tenant, address) > (?, ?)", ...wanted.map(([test]) => test)].join(" AND ");
    const values: SQLInputValue[] = [...after, ...wanted.map(([, value]) => value), limit];
    try {
      return this.#database
        .prepare(`SELECT * FROM suppressions WHERE ${where} ORDER BY tenant, address LIMIT ?`)
        .all(...values) as unknown as Suppression[];
    } catch (cause) {
      throw broken(cause);
    }
  }

  close(): void {
    this.#database.close();
  }

  #change(change: () => number): number {
    const before = this.#count;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const result = change();
      this.#database.exec("COMMIT");
      return result;
    } catch (cause) {
      this.#count = before;
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw broken(cause);
    }
  }
}

function broken(cause: unknown): Failure {
  return new Failure("suppression-broken", `the suppression list cannot be used: ${describe(cause)}`, {
    cause,
  });
}
