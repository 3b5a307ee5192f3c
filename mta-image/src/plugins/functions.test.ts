import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Refusal } from "#mta/script/error.ts";
import { type Value, HostObject, HslArray } from "#mta/script/value.ts";
import type { RunContext } from "#mta/script/context.ts";
import { type Host, type HostFunction, classOf } from "#mta/script/host.ts";

import { makeTestHost, startPlugins } from "../../testing/native-plugins.ts";
import { offerFunctions } from "./functions.ts";
import { noResources } from "./values.ts";

const plugins = makeTestHost();
await startPlugins(plugins, { values: {}, suspend: {}, objects: {}, nap: {} });
after(() => plugins.host.cleanup());
const { global, modules } = offerFunctions(plugins.host.registrations, plugins.host.calls, noResources);

const context = {} as RunContext;

function run(found: HostFunction | undefined, ...args: Value[]): Value | PromiseLike<Value> {
  assert.ok(found !== undefined);
  return found.call(context, args) as Value | PromiseLike<Value>;
}

function method(object: Value, name: string, ...args: Value[]): Value {
  assert.ok(object instanceof HostObject);
  return run(classOf(object).methods.get(name), object, ...args) as Value;
}

const call = (name: string, ...args: Value[]) => run(global.functions.get(name), ...args);

test("scripts are offered global functions, statics and modules by plugin", () => {
  assert.equal(call("add", 1, 2), 3);
  assert.equal(run(global.classes.get("Sum")?.statics.get("add"), 2, 2), 4);
  const nap = modules.get("nap") as Host;
  assert.deepEqual([...nap.functions.keys()], ["nap", "shout"]);
  assert.equal(run(modules.get("values")?.classes.get("Sum")?.statics.get("add"), 3, 3), 6);
  assert.equal(modules.get("objects")?.functions.size, 0);
});

test("a suspended function gives a promise, and what it throws later rejects with an exception to be caught", async () => {
  assert.equal(await call("late", 1), "late");
  await assert.rejects(async () => call("late", -1), new Refusal("too late"));
});

test("arrays go there and back as values, with order, keys and nesting", () => {
  const inner = new HslArray(["x", null, true]);
  const array = HslArray.from([
    ["b", 1],
    [7, inner],
    ["a", "\xff"],
  ]);
  const copy = call("copy", array) as HslArray;
  assert.deepEqual(copy.keys(), ["b", 7, "a"]);
  assert.deepEqual([copy.get("b"), copy.get("a")], [1, "\xff"]);
  assert.deepEqual((copy.get(7) as HslArray).values(), ["x", null, true]);
  assert.notEqual(copy.get(7), inner);
});

test("JSON that a plugin reads has the keys that scripts expect", () => {
  const read = call("from_json", '{"1":["a"],"x":{}}') as HslArray;
  assert.deepEqual(read.keys(), [1, "x"]);
});

test("what plugins cannot read is opaque to them, and too deep arrays are refused", () => {
  assert.deepEqual((call("types", global.functions.size, new HslArray()) as HslArray).values(), [2, 4]);
  let deep = new HslArray();
  for (let level = 0; level < 300; level += 1) deep = new HslArray([deep]);
  assert.throws(() => call("types", deep), /nested too deeply/);
});

test("a method that returns $this gives the very object, and objects go back to plugins as themselves", () => {
  const counter = call("Counter") as HostObject;
  assert.equal(counter.cls.name, "Counter");
  assert.equal(method(counter, "increase", 2), counter);
  assert.equal(method(counter, "value"), 2);
  const twin = method(counter, "twin") as HostObject;
  assert.notEqual(twin, counter);
  assert.equal(twin.cls, counter.cls);
  assert.deepEqual((call("types", counter) as HslArray).values(), [6]);
});
