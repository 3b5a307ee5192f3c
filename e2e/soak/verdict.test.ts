import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type Evidence, judge } from "./verdict.ts";

const none: Evidence = {
  accepted: [],
  abandoned: [],
  delivered: new Set(),
  doubles: new Map(),
  rebuffs: [],
  kills: [],
  fulls: [],
  frozen: [],
  still: [],
  greetings: [],
};

test("what was accepted and never delivered is lost", () => {
  const verdict = judge({ ...none, accepted: ["a", "b"], delivered: new Set(["b", "c"]) });
  assert.deepEqual(verdict.lost, ["a"]);
});

test("a message that was never whole must come to nobody", () => {
  const verdict = judge({ ...none, abandoned: ["half", "other-half"], delivered: new Set(["half"]) });
  assert.deepEqual([verdict.invented, verdict.abandoned], [["half"], 2]);
});

test("a second delivery is a duplicate, but for one of an engine that was killed right after the first", () => {
  const doubles = new Map([
    ["just-before", [9500, 14_000]],
    ["long-before", [5000, 14_000]],
    ["three-times", [9500, 12_000, 14_000]],
  ]);
  const verdict = judge({ ...none, doubles, kills: [10_000] });
  assert.deepEqual(verdict.unavoidable, ["just-before"]);
  assert.deepEqual(verdict.duplicated, ["long-before", "three-times"]);
});

test("who meets an engine that was just killed has no reason to complain", () => {
  const rebuffs = [
    { at: 9000, what: "cut" },
    { at: 10_500, what: "cut" },
    { at: 17_000, what: "refused" },
  ];
  const { rebuffed } = judge({ ...none, rebuffs, kills: [10_000] });
  assert.deepEqual(
    rebuffed.map((text) => text.split(" ")[1]),
    ["cut", "refused"],
  );
});

test("nor who comes while no engine has room, but whoever comes before or long after", () => {
  const rebuffs = [9000, 10_500, 16_500, 23_000].map((at) => ({ at, what: String(at) }));
  const { rebuffed } = judge({ ...none, rebuffs, fulls: [{ from: 10_000, until: 16_000 }] });
  assert.deepEqual(
    rebuffed.map((text) => text.split(" ")[1]),
    ["9000", "23000"],
  );
});

test("nor whom a node that stands still leads to a pod that has left, but whoever gets through to one", () => {
  const rebuffs = [
    { at: 9000, what: "connect EHOSTUNREACH 10.96.0.9:25" },
    { at: 11_000, what: "connect EHOSTUNREACH 10.96.0.9:25" },
    { at: 11_000, what: "cut" },
  ];
  const { rebuffed } = judge({ ...none, rebuffs, frozen: [{ from: 10_000, until: 14_000 }] });
  assert.deepEqual(
    rebuffed.map((text) => text.slice(text.indexOf(" ") + 1)),
    ["connect EHOSTUNREACH 10.96.0.9:25", "cut"],
  );
});

test("nor whom the node's table of connections leads to a pod that was killed and has left", () => {
  const rebuffs = [
    { at: 9000, what: "connect EHOSTUNREACH 10.96.0.9:25" },
    { at: 100_000, what: "connect EHOSTUNREACH 10.96.0.9:25" },
    { at: 100_000, what: "connect ECONNREFUSED 10.96.0.9:25" },
    { at: 140_000, what: "connect EHOSTUNREACH 10.96.0.9:25" },
  ];
  const { rebuffed } = judge({ ...none, rebuffs, kills: [10_000] });
  assert.deepEqual(
    rebuffed.map((text) => text.split(" ").slice(0, 3).join(" ")),
    [
      "1970-01-01T00:00:09.000Z connect EHOSTUNREACH",
      "1970-01-01T00:01:40.000Z connect ECONNREFUSED",
      "1970-01-01T00:02:20.000Z connect EHOSTUNREACH",
    ],
  );
});

describe("whom the node refuses while nobody is greeted", () => {
  const refused = (at: number): Evidence["rebuffs"][number] => ({
    at,
    what: "connect ECONNREFUSED 10.96.0.9:25",
  });
  const rebuffs = [refused(11_000), refused(25_000), { at: 25_000, what: "cut" }, refused(33_000)];
  const greetings = [9000, 31_000];
  const timesOf = (evidence: Partial<Evidence>): readonly string[] =>
    judge({ ...none, rebuffs, greetings, ...evidence }).rebuffed.map((text) =>
      text.split(" ").slice(0, 2).join(" "),
    );
  const later = ["1970-01-01T00:00:25.000Z cut", "1970-01-01T00:00:33.000Z connect"];

  test("has no reason to complain where it began with one that was killed", () => {
    assert.deepEqual(timesOf({ kills: [10_000] }), later);
  });

  test("nor where one stood still", () => {
    assert.deepEqual(timesOf({ still: [{ from: 9000, until: 13_000 }] }), later);
  });

  test("has every reason where nothing had happened to one", () => {
    assert.equal(timesOf({ kills: [1000] }).length, rebuffs.length);
  });

  test("nor before anybody was greeted at all, unless nobody ever is", () => {
    assert.deepEqual(timesOf({ greetings: [26_000] }), later);
    assert.equal(timesOf({ greetings: [] }).length, rebuffs.length);
  });

  test("nor does a kill excuse what began after somebody was greeted again", () => {
    assert.equal(timesOf({ kills: [10_000], greetings: [9000, 24_000] }).length, rebuffs.length - 1);
  });
});
