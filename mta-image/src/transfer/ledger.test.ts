import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { Ledger } from "./ledger.ts";

const folder = mkdtempSync(join(tmpdir(), "ledger-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a change that fails half way leaves nothing behind, and the next one is made", (t) => {
  const ledger = new Ledger(join(folder, "half.db"));
  t.after(() => ledger.close());
  // What no column takes stands for a disk that has no room for the second row.
  const ids = ["one", Symbol("two") as unknown as string];
  assert.throws(() => ledger.leave({ batch: "b", peer: "p", ids }), { code: "ledger-broken" });
  assert.deepEqual(ledger.leaving(), []);
  const batch = { batch: "c", peer: "p", ids: ["three"] };
  ledger.leave(batch);
  assert.deepEqual(ledger.leaving(), [batch]);
});

test("a file that is no database is refused as a broken ledger, and so is a question to one that is closed", () => {
  const path = join(folder, "text.db");
  writeFileSync(path, "not a database ".repeat(100));
  assert.throws(() => new Ledger(path), { code: "ledger-broken" });
  const ledger = new Ledger(join(folder, "closed.db"));
  ledger.close();
  assert.throws(() => ledger.taken({ batch: "b", ids: ["one"] }), { code: "ledger-broken" });
  assert.throws(() => ledger.leaving(), { code: "ledger-broken" });
  assert.throws(() => ledger.left(["one"]), { code: "ledger-broken" });
});

test("what arrives is remembered until it is taken or did not come, and what is taken until the giver knows", (t) => {
  const ledger = new Ledger(join(folder, "arrivals.db"));
  t.after(() => ledger.close());
  ledger.arrive({ batch: "b", ids: ["one", "two", "three"] });
  ledger.arrive({ batch: "c", ids: ["one"] });
  ledger.dropArriving({ batch: "b", ids: ["two"] });
  ledger.take({ batch: "b", ids: ["one"] }, 0);
  const arriving = ledger.arriving().toSorted((a, b) => a.batch.localeCompare(b.batch));
  assert.deepEqual(arriving, [
    { batch: "b", ids: ["three"] },
    { batch: "c", ids: ["one"] },
  ]);
  assert.deepEqual(ledger.taken({ batch: "b", ids: ["one", "two"] }), ["one"]);
  assert.deepEqual(ledger.taken({ batch: "c", ids: ["one"] }), []);
  ledger.take({ batch: "c", ids: ["one"] }, 1);
  const month = 30 * 86_400_000;
  ledger.forget({ batch: "x", ids: [] }, month);
  assert.equal(ledger.remembered, 2, "thirty days");
  ledger.forget({ batch: "x", ids: [] }, month + 1);
  assert.deepEqual([ledger.remembered, ledger.taken({ batch: "c", ids: ["one"] })], [1, ["one"]]);
  ledger.forget({ batch: "c", ids: ["one"] }, month + 1);
  assert.equal(ledger.remembered, 0);
});
