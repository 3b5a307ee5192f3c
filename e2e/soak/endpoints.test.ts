import assert from "node:assert/strict";
import { test } from "node:test";

import { EndpointLog } from "./endpoints.ts";

function logOf(...lines: readonly (readonly [number, string])[]): EndpointLog {
  const log = new EndpointLog();
  for (const [at, line] of lines) log.note(line, at);
  return log;
}

test("closed is from the last endpoint that serves to the next", () => {
  const log = logOf(
    [1000, "ADDED out-a true false"],
    [2000, "MODIFIED out-a false false"],
    [2500, "MODIFIED out-a false "],
    [4000, "MODIFIED out-a false true"],
  );
  assert.deepEqual(log.closed(9000), [{ from: 2000, until: 4000 }]);
});

test("another slice may serve meanwhile; one that goes takes its endpoints with it", () => {
  const log = logOf(
    [1000, "ADDED out-a true"],
    [1000, "ADDED out-b true"],
    [2000, "MODIFIED out-a false"],
    [3000, "DELETED out-b true"],
  );
  assert.deepEqual(log.closed(9000), [{ from: 3000, until: 9000 }]);
});

test("a Service without endpoints is closed", () => {
  assert.deepEqual(logOf([1000, "ADDED out-a "]).closed(2000), [{ from: 1000, until: 2000 }]);
});

test("a watch that broke off is no evidence", () => {
  const log = logOf([1000, "ADDED out-a true"]);
  log.lose("the watch of the endpoints ended with 1");
  assert.throws(() => log.closed(2000), /ended with 1/);
});
