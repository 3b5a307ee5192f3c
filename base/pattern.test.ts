import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { patternOf } from "./pattern.ts";

test("patterns that go back over and over are done in time that grows with the text", () => {
  const patterns = [
    "(a+)+$",
    "(\\s*\\w+)*blocked",
    "^(\\w+\\s?)*$",
    "(?:[A-Z]+)*1",
    "(x?a){1,40}z",
    "(a|a)*b",
  ];
  // Each of them would take until the end of the universe.
  for (const pattern of patterns)
    assert.equal(patternOf(pattern).test(`${"a".repeat(512)}!`), false, pattern);
});

test("letters fit in any case, also in classes, ranges and groups; escapes stay what they are", () => {
  const fits: readonly [string, string, boolean][] = [
    ["spam", "SPAM", true],
    ["[a-f]+[^x]$", "BAD!", true],
    ["^[^x]$", "X", false],
    ["^[A-_]$", "^", true],
    ["\\bIP\\b", "your ip is", true],
    ["\\D", "7", false],
    ["\\x41", "A", true],
    ["(?<why>blocked) \\k<why>", "Blocked blocked", false],
    ["(?:MAILBOX|user) (?=full)", "mailbox full", true],
    ["\\[b\\]", "[B]", true],
    ["é", "É", true],
    ["ß", "ß", true],
  ];
  for (const [pattern, text, isFit] of fits) assert.equal(patternOf(pattern).test(text), isFit, pattern);
  assert.throws(() => patternOf("(a"), SyntaxError);
});

test("any pattern fits what it fits with the flag for letters of any case", () => {
  const atom = fc.constantFrom(
    "a",
    "B",
    "z",
    "[a-c]",
    "[^x-z]",
    "[Az_]",
    "\\w",
    "\\d",
    "\\s",
    ".",
    "\\.",
    "(?:a|B)",
    "(c)",
  );
  const piece = fc
    .tuple(atom, fc.constantFrom("", "", "?", "*", "+", "{1,3}", "|"))
    .map((parts) => parts.join(""));
  const pattern = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
  const text = fc.string({ unit: fc.constantFrom(..."aAbBcCxXyZz_1 .".split("")), maxLength: 12 });
  fc.assert(
    fc.property(pattern, text, (source, given) => {
      assert.equal(
        patternOf(`^(?:${source})$`).test(given),
        new RegExp(`^(?:${source})$`, "i").test(given),
        source,
      );
    }),
    { numRuns: 2000 },
  );
});
