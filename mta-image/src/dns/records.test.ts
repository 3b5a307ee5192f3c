import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { MOST_HOSTS, isLocalTarget, isNullMx, sortMx, withoutSelf } from "./records.ts";
import type { MxRecord } from "./resolver.ts";

const mx = (...records: readonly (readonly [number, string])[]): MxRecord[] =>
  records.map(([preference, exchange]) => ({ preference, exchange }));

const namesOf = (records: readonly MxRecord[]): string[] => records.map(({ exchange }) => exchange);

const anyRecords = fc.array(
  fc.record({ preference: fc.nat(3), exchange: fc.constantFrom("a", "B", "b", "c", "d", "") }),
  { maxLength: 12 },
);

test("hosts are tried in order of preference, each once, none of them empty", () => {
  fc.assert(
    fc.property(
      anyRecords,
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (records, chance) => {
        const names = namesOf(sortMx(records, () => chance.next().value ?? 0));
        const best = names.map((name) =>
          Math.min(
            ...records.filter((one) => one.exchange.toLowerCase() === name).map((one) => one.preference),
          ),
        );
        assert.deepEqual(
          best,
          best.toSorted((a, b) => a - b),
        );
        assert.equal(new Set(names).size, names.length);
        assert.ok(!names.includes(""));
      },
    ),
  );
});

test("hosts of one preference take turns", () => {
  const records = mx([1, "a"], [1, "b"], [1, "c"]);
  let seed = 0;
  const firsts = new Set(
    Array.from({ length: 50 }, () => namesOf(sortMx(records, () => (seed = (seed + 0.37) % 1)))[0]),
  );
  assert.deepEqual([...firsts].toSorted(), ["a", "b", "c"]);
});

test("a host that is there twice keeps its better preference", () => {
  assert.deepEqual(
    sortMx(mx([20, "a"], [10, "A"], [15, "b"]), () => 0.5),
    mx([10, "a"], [15, "b"]),
  );
});

test("a zone with very many hosts does not keep us busy", () => {
  const records = mx(...Array.from({ length: 500 }, (_, i) => [1, `h${i}`] as const));
  assert.equal(sortMx(records, () => 0.5).length, MOST_HOSTS);
});

test("ourselves and all that are not better are left out", () => {
  const records = mx([10, "a"], [20, "Our.Name"], [20, "b"], [30, "c"]);
  assert.deepEqual(withoutSelf(records, "our.name"), mx([10, "a"]));
  assert.deepEqual(withoutSelf(mx([10, "our.name"], [20, "b"]), "our.name"), []);
  assert.deepEqual(withoutSelf(records, "other"), records);
});

test("a null MX is one record with an empty host", () => {
  assert.equal(isNullMx(mx([0, ""])), true);
  assert.equal(isNullMx(mx([0, "."])), true);
  assert.equal(isNullMx(mx([0, ""], [10, "a"])), false);
  assert.equal(isNullMx([]), false);
});

const local =
  "0.0.0.0 127.0.0.1 127.9.9.9 169.254.169.254 224.0.0.1 255.255.255.255 :: ::1 fe80::1 ff02::1 ::ffff:127.0.0.1 x";
const remote = "192.0.2.1 10.0.0.1 2001:db8::1 fd00::1 ::ffff:192.0.2.1";
for (const ip of local.split(" "))
  test(`${ip} is never mail's way out`, () => assert.equal(isLocalTarget(ip), true));
for (const ip of remote.split(" ")) test(`${ip} may be`, () => assert.equal(isLocalTarget(ip), false));
