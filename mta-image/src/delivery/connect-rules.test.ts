/** Jobs of several rules in one lane: on whose account a connection is opened, and when it is worth asking again. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectRules } from "./connect-rules.ts";
import type { Job } from "./job.ts";

/** All that is looked at. */
const job = (connect: (() => number) | null): Job =>
  ({ attempt: { terms: { source: "", connect } } }) as unknown as Job;
const open = (): number => 0;
const in20 = (): number => 20;
const in50 = (): number => 50;

test("a connection is opened for the first job whose rule lets it", () => {
  const rules = new ConnectRules();
  assert.equal(rules.ask([job(in20), job(open)]), 0);
  assert.equal(rules.ask([job(in20), job(null)]), 0);
  assert.equal(rules.areClosed, false);
});

test("where all rules are closed the first to open is waited for, and each is asked once", () => {
  const rules = new ConnectRules();
  let asked = 0;
  const counted = (): number => {
    asked++;
    return 50;
  };
  assert.equal(rules.ask([job(counted), job(in20), job(counted)]), 20);
  assert.equal(asked, 1);
  assert.equal(rules.areClosed, true);
  rules.add(job(in20));
  assert.equal(rules.areClosed, true);
  rules.add(job(in50));
  assert.equal(rules.areClosed, false);
});

test("jobs without a rule account for a connection each, until one is lost", () => {
  const rules = new ConnectRules();
  const jobs = [job(in20), job(null), job(null)];
  assert.deepEqual([rules.ask(jobs), rules.ask(jobs), rules.ask(jobs)], [0, 0, 20]);
  const alone = jobs.slice(1);
  assert.equal(rules.ask(alone), Number.POSITIVE_INFINITY);
  assert.equal(rules.areClosed, true);
  rules.lost();
  assert.equal(rules.areClosed, false);
  assert.equal(rules.ask(alone), 0);
});
