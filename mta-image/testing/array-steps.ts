/**
 * Statements about arrays, each as script text and as what it does to the variables of a model (array-model.ts): for
 * src/script/arrays.test.ts, which runs random programs of them in both.
 */
import fc from "fast-check";

import { ModelArray, type ModelValue, Refused, copy } from "./array-model.ts";

export type Name = "a" | "b" | "c";
export type State = Record<Name, ModelValue>;

export interface Step {
  readonly text: string;
  readonly apply: (state: State) => void;
}

interface Written {
  readonly text: string;
  readonly value: ModelValue;
}

const names = fc.constantFrom<Name>("a", "b", "c");
const scalars: readonly Written[] = [
  ...[0, 1, 2, 3, 7, -1, 1.5, 2.9].map((value) => ({ text: String(value), value })),
  ...["x", "y", "1", "01", "-1", "1.5", "length", "__proto__"].map((value) => ({
    text: JSON.stringify(value),
    value,
  })),
  { text: "true", value: true },
  { text: "none", value: null },
];
const scalar = fc.constantFrom(...scalars);
/** Mostly such as hit something. */
const key = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...scalars.filter(({ value }) => typeof value === "number")) },
  scalar,
);
const listOf = (items: fc.Arbitrary<Written>): fc.Arbitrary<Written> =>
  fc.array(items, { maxLength: 4 }).map((all) => ({
    text: `[${all.map(({ text }) => text).join(", ")}]`,
    value: new ModelArray(all.map(({ value }) => value)),
  }));
const literal: fc.Arbitrary<Written> = fc.oneof(
  scalar,
  listOf(scalar),
  listOf(listOf(scalar)),
  fc
    .array(fc.tuple(fc.constantFrom(...scalars.filter(({ value }) => value !== null)), scalar), {
      maxLength: 3,
    })
    .map((items) => {
      const value = new ModelArray();
      for (const [at, item] of items) value.set(at.value, item.value);
      return { text: `[${items.map(([at, item]) => `${at.text} => ${item.text}`).join(", ")}]`, value };
    }),
);

function put(state: State, name: Name, value: ModelValue): void {
  state[name] = copy(value);
}

/** The array that a variable holds, to write to. */
function own(state: State, name: Name): ModelArray {
  const found = state[name];
  if (found instanceof ModelArray) return found;
  if (found !== null) throw new Refused();
  const made = new ModelArray();
  state[name] = made;
  return made;
}

function arrayIn(state: State, name: Name): ModelArray {
  const found = state[name];
  if (!(found instanceof ModelArray)) throw new Refused();
  return found;
}

function item(base: ModelValue, at: ModelValue): ModelValue {
  return base instanceof ModelArray ? base.get(at) : null;
}

/** Where the base is a text, its characters are read: that is no array's business. */
function isText(value: ModelValue): boolean {
  return typeof value === "string";
}

const reading: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(names, names, key).map(([to, from, { text, value }]) => ({
    text: `$${to} = is_string($${from}) ? none : $${from}[${text}];`,
    apply: (state: State) => put(state, to, isText(state[from]) ? null : item(state[from], value)),
  })),
  fc.tuple(names, names).map(([to, from]) => ({
    text: `if (is_array($${from})) { $n = 0; for ($i = -1; $i < 9; $i++) if (is_number($${from}[$i])) $n += $${from}[$i]; $${to} = $n; }`,
    apply: (state: State) => {
      const from_ = state[from];
      if (!(from_ instanceof ModelArray)) return;
      let sum = 0;
      for (let at = -1; at < 9; at++) sum += numberOr0(from_.get(at));
      state[to] = sum;
    },
  })),
  fc
    .tuple(names, fc.integer({ min: -3, max: 4 }), fc.integer({ min: -3, max: 4 }))
    .map(([name, from, to]) => ({
      text: `if (is_array($${name})) $${name} = $${name}[${from}:${to}];`,
      apply: (state: State) => {
        const found = state[name];
        if (found instanceof ModelArray) state[name] = new ModelArray(found.values().slice(from, to));
      },
    })),
  fc.tuple(names, names).map(([one, other]) => ({
    text: `[$${one}, $${other}] = [$${other}, $${one}];`,
    apply: (state: State) => {
      [state[one], state[other]] = swapped(state, one, other);
    },
  })),
  fc.constant<Step>({
    text: "[$a, ...$b] = is_array($c) ? $c : [];",
    apply: (state: State) => {
      const from = state.c instanceof ModelArray ? state.c : new ModelArray();
      state.a = from.get(0);
      const rest = new ModelArray();
      for (const [at, value] of [...from.items].slice(1)) {
        if (typeof at === "number") rest.append(value);
        else rest.set(at, value);
      }
      state.b = rest;
    },
  }),
);

