/** Everything that compiled code calls by name. The names here are those that the emitters write. */
import * as access from "./access.ts";
import { Refusal } from "./error.ts";
import {
  type Value,
  HostObject,
  HslArray,
  HslFunction,
  HslIterator,
  Instance,
  Item,
  ScriptClass,
  share,
} from "./value.ts";
import { enter, leave } from "./barrier.ts";
import { boundMethod, cached, invoke, invokeMethod, now, pending, settle } from "./calls.ts";
import { echoText, toText, truthy } from "./convert.ts";
import { cursor, listOf, nextNow } from "./cursor-of.ts";
import { isIdentical, looseEquals, strictEquals } from "./equality.ts";
import { caught, thrown } from "./exception.ts";
import * as operators from "./operators.ts";
import { matches } from "./regex.ts";
import { running } from "./running.ts";
import { removeSlice, replaceSlice, slice } from "./slice.ts";

/** Equal texts and numbers, the usual case, are decided here. */
function equals(a: Value, b: Value): boolean {
  if (isIdentical(a, b)) return true;
  const type = typeof a;
  if (type === typeof b && type !== "object") return false;
  return looseEquals(a, b);
}

/** What a program imported, for one run: objects that can change are made anew, so that no run sees another's. */
function fresh(value: Value): Value {
  if (!(value instanceof HostObject) || !isCopied(value.state)) return value;
  return new HostObject(value.cls, value.state.copy());
}

function isCopied(state: unknown): state is { copy(): unknown } {
  return typeof state === "object" && state !== null && "copy" in state;
}

export const runtime = {
  ...access,
  ...operators,
  HslArray,
  HslFunction,
  HslIterator,
  Instance,
  Item,
  ScriptClass,
  astray: (word: string): never => {
    throw new Refusal(`${word} stands in no loop`);
  },
  boundMethod,
  cached,
  caught,
  cursor,
  echo: (value: Value): void => running.c.echo(echoText(value)),
  enter,
  equals,
  fresh,
  invoke,
  invokeMethod,
  leave,
  listOf,
  matches,
  matchesNot: (a: Value, b: Value): boolean => !matches(a, b),
  nextNow,
  noMatch: (value: Value): never => {
    throw new Refusal(`match knows nothing about ${toText(value)}`);
  },
  now,
  pending,
  removeSlice,
  replaceSlice,
  settle,
  share,
  slice,
  strictEquals,
  strictUnequal: (a: Value, b: Value): boolean => !strictEquals(a, b),
  thrown,
  toText,
  truthy,
  unequal: (a: Value, b: Value): boolean => !equals(a, b),
};
