/**
 * The list of recipients that get no mail any more, in an SQLite database beside the spool (built into Node): one row a
 * tenant and address, found by its key. Every change is on disk when the call returns. Throws a Failure
 * `suppression-broken` when the database cannot be used.
 *
 * Lists of a cluster are merged: of two versions of a row the later one stays, and each change gets the next number, by
 * which others ask for it. A row that was deleted stays as one that is gone, so that no other list brings it back.
 */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import { Failure, describe } from "#base/error.ts";
import {
  type Changes,
  type ChangesQuery,
  type SharedRow,
  mostChanges,
} from "#contract/suppression-sharing.ts";

const TABLES = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS suppressions (
    tenant TEXT NOT NULL, address TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,
    since INTEGER NOT NULL, until INTEGER, PRIMARY KEY (tenant, address)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS suppressions_until ON suppressions (until) WHERE until IS NOT NULL;
`;
/** Lists of before have only the above. */
const SHARED = `
  BEGIN IMMEDIATE;
  ALTER TABLE suppressions ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE suppressions ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE suppressions ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
  UPDATE suppressions SET changed = since, seq = n FROM
    (SELECT tenant AS t, address AS a, row_number() OVER () AS n FROM suppressions) WHERE tenant = t AND address = a;
  CREATE INDEX suppressions_seq ON suppressions (seq);
  CREATE TABLE list AS SELECT lower(hex(randomblob(16))) AS id, count(*) AS seq FROM suppressions;
  CREATE TABLE sources (name TEXT PRIMARY KEY, list TEXT NOT NULL, after INTEGER NOT NULL, at INTEGER NOT NULL)
    WITHOUT ROWID;
  PRAGMA user_version = 1;
  COMMIT;
`;
const DAY_MS = 86_400_000;
/** Whoever was away for longer may bring back what was deleted meanwhile. */
const GONE_FOR_MS = 30 * DAY_MS;
/** A clock that is wrong by more must not win over all that comes after. */
const MOST_AHEAD_MS = DAY_MS;
const COLUMNS = "tenant, address, reason, source, since, until";

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

/** `max` rows that are not gone, and as many that are. */
export interface Bounds {
  readonly max: number;
  readonly now: number;
}

interface Version extends Suppression {
  readonly changed: number;
  readonly gone: 0 | 1;
}

export class SuppressionStore {
  readonly #database: DatabaseSync;
  readonly #find;
  readonly #put;
  readonly #list: string;
  #counts: { live: number; gone: number };
  /** The last number given. */
  #seq: number;
  /** Of the last change that was made here. Which those of an earlier process were is not known: all. */
  #ownSeq: number;
  /** Up to here somebody else has everything. */
  #sharedSeq = 0;

  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path);
      this.#database.exec(TABLES);
      if (this.#one("PRAGMA user_version")["user_version"] === 0) this.#database.exec(SHARED);
      this.#find = this.#database.prepare(
        `SELECT ${COLUMNS}, changed, gone FROM suppressions WHERE tenant = ? AND address = ?`,
      );
      this.#put = this.#database.prepare(
        "INSERT OR REPLACE INTO suppressions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      );
      const { id, seq } = this.#one("SELECT id, seq FROM list");
      this.#list = String(id);
      this.#seq = Number(seq);
      this.#ownSeq = this.#seq;
      const { gone, all } = this.#one(
        'SELECT coalesce(sum(gone), 0) AS gone, count(*) AS "all" FROM suppressions',
      );
      this.#counts = { live: Number(all) - Number(gone), gone: Number(gone) };
    } catch (cause) {
      throw broken(cause);
    }
  }

  get count(): number {
    return this.#counts.live;
  }

  /** Something was written here that nobody has fetched yet. */
  get isUnshared(): boolean {
    return this.#ownSeq > this.#sharedSeq;
  }

  find(tenant: string, address: string, now: number): Suppression | null {
    const row = this.#try(() => this.#version(tenant, address));
    if (row === null || row.gone === 1 || (row.until !== null && row.until <= now)) return null;
    return toSuppression(row);
  }

  /** Those that were there are replaced; with `max` rows no new one is added. How many stand there now. */
  add(rows: readonly Suppression[], bounds: Bounds): number {
    return this.#changeOwn(bounds, () => {
      const kept = rows.filter((row) => {
        const known = this.#version(row.tenant, row.address);
        return this.#keep({ ...row, changed: after(known, bounds), gone: 0 }, known, bounds.max);
      });
      return kept.length;
    });
  }

  delete(tenant: string, addresses: readonly string[], bounds: Bounds): number {
    return this.#changeOwn(bounds, () => {
      const deleted = addresses.filter((address) => {
        const known = this.#version(tenant, address);
        if (known === null || known.gone === 1) return false;
        const changed = after(known, bounds);
        return this.#keep({ ...known, changed, gone: 1, until: changed + GONE_FOR_MS }, known, bounds.max);
      });
      return deleted.length;
    });
  }

  /** In order of tenant and address, behind `after`. */
  page(query: {
    readonly tenant: string | null;
    readonly address: string | null;
    readonly after: readonly [tenant: string, address: string];
    readonly limit: number;
  }): readonly Suppression[] {
    const { tenant, address, after: behind, limit } = query;
    const wanted = [
      ...(tenant === null ? [] : [["tenant = ?", tenant] as const]),
      ...(address === null ? [] : [["address = ?", address] as const]),
    ];
    const tests = ["(tenant, address) > (?, ?)", "gone = 0", ...wanted.map(([test]) => test)].join(" AND ");
    const values: SQLInputValue[] = [...behind, ...wanted.map(([, value]) => value), limit];
    const text = `SELECT ${COLUMNS} FROM suppressions WHERE ${tests} ORDER BY tenant, address LIMIT ?`;
    return this.#try(() => this.#database.prepare(text).all(...values) as unknown as Suppression[]);
  }

  /** What has changed here, in the order in which it did. Whoever asks has all that comes before. */
  changes({ list, after: asked }: ChangesQuery): Changes {
    const behind = list === this.#list && asked <= this.#seq ? asked : 0;
    this.#sharedSeq = Math.max(this.#sharedSeq, behind);
    const text = `SELECT ${COLUMNS}, changed, gone, seq FROM suppressions WHERE seq > ? ORDER BY seq LIMIT ?`;
    const rows = this.#try(
      () => this.#database.prepare(text).all(behind, mostChanges) as unknown as (Version & { seq: number })[],
    );
    const last = rows.length < mostChanges ? this.#seq : (rows.at(-1)?.seq ?? this.#seq);
    return {
      list: this.#list,
      rows: rows.map(toShared),
      after: last,
      isMore: last < this.#seq,
    };
  }

  /** Takes what is later than what is known, and notes how far that source was read. How many rows found no room. */
  merge(source: string, { list, rows, after: reached }: Changes, bounds: Bounds): number {
    const { now, max } = bounds;
    return this.#change(bounds, () => {
      const left = rows.filter((row) => {
        const isOver = row.until !== null && row.until <= now;
        if (isOver || row.changed > now + MOST_AHEAD_MS) return false;
        const version: Version = { ...row, gone: row.gone ? 1 : 0 };
        const known = this.#version(row.tenant, row.address);
        return (known === null || isLater(version, known)) && !this.#keep(version, known, max);
      });
      this.#run("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?)", source, list, reached, now);
      this.#run("DELETE FROM sources WHERE at < ?", now - GONE_FOR_MS);
      return left.length;
    });
  }

  /** How far a source was read. */
  readTo(source: string): ChangesQuery {
    const text = "SELECT list, after FROM sources WHERE name = ?";
    const row = this.#try(() => this.#database.prepare(text).get(source));
    return row === undefined
      ? { list: "", after: 0 }
      : { list: String(row["list"]), after: Number(row["after"]) };
  }

  close(): void {
    this.#database.close();
  }

  #version(tenant: string, address: string): Version | null {
    return (this.#find.get(tenant, address) as Version | undefined) ?? null;
  }

  /** False: there is no room. */
  #keep(row: Version, known: Version | null, max: number): boolean {
    const is = row.gone === 1 ? "gone" : "live";
    const was = known === null ? null : known.gone === 1 ? "gone" : "live";
    // What is deleted must be known as such, whatever the number of those that are.
    if (was !== is && this.#counts[is] >= max && !(was === "live" && is === "gone")) return false;
    const { tenant, address, reason, source, since, until, changed, gone } = row;
    this.#put.run(tenant, address, reason, source, since, until, changed, gone, ++this.#seq);
    if (was !== null) this.#counts[was]--;
    this.#counts[is]++;
    return true;
  }

  #changeOwn(bounds: Bounds, change: () => number): number {
    const result = this.#change(bounds, change);
    if (result > 0) this.#ownSeq = this.#seq;
    return result;
  }

  #change({ now }: Bounds, change: () => number): number {
    const before = { counts: { ...this.#counts }, seq: this.#seq };
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      this.#counts.live -= this.#run("DELETE FROM suppressions WHERE until <= ? AND gone = 0", now);
      this.#counts.gone -= this.#run("DELETE FROM suppressions WHERE until <= ? AND gone = 1", now);
      const result = change();
      // Not read off the rows: those of the highest numbers may have ended, and numbers must not be given twice.
      if (this.#seq > before.seq) this.#run("UPDATE list SET seq = ?", this.#seq);
      this.#database.exec("COMMIT");
      return result;
    } catch (cause) {
      this.#counts = before.counts;
      this.#seq = before.seq;
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw broken(cause);
    }
  }

  #run(text: string, ...values: SQLInputValue[]): number {
    return Number(this.#database.prepare(text).run(...values).changes);
  }

  #one(text: string): Record<string, unknown> {
    return this.#database.prepare(text).get() ?? {};
  }

  #try<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw broken(cause);
    }
  }
}

function toShared({ gone, changed, ...row }: Version): SharedRow {
  return { ...toSuppression(row), changed, gone: gone === 1 };
}

function toSuppression(row: Suppression): Suppression {
  const { tenant, address, reason, source, since, until } = row;
  return { tenant, address, reason, source, since, until };
}

/** Later than the version that is known, also where clocks differ. */
function after(known: Version | null, { now }: Bounds): number {
  return Math.max(now, (known?.changed ?? 0) + 1);
}

/** The same answer wherever two versions meet: by time, then by what they say. */
function isLater(row: Version, known: Version): boolean {
  const [mine, theirs] = [weightsOf(row), weightsOf(known)];
  const at = mine.findIndex((value, i) => value !== theirs[i]);
  return at >= 0 && (mine[at] ?? "") > (theirs[at] ?? "");
}

function weightsOf({ changed, gone, since, until, source, reason }: Version): readonly (number | string)[] {
  return [changed, gone, since, until ?? Number.MAX_SAFE_INTEGER, source, reason];
}

function broken(cause: unknown): Failure {
  return new Failure("suppression-broken", `the suppression list cannot be used: ${describe(cause)}`, {
    cause,
  });
}
