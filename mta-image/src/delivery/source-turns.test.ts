import assert from "node:assert/strict";
import { test } from "node:test";

import { SourceTurns } from "./source-turns.ts";
import { type TransportSettings, defaultTransport } from "./transport.ts";

function taken(changed: Partial<TransportSettings>, count: number, random = 0): TransportSettings[] {
  const turns = new SourceTurns(() => random);
  const settings = { ...defaultTransport, ...changed };
  return Array.from({ length: count }, () => turns.next(settings));
}

const names = (chosen: readonly TransportSettings[]): string[] =>
  chosen.map(({ sourceIps }) => sourceIps.join());

const [a, b, c, six, seven] = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::6", "2001:db8::7"] as const;

test("addresses take turns as often as the list has them, from wherever it begins", () => {
  assert.deepEqual(names(taken({ sourceIps: [a, b, a, a] }, 5)), [a, b, a, a, a]);
  assert.deepEqual(names(taken({ sourceIps: [a, b, a, a] }, 5, 0.3)), [b, a, a, a, b]);
});

test("a turn has an address of each family, each as often as its own list has it", () => {
  const found = taken({ sourceIps: [a, six, b, seven, c] }, 6);
  const all = [
    `${a},${six}`,
    `${b},${seven}`,
    `${c},${six}`,
    `${a},${seven}`,
    `${b},${six}`,
    `${c},${seven}`,
  ];
  assert.deepEqual(names(found), all);
});

test("what a destination may have of connections is divided, and never more than it may have in all", () => {
  const most = (maxConnections: number): (number | undefined)[] => {
    const chosen = new Set(taken({ sourceIps: [a, b, a, a], maxConnections }, 8));
    return [...chosen].map((settings) => settings.maxConnections);
  };
  assert.deepEqual(most(20), [14, 5]);
  assert.deepEqual(most(2), [1, 1]);
});

test("settings stay as they are with one address, with fewer connections than addresses, and where the order counts", () => {
  for (const changed of [
    {},
    { sourceIps: [a] },
    { sourceIps: [a, six] },
    { sourceIps: [a, a] },
    { sourceIps: [a, b], maxConnections: 1 },
    { sourceIps: [a, b], isSourceOrdered: true },
  ]) {
    const settings = { ...defaultTransport, ...changed };
    assert.equal(new SourceTurns(() => 0).next(settings), settings);
  }
});
