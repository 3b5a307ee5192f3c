/** Arrays whose items are made when somebody looks: nothing that a script can do tells them from others. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Fields } from "./fields.ts";
import { type Value, HslArray } from "./value.ts";

const items = (): Record<string, Value | (() => Value) | undefined> => ({
  b: 1,
  a: () => new HslArray([2, 3]),
  left: undefined,
});
const made = (item: Value | (() => Value)): Value => (typeof item === "function" ? item() : item);

const uses: Readonly<Record<string, (array: HslArray) => unknown>> = {
  get: (array) => [array.get("b"), array.get("c"), array.get(0), array.get("left"), array.get("toString")],
  "get of an array": (array) => {
    const [once, again] = [array.get("a"), array.get("a")];
    return [plain(once), once === again];
  },
  "get, then put": (array) => [array.get("a"), array.put("c", 4)].length,
  has: (array) => [array.has("a"), array.has("c")],
  put: (array) => array.put("c", 4),
  add: (array) => array.add(5),
  "put under a number": (array) => array.put(7, 6),
  delete: (array) => array.delete("b"),
  size: (array) => array.size,
  isList: (array) => array.isList(),
  keys: (array) => array.keys(),
  values: (array) => array.values().length,
  cursor: (array) => {
    const found: unknown[] = [];
    for (const at = array.cursor(); at.next(); ) found.push(at.key);
    return found;
  },
  "a clone that is written to": (array) => {
    array.shared = true;
    const own = array.own();
    own.put("b", 9);
    return [plain(own), own === array];
  },
};

function plain(value: Value): unknown {
  return value instanceof HslArray
    ? [...value.entries()].map(([key, item]) => [key, plain(item), value.shared])
    : value;
}

for (const [name, use] of Object.entries(uses)) {
  test(`${name}: as with items that were there from the beginning, which are made once`, () => {
    let times = 0;
    const fields = (): ReturnType<typeof items> => {
      times++;
      return items();
    };
    const later = HslArray.record(new Fields(fields, made));
    const array = HslArray.from([
      ["b", 1],
      ["a", new HslArray([2, 3])],
    ]);
    assert.equal(times, 0);
    assert.deepEqual(use(later), use(array));
    assert.deepEqual(plain(later), plain(array));
    assert.equal(times, 1);
  });
}
