/** Memory that all scripts of a process share. Values are kept as they are; functions and objects are refused. */
import { Refusal } from "../error.ts";
import { isOnlyData } from "../only-data.ts";
import type { HslFunction, Routine, Value } from "../value.ts";
import { callback } from "../calls.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";

const key = parameter.string("key");
const maybe = optional(parameter.function("callback"));
const value = parameter.any("value");

/** What belongs to a run must not outlive it. */
function checkKept(item: Value): Value {
  if (!isOnlyData(item)) throw new Refusal("the memory keeps no functions and objects of scripts");
  return item;
}

/** Tells a function of the script what is there, where both are. What it gives changes nothing. */
function* tell(call: HslFunction | undefined, name: string, current: Value | undefined): Routine {
  if (current !== undefined && call !== undefined) yield* callback(call, name, current);
  return current !== undefined;
}

function count(stored: Value | undefined, by: number): number | null {
  const current = stored ?? 0;
  return typeof current === "number" ? current + by : null;
}

export const memoryFunctions: readonly HostFunction[] = [
  declare({
    name: "memory_add",
    parameters: [key, value],
    returns: "boolean",
    docs: "Stores a value unless there is one; says whether it did.",
    keeps: true,
    run: ({ shared }, name, item) => shared.fetch(name) === undefined && shared.store(name, checkKept(item)),
  }),
  declare({
    name: "memory_dec",
    parameters: [key, optional(parameter.number("offset")), optional(parameter.boolean("remove_if_zero"))],
    returns: "number or none",
    docs: "Counts down and gives the result, none when there is something else than a number.",
    run: ({ shared }, name, offset, remove) => {
      const next = count(shared.fetch(name), -(offset ?? 1));
      if (next === 0 && remove === true) shared.delete(name);
      else if (next !== null) shared.store(name, next);
      return next;
    },
  }),
  declare({
    name: "memory_inc",
    parameters: [key, optional(parameter.number("offset"))],
    returns: "number or none",
    docs: "Counts up and gives the result, none when there is something else than a number.",
    run: ({ shared }, name, offset) => {
      const next = count(shared.fetch(name), offset ?? 1);
      if (next !== null) shared.store(name, next);
      return next;
    },
  }),
  declare({
    name: "memory_delete",
    parameters: [key, maybe],
    returns: "boolean",
    docs: "Removes a value; says whether there was one, and tells a callback(key, value) of it.",
    way: "routine",
    *run({ shared }, name, call): Routine {
      const current = shared.fetch(name);
      shared.delete(name);
      return yield* tell(call, name, current);
    },
  }),
  declare({
    name: "memory_exists",
    parameters: [key, maybe],
    returns: "boolean",
    docs: "Whether there is a value; a callback(key, value) is told of it.",
    way: "routine",
    run: ({ shared }, name, call) => tell(call, name, shared.fetch(name)),
  }),
  declare({
    name: "memory_fetch",
    parameters: [key, maybe],
    returns: "any",
    docs: "The value, or none; with a callback(key) what that gives for a missing one, which is not stored unless it does so.",
    way: "routine",
    *run({ shared }, name, call): Routine {
      const current = shared.fetch(name);
      if (current !== undefined || call === undefined) return current ?? null;
      return yield* callback(call, name);
    },
  }),
  declare({
    name: "memory_store",
    parameters: [key, value, maybe],
    returns: "boolean",
    docs: "Stores a value; says whether there was one before, and tells a callback(key, value) of that.",
    keeps: true,
    way: "routine",
    *run({ shared }, name, item, call): Routine {
      const before = shared.fetch(name);
      if (!shared.store(name, checkKept(item))) throw new Refusal("the memory is full");
      return yield* tell(call, name, before);
    },
  }),
  declare({
    name: "memory_update",
    parameters: [key, value, parameter.function("callback"), optional(parameter.any("initial"))],
    returns: "boolean",
    docs: "Stores what callback(key, current, value) gives, and says whether there was a value before. Without a current value the initial one is it; without either nothing happens.",
    keeps: true,
    way: "routine",
    *run({ shared }, name, item, call, initial): Routine {
      const before = shared.fetch(name);
      const current = before === undefined ? initial : before;
      if (current === undefined) return false;
      const made = checkKept(yield* callback(call, name, current, item));
      if (!shared.store(name, made)) throw new Refusal("the memory is full");
      return before !== undefined;
    },
  }),
];
