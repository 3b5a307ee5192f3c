import assert from "node:assert/strict";
import { after, test } from "node:test";

import { makeTestHost, startPlugins } from "../../testing/native-plugins.ts";
import { type OfferedObject, type ScriptSide, offerFunctions } from "./functions.ts";

/** A script language whose values are JavaScript's, with arrays as lists. */
type Value = null | boolean | number | string | Value[] | OfferedObject<Value>;

class Thrown extends Error {}

const side: ScriptSide<Value> = {
  encode(value) {
    if (Array.isArray(value)) return value.flatMap((item, index) => [index, side.encode(item)]);
    return value !== null && typeof value === "object" ? value.wire : value;
  },
  decode(wire, object) {
    if (wire === null || typeof wire !== "object") return wire;
    if (!("kind" in wire)) {
      return wire.filter((_, index) => index % 2 === 1).map((item) => side.decode(item, object));
    }
    if (wire.kind === "object") return object(wire);
    return wire.kind === "exception" ? wire.message : null;
  },
  makeObject: (object) => object,
  makeThrow: (value) => new Thrown(String(value)),
};

const plugins = makeTestHost();
await startPlugins(plugins, { values: {}, suspend: {}, objects: {}, nap: {} });
after(() => plugins.host.cleanup());
const offer = offerFunctions(plugins.host.registrations, plugins.host.calls, side);

function run(name: string, ...args: Value[]): Value | Promise<Value> {
  const found = offer.global.functions.get(name);
  assert.ok(found !== undefined, name);
  return found(args);
}

test("scripts are offered global functions, statics and modules by plugin", () => {
  assert.equal(run("add", 1, 2), 3);
  assert.equal(offer.global.statics.get("Sum")?.get("add")?.([2, 2]), 4);
  assert.deepEqual([...(offer.modules.get("nap")?.functions.keys() ?? [])], ["nap", "shout"]);
  assert.equal(offer.modules.get("values")?.statics.get("Sum")?.get("add")?.([3, 3]), 6);
  assert.equal(offer.modules.get("objects")?.functions.size, 0);
});

test("a suspended function gives a promise, and what it throws later rejects with the script's error", async () => {
  assert.equal(await run("late", 1), "late");
  await assert.rejects(async () => run("late", -1), new Thrown("too late"));
});

test("what a function throws is the script's error with the value", () => {
  assert.throws(() => run("add", "x"), new Thrown("add wants two numbers"));
});

test("a method that returns $this gives the very object, and objects go back to plugins as themselves", () => {
  const counter = run("Counter") as OfferedObject<Value>;
  assert.equal(counter.methods.get("increase")?.([2]), counter);
  assert.equal(counter.methods.get("value")?.([]), 2);
  const twin = counter.methods.get("twin")?.([]) as OfferedObject<Value>;
  assert.notEqual(twin, counter);
  assert.deepEqual(run("types", counter, [1]), [6, 4]);
});