function numberOr0(value: ModelValue): number {
  return typeof value === "number" ? value : 0;
}

function swapped(state: State, one: Name, other: Name): [ModelValue, ModelValue] {
  const [first, second] = [copy(state[other]), copy(state[one])];
  // The same variable twice is stored to twice.
  return one === other ? [second, second] : [first, second];
}

const writing: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(names, literal).map(([name, { text, value }]) => ({
    text: `$${name} = ${text};`,
    apply: (state: State) => put(state, name, value),
  })),
  fc.tuple(names, names).map(([to, from]) => ({
    text: `$${to} = $${from};`,
    apply: (state: State) => put(state, to, state[from]),
  })),
  fc.tuple(names, names, key).map(([to, from, at]) => ({
    text: `$${to} = $${from}; $${to}[] = "copied"; $${to}[${at.text}][] = "deep";`,
    apply: (state: State) => {
      state[to] = copy(state[from]);
      own(state, to).append("copied");
      own(state, to).within(at.value).append("deep");
    },
  })),
  fc.tuple(names, names, key).map(([to, from, at]) => ({
    text: `if (is_array($${from})) { $${to} = $${from}[0:2]; $${to}[${at.text}][] = "cut"; }`,
    apply: (state: State) => {
      const found = state[from];
      if (!(found instanceof ModelArray)) return;
      state[to] = new ModelArray(found.values().slice(0, 2));
      own(state, to).within(at.value).append("cut");
    },
  })),
  fc.tuple(names, literal).map(([name, { text, value }]) => ({
    text: `$${name}[] = ${text};`,
    apply: (state: State) => own(state, name).append(value),
  })),
  fc.tuple(names, key, literal).map(([name, at, { text, value }]) => ({
    text: `$${name}[${at.text}] = ${text};`,
    apply: (state: State) => own(state, name).set(at.value, value),
  })),
  fc.tuple(names, key, names).map(([to, at, from]) => ({
    text: `$${to}[${at.text}] = $${from};`,
    apply: (state: State) => {
      const value = copy(state[from]);
      own(state, to).set(at.value, value);
    },
  })),
  fc.tuple(names, key, key, literal).map(([name, outer, inner, { text, value }]) => ({
    text: `$${name}[${outer.text}][${inner.text}] = ${text};`,
    apply: (state: State) => own(state, name).within(outer.value).set(inner.value, value),
  })),
  fc.tuple(names, key, literal).map(([name, at, { text, value }]) => ({
    text: `$${name}[${at.text}][] = ${text};`,
    apply: (state: State) => own(state, name).within(at.value).append(value),
  })),
  fc.tuple(names, key, key).map(([name, outer, inner]) => ({
    text: `$${name}[...[${outer.text}, ${inner.text}]] = "path";`,
    apply: (state: State) => own(state, name).within(outer.value).set(inner.value, "path"),
  })),
  fc.tuple(names, fc.integer({ min: 0, max: 1_100 })).map(([name, count]) => ({
    text: `for ($i = 0; $i < ${count}; $i++) $${name}[] = $i;`,
    apply: (state: State) => {
      for (let i = 0; i < count; i++) own(state, name).append(i);
    },
  })),
  fc.tuple(names, key).map(([name, at]) => ({
    text: `if (is_array($${name}) and not is_string($${name}[${at.text}]) and not is_array($${name}[${at.text}])) $${name}[${at.text}] += 2;`,
    apply: (state: State) => {
      const found = state[name];
      if (!(found instanceof ModelArray)) return;
      const before = found.get(at.value);
      if (typeof before !== "string" && !(before instanceof ModelArray))
        found.set(at.value, Number(before) + 2);
    },
  })),
);

const removing: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(names, key).map(([name, at]) => ({
    text: `if (is_array($${name})) unset($${name}[${at.text}]);`,
    apply: (state: State) => {
      const found = state[name];
      if (found instanceof ModelArray) found.remove(at.value);
    },
  })),
  fc
    .tuple(names, fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 4 }), names)
    .map(([name, from, to, put]) => ({
      text: `$${name}[${from}:${to}] = $${put};`,
      apply: (state: State) => {
        const target = state[name] ?? new ModelArray();
        if (!(target instanceof ModelArray) || [...target.items.keys()].some((at, index) => at !== index))
          throw new Refused();
        const values = target.values();
        const value = copy(state[put]);
        const more = value instanceof ModelArray ? value.values() : [value];
        const start = Math.min(from, values.length);
        state[name] = new ModelArray([
          ...values.slice(0, start),
          ...more,
          ...values.slice(Math.max(start, to)),
        ]);
      },
    })),
);

