import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST_RETRY_AFTER_MS, retryAfterMs } from "./retry-after.ts";

const NOW = Date.UTC(1994, 10, 6, 8, 49, 7);

test("seconds, and each form of a date, say how long to wait", () => {
  for (const field of [
    "30",
    " 30 ",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ])
    assert.equal(retryAfterMs(field, NOW), 30_000, field);
});

test("what is over, and what makes no sense, is no reason to wait", () => {
  for (const field of [
    undefined,
    "",
    "0",
    "-5",
    "1.5",
    "soon",
    "30 s",
    "Sun, 06 Nov 1994 08:48:00 GMT",
    "Sun, 99 Nov 1994 08:49:37 GMT",
    "1994-11-06T08:49:37Z",
  ])
    assert.equal(retryAfterMs(field, NOW), 0, String(field));
});

test("nobody is waited for longer than a day", () => {
  for (const field of ["86401", "999999999999999", "Sun, 06 Nov 2094 08:49:37 GMT"])
    assert.equal(retryAfterMs(field, NOW), LONGEST_RETRY_AFTER_MS);
});
