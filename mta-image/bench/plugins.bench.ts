/**
 * What plugins cost: a synchronous call against the bare bridge, suspend and schedule from another thread, calls
 * suspended at once, and whether a million calls leave memory behind.
 *   node mta-image/bench/plugins.bench.ts
 */
import type { Wire } from "#mta/plugins/native.ts";
import { loadNative } from "#mta/plugins/native.ts";

import { addonPath, functionOf, makeTestHost, startPlugins } from "../testing/native-plugins.ts";

const CALLS = 1_000_000;
const PAIRS = 20_000;
const AT_ONCE = 50_000;

const plugins = makeTestHost();
const { host } = plugins;
await startPlugins(plugins, { values: {}, suspend: {}, nap: {}, "in-place": {}, deliver: {} });
const { calls } = host;
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

function nanoseconds(times: number, run: () => void): number {
  const start = process.hrtime.bigint();
  for (let index = 0; index < times; index += 1) run();
  return Number(process.hrtime.bigint() - start) / times;
}

function best(times: number, run: () => void): number {
  return Math.min(...Array.from({ length: 5 }, () => nanoseconds(times / 5, run)));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Microseconds of a whole call, from the script and back to it. */
async function pairs(times: number, run: () => Wire | Promise<Wire>): Promise<string> {
  const taken: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const start = process.hrtime.bigint();
    await run();
    taken.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  return median(taken).toFixed(1);
}

const { echo } = loadNative(addonPath);
const add = functionOf(plugins, "values", "add");
const bare = best(CALLS, () => echo(1));
const called = best(CALLS, () => void calls.call(add, [1, 2]));
say(`synchronous call: ${called.toFixed(0)} ns, of which the bare bridge ${bare.toFixed(0)} ns`);

const work = functionOf(plugins, "suspend", "work");
const nap = functionOf(plugins, "nap", "nap");
say(`suspend_return and schedule (C++ thread): median ${await pairs(PAIRS, () => calls.call(work, []))} us`);
say(`suspend_return and schedule (goroutine): median ${await pairs(PAIRS, () => calls.call(nap, [0]))} us`);
const waited: number[] = [];
for (let index = 0; index < PAIRS / 4; index += 1) {
  const scheduledAt = Number(await calls.call(work, [1]));
  waited.push((Number(process.hrtime.bigint()) - scheduledAt) / 1000);
}
say(`from the schedule of a parked call to the script: median ${median(waited).toFixed(1)} us`);

async function atOnce(name: string, run: () => Wire | Promise<Wire>, count: number): Promise<void> {
  const start = performance.now();
  await Promise.all(Array.from({ length: count }, run));
  say(`${count} calls suspended at once (${name}): ${(performance.now() - start).toFixed(0)} ms`);
}
await atOnce("C++, one worker", () => calls.call(work, []), AT_ONCE);
await atOnce("Go, each asleep for 500 ms", () => calls.call(nap, [500]), AT_ONCE);
const rest = functionOf(plugins, "in-place", "rest");
await atOnce("in place, each asleep for 20 ms on a thread", () => calls.call(rest, [20, 1]), 2000);

const LANES = 50;
const message = {
  transactionid: "t",
  queueid: 1,
  transportid: "out",
  localip: "",
  remoteip: "",
  remotemx: "",
  recipientdomain: "example.net",
  jobid: "",
  grouping: "",
  tenantid: "",
};
const file = [Buffer.alloc(4096, "a line of text of some length\r\n")];
const deliver = host.plugins.find(({ id }) => id === "deliver");

/** Attempts a second by a plugin that reads the message and is done, in so many lanes. */
async function deliveries(how: string, count: number): Promise<void> {
  if (deliver === undefined) return;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let index = 0; index < count / LANES; index += 1) {
        await host.deliveries.deliver(deliver, { message, file, args: ["how", how] });
      }
    }),
  );
  const rate = (count / (performance.now() - start)) * 1000;
  say(`deliveries of 4 KiB (${how}, ${LANES} lanes): ${rate.toFixed(0)} a second`);
}
await deliveries("now", 100_000);
await deliveries("thread", 20_000);

/** The memory that is left when garbage is gone; run with --expose-gc for exact figures. */
function residentMiB(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().rss / 1_048_576;
}
const copy = functionOf(plugins, "values", "copy");
const value: Wire = ["name", "value", 1, [0, "x".repeat(200), 1, null]];
const runMany = (): void => {
  for (let index = 0; index < CALLS; index += 1) void calls.call(copy, [value]);
};
runMany();
const before = residentMiB();
runMany();
say(
  `${CALLS} calls with nested arrays: resident memory ${before.toFixed(1)} -> ${residentMiB().toFixed(1)} MiB`,
);
host.cleanup();
