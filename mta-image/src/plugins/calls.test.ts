import assert from "node:assert/strict";
import { after, test } from "node:test";

import { functionOf, makeTestHost, startPlugins } from "../../testing/native-plugins.ts";
import { until } from "../../testing/until.ts";
import { NativeThrow } from "./error.ts";
import type { Wire, WireObject } from "./native.ts";

const plugins = makeTestHost({ blockedMs: 50 });
const { host } = plugins;
await startPlugins(plugins, { suspend: {}, "in-place": {}, objects: {}, nap: {}, greet: {} });
after(() => host.cleanup());

const call = (plugin: string, name: string, ...args: Wire[]) =>
  host.calls.call(functionOf(plugins, plugin, name), args);

/** What the addon reports comes by way of the loop, some turns later. */
const reported = (report: RegExp): Promise<unknown> =>
  until(
    () => plugins.lines,
    (lines) => lines.some((line) => report.test(line)),
  );

test("a call suspended by returning resolves with what another thread put into its result", async () => {
  const pending = call("suspend", "work");
  assert.equal(await pending, 42);
});

test("a schedule that comes before the suspend is not lost", () => {
  assert.equal(call("suspend", "early"), "early");
});

test("a thread may throw into the suspended script", async () => {
  assert.equal(await call("suspend", "late", 1), "late");
  await assert.rejects(
    async () => call("suspend", "late", -1),
    new NativeThrow({ kind: "exception", message: "too late" }),
  );
});

test("thousands of calls are suspended at once and each gets its answer", async () => {
  const answers = await Promise.all(Array.from({ length: 5000 }, () => call("suspend", "work")));
  assert.ok(answers.every((answer) => answer === 42));
  assert.equal(host.calls.suspended, 0);
});

test("scheduling twice, or after the end, is reported and wakes nobody else", async () => {
  void call("suspend", "twice");
  void call("suspend", "again");
  const reports = await until(
    () => plugins.lines.filter((line) => line.includes("schedule-")),
    ({ length }) => length >= 2,
  );
  assert.deepEqual(reports, [
    "plugin-misuse suspend schedule-twice twice scheduled a call twice",
    "plugin-misuse suspend schedule-after-end twice scheduled a call that was over",
  ]);
  assert.equal(host.figures().get("suspend")?.misuses, 2);
});

test("a call that nobody schedules keeps waiting while others go on", async () => {
  const never = call("suspend", "never");
  assert.equal(await call("suspend", "late", 1), "late");
  const first = await Promise.race([never, Promise.resolve("still waiting")]);
  assert.equal(first, "still waiting");
});

test("a C++ exception across the C interface is thrown to the script with plugin and function", () => {
  assert.throws(
    () => call("suspend", "explode"),
    new NativeThrow({ kind: "exception", message: "suspend: explode: threw a C++ exception: boom" }),
  );
});

test("a call that holds the loop is reported with its time", async () => {
  void call("suspend", "block", 80);
  // On a slow machine others may have held it too.
  await reported(/^plugin-misuse suspend blocked block held the event loop for \d+ ms$/);
});

test("a call suspended in place goes on where it was, as often as it likes", async () => {
  assert.equal(await call("in-place", "rest", 1, 4), 10);
  assert.equal(call("in-place", "early_in_place"), "early");
  assert.equal(await call("in-place", "rest_return"), "both");
});

test("many calls suspended in place each keep their own stack", async () => {
  const sums = await Promise.all(
    Array.from({ length: 300 }, (_, index) => call("in-place", "rest", 1, (index % 3) + 1)),
  );
  assert.deepEqual(sums.slice(0, 3), [1, 3, 6]);
});

test("calls suspended within catch blocks each find their own exception again", async () => {
  const texts = ["one", "two", "three"];
  assert.deepEqual(await Promise.all(texts.map((text) => call("in-place", "rest_caught", text))), texts);
});

test("an exception after an in-place suspend ends the call, not the process", async () => {
  await assert.rejects(
    async () => call("in-place", "explode_later"),
    /explode_later: threw a C\+\+ exception: boom/,
  );
});

test("suspending in place from a foreign thread is reported", async () => {
  void call("in-place", "from_thread");
  await reported(/suspend-from-thread/);
});

test("an object keeps its state between method calls and can return itself", () => {
  const counter = call("objects", "Counter") as WireObject;
  assert.deepEqual([counter.type, counter.methods], ["Counter", ["increase", "value", "twin"]]);
  assert.deepEqual(host.calls.callMethod(counter, 0, [5]), { kind: "this" });
  assert.equal(host.calls.callMethod(counter, 1, []), 5);
  const twin = host.calls.callMethod(counter, 2, []) as WireObject;
  void host.calls.callMethod(twin, 0, [1]);
  assert.deepEqual([host.calls.callMethod(counter, 1, []), host.calls.callMethod(twin, 1, [])], [5, 6]);
});

test("an object whose last reference the plugin drops is destroyed at once", () => {
  const alive = call("objects", "alive");
  assert.equal(call("objects", "drop"), alive);
});

test("a Go plugin sleeps on a goroutine while the loop goes on", async () => {
  const naps = [call("nap", "nap", 20), call("nap", "nap", 1)];
  assert.ok(naps.every((nap) => nap instanceof Promise));
  const [long, short] = await Promise.all(naps);
  assert.ok(Number(long) >= 20 && Number(short) >= 1);
  assert.equal(call("nap", "shout", "hello"), "HELLO");
  assert.throws(
    () => call("nap", "shout", 1),
    new NativeThrow({ kind: "exception", message: "shout wants a string" }),
  );
});

test("a Rust plugin answers and throws", () => {
  assert.equal(call("greet", "greet", "Ada"), "Hello, Ada!");
  assert.throws(
    () => call("greet", "greet"),
    new NativeThrow({ kind: "exception", message: "greet wants a name" }),
  );
});
