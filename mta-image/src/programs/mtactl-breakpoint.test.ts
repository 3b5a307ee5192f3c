import assert from "node:assert/strict";
import { test } from "node:test";

import { breakpointCall } from "./mtactl-breakpoint.ts";

/** Short form: "METHOD path body". */
function called(words: string): string | null {
  const call = breakpointCall(words.split(" "));
  if (call === null) return null;
  return [call.method, call.path, call.body === undefined ? "" : JSON.stringify(call.body)].join(" ").trim();
}

test("commands about breakpoints become calls of the admin API", () => {
  const table: [string, string | null][] = [
    ["breakpoint list", "GET /v1/breakpoints"],
    ["breakpoint set mailfrom/a:3", 'POST /v1/breakpoints {"file":"mailfrom/a","line":3}'],
    [
      "breakpoint set a:b.hsl:12 hits=5 seconds=60",
      'POST /v1/breakpoints {"file":"a:b.hsl","line":12,"hits":5,"seconds":60}',
    ],
    ["breakpoint set a.hsl", null],
    ["breakpoint set a.hsl:1 colour=red", null],
    ["breakpoint show 7", "GET /v1/breakpoints/7"],
    ["breakpoint delete 7", "DELETE /v1/breakpoints/7"],
    ["breakpoint delete ../stage", null],
    ["breakpoint show", null],
    ["stage list", null],
  ];
  for (const [words, expected] of table) assert.equal(called(words), expected, words);
});

test("what was seen becomes lines", () => {
  const breakpoint = {
    id: 1,
    file: "a",
    line: 3,
    hits: 1,
    most: 10,
    endsAt: "2026-01-01T00:00:00.000Z",
    isOver: true,
  };
  const place = { file: "a", line: 3, column: 1 };
  const snapshot = {
    at: "2026-01-01T00:00:00.000Z",
    hook: "eod",
    ...place,
    stack: [{ name: "main", ...place }],
    variables: [{ name: "x", value: "1" }],
  };
  assert.equal(
    breakpointCall(["breakpoint", "show", "1"])?.show({ breakpoint, snapshots: [snapshot] }),
    "1  a:3  1 of 10 hits  over\n2026-01-01T00:00:00.000Z  eod  a:3:1\n    at main a:3:1\n    $x = 1\n",
  );
});
