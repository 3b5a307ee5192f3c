/** The classes Map and Set: keys and values of one declared type each, walked over in order of insertion. */
import { typeName } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostClass, type HostFunction, type Parameter, declare, makeClass, parameter } from "../host.ts";
import { MAX_ITEMS } from "../limits.ts";
import { meter } from "../meter.ts";
import { add } from "../operators.ts";
import { HostObject, HslIterator, Item, type Routine, type Value, share } from "../value.ts";

/** What an item takes in a Map of JavaScript, on 64 bits. */
const ITEM_BYTES = 48;

class Collection {
  readonly items = new Map<Value, Value>();
  readonly #types: readonly string[];
  /** Runs share it. */
  #isFixed = false;

  constructor(types: readonly string[]) {
    this.#types = types;
  }

  check(value: Value, at: number): Value {
    const wanted = this.#types[at] as string;
    if (typeName(value) !== wanted && wanted !== "any")
      throw new Refusal(`${wanted} is wanted, not ${typeName(value)}`);
    return share(value);
  }

  fix(): this {
    this.#isFixed = true;
    return this;
  }

  /** To be changed. */
  own(): Map<Value, Value> {
    if (this.#isFixed) throw new Refusal("a Map or Set of an imported file cannot be changed");
    return this.items;
  }

  put(key: Value, value: Value): boolean {
    const items = this.own();
    if (!items.has(key)) {
      if (this.items.size >= MAX_ITEMS) throw new Refusal("there are too many items");
      meter.allocate(ITEM_BYTES);
    }
    items.set(key, value);
    return true;
  }

  /** What is under a key with a value added to it. */
  sum(key: Value, value: Value): Value {
    const current = this.items.get(key);
    return current === undefined ? value : add(current, value);
  }

  entries(): Iterable<readonly [Value, Value]> {
    return this.items.entries();
  }
}

const self = parameter.object("self", "Map or Set", ({ state }) =>
  state instanceof Collection ? state : undefined,
);
const key = parameter.any("key");
const value = parameter.any("value");

function* each(collection: Collection): Routine {
  meter.allocate(collection.items.size * 2 * ITEM_BYTES);
  for (const [at, item] of [...collection.entries()]) yield new Item(at, item);
  return null;
}

function method(
  name: string,
  parameters: readonly Parameter<Value>[],
  about: { readonly returns: string; readonly docs: string },
  run: (collection: Collection, key: Value, value: Value) => Value,
): HostFunction {
  return declare({
    name,
    parameters: [self, ...parameters],
    ...about,
    keeps: true,
    run: (_, collection, ...args) =>
      run(collection as Collection, (args[0] ?? null) as Value, (args[1] ?? null) as Value),
  });
}

const common: readonly HostFunction[] = [
  method("has", [key], { returns: "boolean", docs: "Whether the key is there." }, (all, at) =>
    all.items.has(at),
  ),
  method(
    "delete",
    [key],
    { returns: "boolean", docs: "Removes the key; says whether it was there." },
    (all, at) => all.own().delete(at),
  ),
  method("size", [], { returns: "number", docs: "How many there are." }, (all) => all.items.size),
  method("clear", [], { returns: "none", docs: "Removes everything." }, (all) => {
    all.own().clear();
    return null;
  }),
];

export const mapClass: HostClass = makeClass("Map", "Keys and values, each of one type.", {
  construct: declare({
    name: "Map",
    parameters: [parameter.string("keytype"), parameter.string("valuetype")],
    returns: "Map",
    docs: "An empty map; types are named as in string, number, array, any, or a class.",
    run: (_, keys, values): Value => new HostObject(mapClass, new Collection([keys, values])),
  }),
  methods: [
    ...common,
    method(
      "set",
      [key, value],
      { returns: "boolean", docs: "Stores a value under a key." },
      (all, at, item) => all.put(all.check(at, 0), all.check(item, 1)),
    ),
    method(
      "merge",
      [key, value],
      {
        returns: "boolean",
        docs: "Adds a value to what is under a key, as + does; stores it where there is none.",
      },
      (all, at, item) => all.put(all.check(at, 0), all.check(all.sum(at, item), 1)),
    ),
    method(
      "get",
      [key],
      { returns: "any", docs: "The value of a key, or none." },
      (all, at) => all.items.get(at) ?? null,
    ),
    method(
      "entries",
      [],
      { returns: "Iterator", docs: "Keys and values, to walk over." },
      (all) => new HslIterator(each(all)),
    ),
  ],
});

export const setClass: HostClass = makeClass("Set", "Different values of one type.", {
  construct: declare({
    name: "Set",
    parameters: [parameter.string("keytype")],
    returns: "Set",
    docs: "An empty set.",
    run: (_, keys): Value => new HostObject(setClass, new Collection([keys])),
  }),
  methods: [
    ...common,
    method("add", [key], { returns: "boolean", docs: "Adds a value." }, (all, at) =>
      all.put(all.check(at, 0), at),
    ),
    method(
      "values",
      [],
      { returns: "Iterator", docs: "The values, to walk over." },
      (all) => new HslIterator(each(all)),
    ),
  ],
});

/** Of an imported file: all runs have the same. */
export function fixedMap(entries: Iterable<readonly [Value, Value]>): Value {
  const all = new Collection(["string", "any"]);
  for (const [at, item] of entries) all.put(all.check(at, 0), all.check(item, 1));
  return new HostObject(mapClass, all.fix());
}

/** As `fixedMap`. */
export function fixedSet(values: Iterable<Value>): Value {
  const all = new Collection(["any"]);
  for (const item of values) all.put(all.check(item, 0), item);
  return new HostObject(setClass, all.fix());
}
