import assert from "node:assert/strict";
import { test } from "node:test";

import { hslCall } from "./mtactl-hsl.ts";

/** Short form: "METHOD path body". */
function called(words: string, flags: Readonly<Record<string, unknown>> = {}): string | null {
  const call = hslCall(words.split(" "), flags);
  if (call === null) return null;
  return [call.method, call.path, call.body === undefined ? "" : JSON.stringify(call.body)].join(" ").trim();
}

test("commands about what scripts remember become calls of the admin API", () => {
  const table: [string, Readonly<Record<string, unknown>>, string | null][] = [
    ["hsl cache list", {}, "GET /v1/scripts/caches?"],
    ["hsl cache list", { function: "f", after: "7" }, "GET /v1/scripts/caches?function=f&after=7"],
    ["hsl cache clear", { function: "f" }, 'POST /v1/scripts/caches/clear {"function":"f"}'],
    ["hsl cache clear all", {}, 'POST /v1/scripts/caches/clear {"all":true}'],
    ["hsl cache clear all", { function: "f" }, null],
    ["hsl cache clear", {}, null],
    ["hsl cache clear some", { function: "f" }, null],
    ["hsl rate list", { entry: "a", limit: "5" }, "GET /v1/scripts/rates?entry=a&limit=5"],
    [
      "hsl rate clear",
      { namespace: "n", entry: "a" },
      'POST /v1/scripts/rates/clear {"namespace":"n","entry":"a"}',
    ],
    ["hsl memory list", {}, null],
    ["queue list", {}, null],
  ];
  for (const [words, flags, expected] of table) assert.equal(called(words, flags), expected, words);
});

test("answers become lines", () => {
  const entries = [{ number: 3, namespace: "n", key: "f([0=>1])", secondsLeft: 4.2 }];
  assert.equal(
    hslCall(["hsl", "cache", "list"], {})?.show({ entries, next: 3 }),
    "3  n  f([0=>1])  5 s left\nmore: --after 3\n",
  );
  const rates = [{ number: 1, namespace: "n", entry: "e", interval: 60, count: 2 }];
  assert.equal(
    hslCall(["hsl", "rate", "list"], {})?.show({ entries: rates, next: null }),
    "1  n  e  2 in 60 s\n",
  );
});
