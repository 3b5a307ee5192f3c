import assert from "node:assert/strict";
import { test } from "node:test";

import { Histogram, Registry } from "prom-client";

import { ScriptSeconds } from "./script-seconds.ts";

test("it says what a histogram of prom-client says of the same observations", async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const seconds = new ScriptSeconds(ours);
  const { name, help } = seconds;
  const buckets = [0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1, 10, 60];
  const histogram = new Histogram({ name, help, labelNames: ["hook"], buckets, registers: [theirs] });
  assert.equal(await ours.metrics(), await theirs.metrics());
  for (const [hook, took] of [
    ["eod", 0],
    ["eod", 0.000_01],
    ["eod", 0.000_02],
    ["helo", 0.5],
    ["helo", 60],
    ["eod", 61],
    ["eod", 0.000_1],
  ] as const) {
    seconds.observe(hook, took);
    histogram.observe({ hook }, took);
  }
  assert.equal(await ours.metrics(), await theirs.metrics());
  const values = async (registry: Registry) =>
    (await registry.getMetricsAsJSON()).flatMap((metric) =>
      metric.values.map(({ labels, value }) => [Object.entries(labels).sort().join(), value]),
    );
  assert.deepEqual(await values(ours), await values(theirs));
  ours.resetMetrics();
  theirs.resetMetrics();
  assert.equal(await ours.metrics(), await theirs.metrics());
});
