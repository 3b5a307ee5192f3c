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

import { makeTables } from "./suppression-tables.ts";

const DAY_MS = 86_400_000;
/** Whoever was away for longer may bring back what was deleted meanwhile. */
const GONE_FOR_MS = 30 * DAY_MS;
/** A clock that is wrong by more must not win over all that comes after. */
const MOST_AHEAD_MS = DAY_MS;
/** Rows whose time is over and that go with one change, beside as many as it writes: all at once would take too long. */
const MOST_ENDED = 200;
/** Each tenant, found in as many steps as there are tenants. */
const TENANTS = `WITH RECURSIVE tenants (name) AS (SELECT min(tenant) FROM rows UNION ALL
  SELECT (SELECT min(tenant) FROM rows WHERE tenant > name) FROM tenants WHERE name IS NOT NULL)
  SELECT name FROM tenants WHERE name IS NOT NULL`;
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

interface PageQuery {
  readonly tenant: string | null;
  readonly address: string | null;
  /** Behind this one. */
  readonly after: readonly [tenant: string, address: string];
  readonly limit: number;
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
      makeTables(this.#database);
      this.#find = this.#database.prepare(
        `SELECT ${COLUMNS}, changed, gone FROM rows WHERE tenant = ? AND address = ?`,
      );
      this.#put = this.#database.prepare("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
      const { id, seq, live, gone } = this.#one("SELECT id, seq, live, gone FROM list");
      this.#list = String(id);
      this.#seq = Number(seq);
      this.#ownSeq = this.#seq;
      this.#counts = { live: Number(live), gone: Number(gone) };
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
    return this.#changeOwn(bounds, rows.length, () => {
      const kept = rows.filter((row) => {
        const known = this.#version(row.tenant, row.address);
        return this.#keep({ ...row, changed: after(known, bounds), gone: 0 }, known, bounds.max);
      });
      return kept.length;
    });
  }

  delete(tenant: string, addresses: readonly string[], bounds: Bounds): number {
    return this.#changeOwn(bounds, addresses.length, () => {
      const deleted = addresses.filter((address) => {
        const known = this.#version(tenant, address);
        if (known === null || known.gone === 1) return false;
        const changed = after(known, bounds);
        return this.#keep({ ...known, changed, gone: 1, until: changed + GONE_FOR_MS }, known, bounds.max);
      });
      return deleted.length;
    });
  }

  /** In order of tenant and address. */
  page(query: PageQuery): readonly Suppression[] {
    const [place, ...values] = placeOf(query);
    const text = `SELECT ${COLUMNS} FROM rows WHERE ${place} AND gone = 0 AND (until IS NULL OR until > ?)
      ORDER BY tenant, address LIMIT ?`;
    const { now, limit } = query;
    return this.#try(
      () => this.#database.prepare(text).all(...values, now, limit) as unknown as Suppression[],
    );
  }

  /** What has changed here, in the order in which it did. Whoever asks has all that comes before. */
  changes({ list, after: asked }: ChangesQuery): Changes {
    const behind = list === this.#list && asked <= this.#seq ? asked : 0;
    this.#sharedSeq = Math.max(this.#sharedSeq, behind);
    const text = `SELECT ${COLUMNS}, changed, gone, seq FROM rows WHERE seq > ? ORDER BY seq LIMIT ?`;
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
    return this.#change(bounds, rows.length, () => {
      const left = rows.filter((row) => {
        const isOver = row.until !== null && row.until <= now;
        if (isOver || row.changed > now + MOST_AHEAD_MS) return false;
        const version: Version = { ...row, gone: row.gone ? 1 : 0 };
        const known = this.#version(row.tenant, row.address);
        const isNews = known === null || isOfNoTime(known.changed, now) || isLater(version, known);
        return isNews && !this.#keep(version, known, max);
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
    this.#put.run(++this.#seq, tenant, address, reason, source, since, until, changed, gone);
    if (was !== null) this.#counts[was]--;
    this.#counts[is]++;
    return true;
  }

  #changeOwn(bounds: Bounds, most: number, change: () => number): number {
    const result = this.#change(bounds, most, change);
    if (result > 0) this.#ownSeq = this.#seq;
    return result;
  }

  /** `most`: rows that it may write. */
  #change({ now }: Bounds, most: number, change: () => number): number {
    const before = { counts: { ...this.#counts }, seq: this.#seq };
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      // First, so that there is room for what it writes.
      this.#removeEnded(now, most + MOST_ENDED);
      const result = change();
      const { live, gone } = this.#counts;
      // Not read off the rows: those of the highest numbers may have ended, and numbers must not be given twice.
      this.#run("UPDATE list SET seq = ?, live = ?, gone = ?", this.#seq, live, gone);
      this.#database.exec("COMMIT");
      return result;
    } catch (cause) {
      this.#counts = before.counts;
      this.#seq = before.seq;
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw broken(cause);
    }
  }

  #removeEnded(now: number, most: number): void {
    const text = "DELETE FROM rows WHERE seq IN (SELECT seq FROM rows WHERE gone = ? AND until <= ? LIMIT ?)";
    this.#counts.live -= this.#run(text, 0, now, most);
    this.#counts.gone -= this.#run(text, 1, now, most);
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

/** A condition that an index finds, and its values: a list is long, and whoever asks is waited for. */
function placeOf({ tenant, address, after }: PageQuery): [string, ...string[]] {
  const [behindTenant, behindAddress] = after;
  if (tenant !== null && address !== null)
    return [
      "tenant = ? AND address = ? AND +address > ?",
      tenant,
      address,
      behindTenant === tenant ? behindAddress : "",
    ];
  if (tenant !== null)
    return ["tenant = ? AND address > ?", tenant, behindTenant === tenant ? behindAddress : ""];
  if (address === null) return ["(tenant, address) > (?, ?)", behindTenant, behindAddress];
  return [
    `tenant IN (${TENANTS}) AND address = ? AND (+tenant > ? OR (+tenant = ? AND +address > ?))`,
    address,
    behindTenant,
    behindTenant,
    behindAddress,
  ];
}

function toShared({ gone, changed, ...row }: Version): SharedRow {
  return { ...toSuppression(row), changed, gone: gone === 1 };
}

function toSuppression(row: Suppression): Suppression {
  const { tenant, address, reason, source, since, until } = row;
  return { tenant, address, reason, source, since, until };
}

/** Later than the version that is known, also where clocks differ; but not than one that no other list would take. */
function after(known: Version | null, { now }: Bounds): number {
  return known === null || isOfNoTime(known.changed, now) ? now : Math.max(now, known.changed + 1);
}

/** Written while the clock was far ahead. */
export function isOfNoTime(at: number, now: number): boolean {
  return at > now + GONE_FOR_MS;
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
