/** Lists of a cluster become one: whatever the order and the way of their changes, and whatever a peer sends. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";

import type { Changes, SharedRow } from "#contract/suppression-sharing.ts";

import { type Suppression, SuppressionStore } from "./suppression-store.ts";

const DAY_MS = 86_400_000;

function stores(t: TestContext, names: string): SuppressionStore[] {
  const folder = mkdtempSync(join(tmpdir(), "merging-"));
  const made = [...names].map((name) => new SuppressionStore(join(folder, `${name}.db`)));
  t.after(() => {
    for (const store of made) store.close();
    rmSync(folder, { recursive: true });
  });
  return made;
}

const row = (address: string, change: Partial<Suppression> = {}): Suppression => {
  return { tenant: "", address, reason: "test", source: "api", since: 1, until: null, ...change };
};
const at = (now: number, max = 100): { now: number; max: number } => ({ now, max });

/** All that one list has and the other has not asked for. */
function pull(to: SuppressionStore, from: SuppressionStore, name: string, now: number): number {
  let rounds = 0;
  for (let isMore = true; isMore; rounds++) {
    const changes = from.changes(to.readTo(name));
    to.merge(name, changes, at(now, 100_000));
    ({ isMore } = changes);
  }
  return rounds;
}

const contents = (store: SuppressionStore): unknown =>
  store.page({ tenant: null, address: null, after: ["", ""], limit: 10_000, now: 0 });

test("lists that change at random and meet at random are equal in the end, and what was deleted stays so", (t) => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const all = stores(t, "abcd");
  for (let now = 1; now < 400; now++) {
    const store = all[random(4)] as SuppressionStore;
    const address = `u${random(12)}@x.net`;
    // Clocks that do not agree.
    const clock = at(1000 + now + random(3));
    if (random(3) === 0) store.delete("", [address], clock);
    else store.add([row(address, { reason: `r${now}`, since: now })], clock);
    const [to, from] = [random(4), random(4)];
    if (random(3) === 0 && to !== from)
      pull(all[to] as SuppressionStore, all[from] as SuppressionStore, `${from}`, now);
  }
  // Round a ring, so that most arrives by way of others.
  for (let round = 0; round < 4; round++)
    for (let to = 0; to < 4; to++)
      pull(all[to] as SuppressionStore, all[(to + 1) % 4] as SuppressionStore, `${(to + 1) % 4}`, 500);
  const [first, ...others] = all.map(contents);
  assert.notDeepEqual(first, []);
  for (const other of others) assert.deepEqual(other, first);
  for (const store of all) assert.equal(store.count, (first as unknown[]).length);
});

test("a deletion wins over what it deleted, also where it was never known, and over a clock that was ahead", (t) => {
  const [a, b, c] = stores(t, "abc") as [SuppressionStore, SuppressionStore, SuppressionStore];
  a.add([row("ann@x.net")], at(5000));
  pull(b, a, "a", 10);
  assert.equal(b.delete("", ["ann@x.net"], at(10)), 1);
  assert.equal(b.delete("", ["ann@x.net"], at(11)), 0);
  pull(c, b, "b", 12);
  pull(c, a, "a", 13);
  pull(a, b, "b", 14);
  for (const store of [a, b, c]) assert.equal(store.find("", "ann@x.net", 15), null);
  assert.equal(a.add([row("ann@x.net")], at(16)), 1);
  pull(b, a, "a", 17);
  assert.equal(b.find("", "ann@x.net", 18)?.address, "ann@x.net");
});

test("a row of a clock that was years ahead gives way to what is written and to what others say", (t) => {
  const [a, b] = stores(t, "ab") as [SuppressionStore, SuppressionStore];
  const ahead = 3650 * DAY_MS;
  for (const address of ["ann@x.net", "bob@x.net"])
    a.add([row(address, { reason: "ahead", since: ahead })], at(ahead));
  a.add([row("ann@x.net", { reason: "anew" })], at(10));
  b.add([row("bob@x.net", { reason: "other" })], at(10));
  pull(a, b, "b", 11);
  pull(b, a, "a", 11);
  for (const store of [a, b])
    assert.deepEqual(
      ["ann@x.net", "bob@x.net"].map((address) => store.find("", address, 12)?.reason),
      ["anew", "other"],
    );
});

test("a list is fetched in parts, once, and goes on where it stood after a restart", (t) => {
  const [a, b] = stores(t, "ab") as [SuppressionStore, SuppressionStore];
  a.add(
    Array.from({ length: 1200 }, (_, i) => row(`u${i}@x.net`)),
    at(1, 5000),
  );
  assert.equal(pull(b, a, "a", 2), 3);
  assert.equal(b.count, 1200);
  assert.deepEqual(a.changes(b.readTo("a")).rows, []);
  a.add([row("late@x.net")], at(3, 5000));
  assert.deepEqual(
    a.changes(b.readTo("a")).rows.map(({ address }) => address),
    ["late@x.net"],
  );
});