const walking: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(names, names).map(([name, into]) => ({
    text: `if (is_array($${name})) foreach ($${name} as $k => $v) { $${into}[] = $v; if (length($${into}) > 3000) break; }`,
    apply: (state: State) => {
      const walked = state[name];
      if (!(walked instanceof ModelArray)) return;
      for (const value of walked.values()) {
        own(state, into).append(value);
        if (own(state, into).items.size > 3000) break;
      }
    },
  })),
  fc.tuple(names, names).map(([name, into]) => ({
    text: `if (is_array($${name})) foreach ($${name} as $k => $v) { unset($${name}[$k]); $${into}[$k] = $v; }`,
    apply: (state: State) => {
      const walked = copy(state[name]);
      if (!(walked instanceof ModelArray)) return;
      for (const [at, value] of walked.items) {
        const from = state[name];
        if (from instanceof ModelArray) from.remove(at);
        own(state, into).set(at, value);
      }
    },
  })),
  names.map((name) => ({
    text: `if (is_array($${name})) foreach ($${name} as $k => $v) { if (is_number($k)) $${name}[$k + 1] = $v; }`,
    apply: (state: State) => {
      const walked = copy(state[name]);
      if (!(walked instanceof ModelArray)) return;
      for (const [at, value] of walked.items) if (typeof at === "number") own(state, name).set(at + 1, value);
    },
  })),
  names.map((name) => ({
    text: `if (is_array($${name})) foreach ($${name} as $k => $v) { unset($${name}[length($${name}) - 1]); $${name}["end"] = $v; }`,
    apply: (state: State) => {
      const walked = copy(state[name]);
      if (!(walked instanceof ModelArray)) return;
      for (const value of walked.values()) {
        const left = own(state, name);
        left.remove(left.items.size - 1);
        left.set("end", value);
      }
    },
  })),
  names.map((name) => ({
    text: `if (is_array($${name})) foreach ($${name} as $k => $v) { if (is_array($v)) $v[] = "inner"; $${name}[$k] = $v; }`,
    apply: (state: State) => {
      const walked = copy(state[name]);
      if (!(walked instanceof ModelArray)) return;
      for (const [at, value] of walked.items) {
        if (value instanceof ModelArray) value.append("inner");
        own(state, name).set(at, value);
      }
    },
  })),
);

const calling: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(names, names).map(([to, from]) => ({
    text: `$${to} = changed($${from});`,
    apply: (state: State) => {
      const local: State = { ...state, a: copy(state[from]) };
      own(local, "a").set("in", "changed");
      state[to] = local.a;
    },
  })),
  fc.tuple(names, names).map(([to, from]) => ({
    text: `$f = function ($v) closure ($${to}) { $${to}[] = $v; }; $f($${from});`,
    apply: (state: State) => {
      const value = copy(state[from]);
      own(state, to).append(value);
    },
  })),
  fc.tuple(names, names, names).map(([to, one, other]) => ({
    text: `$${to} = [...$${one}, "new", ...$${other}];`,
    apply: (state: State) => {
      const made = new ModelArray();
      made.take(arrayIn(state, one));
      made.append("new");
      made.take(arrayIn(state, other));
      state[to] = made;
    },
  })),
  fc.tuple(names, names, names).map(([to, one, other]) => ({
    text: `if (is_array($${one}) and is_array($${other})) $${to} = $${one} + $${other};`,
    apply: (state: State) => {
      const [left, right] = [copy(state[one]), copy(state[other])];
      if (!(left instanceof ModelArray) || !(right instanceof ModelArray)) return;
      left.take(right);
      state[to] = left;
    },
  })),
  fc.tuple(names, names).map(([to, from]) => ({
    text: `$o = Holder(); $o->list = $${from}; $o->list["held"] = 1; $o->list[] = 2; $${to} = $o->list; $o->list["later"] = 3;`,
    apply: (state: State) => {
      const local: State = { ...state, a: copy(state[from]) };
      own(local, "a").set("held", 1);
      own(local, "a").append(2);
      state[to] = local.a;
    },
  })),
);

const begin = (name: Name): fc.Arbitrary<Step> =>
  fc.oneof(literal, listOf(listOf(scalar))).map(({ text, value }) => ({
    text: `$${name} = ${text};`,
    apply: (state: State) => put(state, name, value),
  }));
/** Begins with something in each variable. */
export const program = fc
  .tuple(
    fc.tuple(begin("a"), begin("b"), begin("c")),
    fc.array(fc.oneof(reading, writing, writing, removing, walking, calling), {
      minLength: 1,
      maxLength: 25,
    }),
  )
  .map(([first, steps]): Step[] => [...first, ...steps]);
