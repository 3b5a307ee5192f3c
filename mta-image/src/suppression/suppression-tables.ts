/**
 * The tables of a suppression list, also where an earlier version has made them otherwise. Rows stand by number and not by
 * address: what another engine fetches stands together, what is new is written at one end, and only the index by address is
 * written all over. How many rows there are is kept with them, since counting millions holds everything up at a start.
 * Throws what SQLite says; a process that is killed meanwhile leaves the tables as they were.
 */
import type { DatabaseSync } from "node:sqlite";

/** Pages of the database in memory; beyond, they are read from the disk or its cache. */
const CACHE_KIB = 16_384;

/** Versions of before; each is brought to the next. */
const STEPS = [
  `CREATE TABLE IF NOT EXISTS suppressions (
    tenant TEXT NOT NULL, address TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,
    since INTEGER NOT NULL, until INTEGER, PRIMARY KEY (tenant, address)
  ) WITHOUT ROWID;
  ALTER TABLE suppressions ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE suppressions ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE suppressions ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
  UPDATE suppressions SET changed = since, seq = n FROM
    (SELECT tenant AS t, address AS a, row_number() OVER () AS n FROM suppressions) WHERE tenant = t AND address = a;
  CREATE TABLE list AS SELECT lower(hex(randomblob(16))) AS id, count(*) AS seq FROM suppressions;
  CREATE TABLE sources (name TEXT PRIMARY KEY, list TEXT NOT NULL, after INTEGER NOT NULL, at INTEGER NOT NULL)
    WITHOUT ROWID;`,
  `CREATE TABLE rows (
    seq INTEGER PRIMARY KEY, tenant TEXT NOT NULL, address TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,
    since INTEGER NOT NULL, until INTEGER, changed INTEGER NOT NULL, gone INTEGER NOT NULL
  );
  INSERT INTO rows SELECT seq, tenant, address, reason, source, since, until, changed, gone FROM suppressions ORDER BY seq;
  DROP TABLE suppressions;
  CREATE UNIQUE INDEX rows_address ON rows (tenant, address);
  CREATE INDEX rows_until ON rows (gone, until) WHERE until IS NOT NULL;
  ALTER TABLE list ADD COLUMN live INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE list ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
  UPDATE list SET gone = (SELECT count(*) FROM rows WHERE gone = 1), live = (SELECT count(*) FROM rows WHERE gone = 0);`,
];

export function makeTables(database: DatabaseSync): void {
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  for (const [at, step] of STEPS.entries())
    if (at >= version) database.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${at + 1}; COMMIT;`);
}
