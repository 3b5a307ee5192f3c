/** A lane whose rules let nobody connect for now, without sockets: who asks them again, and how often. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { Deadlines } from "./deadlines.ts";
import type { Job } from "./job.ts";
import { Lane, type LanePool } from "./lane.ts";
import { defaultTransport } from "./transport.ts";

const INTERVAL_MS = 1000;

/** All that is looked at. */
const job = (connect: () => number): Job =>
  ({ attempt: { terms: { source: "", connect } } }) as unknown as Job;

test("rules that are closed are asked again once a time, however many jobs have come meanwhile", () => {
  const clock = new ManualClock();
  let planned = 0;
  const pool = {
    deadlines: new Deadlines(clock),
    takePlace: () => true,
    returnPlace: () => {},
    later: (waitMs: number, callback: () => void) => {
      planned++;
      clock.after(waitMs, callback);
    },
  } as unknown as LanePool;
  const lane = new Lane("key", { domain: "", transportId: "out", settings: defaultTransport, pool });
  let asked = 0;
  const count = 5;
  for (let n = 0; n < count; n++) {
    lane.add(
      job(() => {
        asked++;
        return INTERVAL_MS;
      }),
    );
  }
  for (let n = 0; n < 3; n++) {
    [asked, planned] = [0, 0];
    clock.advance(INTERVAL_MS);
    assert.deepEqual([asked, planned], [count, 1]);
  }
});
