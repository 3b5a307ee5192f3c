import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { IdTable } from "./id-table.ts";

interface Item {
  readonly id: string;
}

test("a table does whatever a Map of the same ids does, in the same order", () => {
  const id = fc.nat(60).map((n) => `id-${n}`);
  const steps = fc.array(fc.tuple(fc.constantFrom("add", "delete"), id), { maxLength: 600 });
  fc.assert(
    fc.property(steps, (done) => {
      const table = new IdTable<Item>();
      const map = new Map<string, Item>();
      for (const [what, name] of done) {
        if (what === "delete") assert.equal(table.delete(name), map.delete(name));
        else {
          const item = { id: name };
          table.add(item);
          map.delete(name);
          map.set(name, item);
        }
        assert.equal(table.get(name), map.get(name));
        assert.equal(table.size, map.size);
      }
      assert.deepEqual([...table.values()], [...map.values()]);
    }),
  );
});

test("whoever walks meets each that stays once, however many come and go meanwhile", () => {
  const table = new IdTable<Item>();
  for (let n = 0; n < 1000; n++) table.add({ id: `first-${n}` });
  const met: string[] = [];
  let late = 0;
  for (const { id } of table.values()) {
    met.push(id);
    table.delete(id);
    // Places run out again and again: the table is made anew under the walk.
    if (met.length <= 1000) for (let n = 0; n < 3; n++) table.add({ id: `late-${late++}` });
  }
  assert.equal(new Set(met).size, met.length);
  assert.deepEqual(
    met.slice(0, 1000),
    Array.from({ length: 1000 }, (_, n) => `first-${n}`),
  );
  assert.equal(met.length, 1000 + late);
  assert.equal(table.size, 0);
});

test("two walks do not disturb each other", () => {
  const table = new IdTable<Item>();
  for (let n = 0; n < 300; n++) table.add({ id: `${n}` });
  const slow = table.values();
  for (let n = 0; n < 10; n++) slow.next();
  for (const { id } of table.values()) if (Number(id) % 2 === 0) table.delete(id);
  for (let n = 0; n < 5000; n++) {
    table.add({ id: "x" });
    table.delete("x");
  }
  const rest = [...slow].map(({ id }) => Number(id));
  assert.deepEqual(
    rest,
    Array.from({ length: 145 }, (_, n) => 11 + n * 2),
  );
});