test("what was written here is unshared until somebody has fetched what comes behind it", (t) => {
  const [a, b] = stores(t, "ab") as [SuppressionStore, SuppressionStore];
  assert.equal(a.isUnshared, false);
  a.add([row("ann@x.net")], at(1));
  pull(b, a, "a", 2);
  // Fetched, but not yet known to be on its disk.
  assert.equal(a.isUnshared, true);
  pull(b, a, "a", 2);
  assert.deepEqual([a.isUnshared, b.isUnshared], [false, false]);
});

test("another list, and a place beyond the end, begin at the beginning", (t) => {
  const [a] = stores(t, "a") as [SuppressionStore];
  a.add([row("ann@x.net"), row("bob@x.net")], at(1));
  const { list, after } = a.changes({ list: "", after: 0 });
  assert.equal(a.changes({ list, after }).rows.length, 0);
  assert.equal(a.changes({ list: "another", after }).rows.length, 2);
  assert.equal(a.changes({ list, after: after + 1 }).rows.length, 2);
});

test("numbers are not given twice when the rows of the last ones have ended", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "merging-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const open = (): SuppressionStore => new SuppressionStore(join(folder, "list.db"));
  let store = open();
  store.add([row("short@x.net", { until: 10 })], at(1));
  const { list, after } = store.changes({ list: "", after: 0 });
  store.add([row("ann@x.net")], at(20));
  store.close();
  store = open();
  assert.deepEqual(
    store.changes({ list, after }).rows.map(({ address }) => address),
    ["ann@x.net"],
  );
  store.close();
});

test("what a peer sends is bounded: by number, by time, and by how far its clock may be ahead", (t) => {
  const [a] = stores(t, "a") as [SuppressionStore];
  const shared = (address: string, change: Partial<SharedRow> = {}): SharedRow => {
    return { ...row(address), changed: 1, gone: false, ...change };
  };
  const send = (rows: SharedRow[]): number => {
    const changes: Changes = { list: "b", rows, after: 1, isMore: false };
    return a.merge("b", changes, at(1000, 3));
  };
  const many = Array.from({ length: 10 }, (_, i) => shared(`u${i}@x.net`));
  assert.deepEqual([send(many), a.count], [7, 3]);
  const gone = Array.from({ length: 10 }, (_, i) => shared(`g${i}@x.net`, { gone: true, until: DAY_MS }));
  assert.equal(send(gone), 7);
  // What is here can be deleted however many are.
  assert.deepEqual([send([shared("u0@x.net", { gone: true, until: DAY_MS, changed: 2 })]), a.count], [0, 2]);
  assert.equal(send([shared("ended@x.net", { until: 999 })]), 0);
  assert.equal(send([shared("ahead@x.net", { changed: 1000 + DAY_MS + 1 })]), 0);
  assert.equal(a.count, 2);
});

test("rows whose time is over go in parts, are found by nobody meanwhile, and take no room from new ones", (t) => {
  const [a] = stores(t, "a") as [SuppressionStore];
  const rows = (name: string, until: number | null): Suppression[] =>
    Array.from({ length: 2000 }, (_, i) => row(`${name}${i}@x.net`, { until }));
  a.add(rows("old", 10), at(1, 2000));
  assert.equal(a.add([row("ann@x.net")], at(20, 2000)), 1);
  assert.ok(a.count > 1000, `${a.count} are left: the rest goes with later changes`);
  assert.equal(a.find("", "old1999@x.net", 20), null);
  assert.equal(a.page({ tenant: null, address: null, after: ["", ""], limit: 10, now: 20 }).length, 1);
  assert.equal(a.add(rows("new", null).slice(1), at(20, 2000)), 1999);
  assert.equal(a.count, 2000);
});

test("a list of before is shared as though it had just been written", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "merging-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "list.db");
  const old = new DatabaseSync(path);
  old.exec(`CREATE TABLE suppressions (tenant TEXT NOT NULL, address TEXT NOT NULL, reason TEXT NOT NULL,
    source TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, PRIMARY KEY (tenant, address)) WITHOUT ROWID;
    INSERT INTO suppressions VALUES ('', 'a@x.net', 'r', 'api', 5, NULL), ('acme', 'b@x.net', 'r', 'bounce', 6, 900)`);
  old.close();
  const store = new SuppressionStore(path);
  const { rows, after } = store.changes({ list: "", after: 0 });
  assert.deepEqual(
    rows.map(({ address, changed }) => [address, changed]),
    [
      ["a@x.net", 5],
      ["b@x.net", 6],
    ],
  );
  assert.deepEqual([after, store.count, store.isUnshared], [2, 2, true]);
  store.close();
});
