/**
 * Calls of values and methods, and waiting for what they give. A call may give a value, a promise or a routine; code
 * that may wait settles the latter two with `yield*`, other code drives them here and refuses to wait.
 */
import { Refusal } from "./error.ts";
import {
  type Resumed,
  type Routine,
  type ScriptClass,
  type Value,
  HostObject,
  HslArray,
  HslFunction,
  Instance,
  share,
} from "./value.ts";
import type { RunContext } from "./context.ts";
import { toText, truthy, typeName } from "./convert.ts";
import { classOf } from "./host.ts";
import { keyOf } from "./key.ts";
import { running } from "./running.ts";
import { getMember } from "./access.ts";

export type Pending = PromiseLike<Value> | Routine;

/** Values of the language have the mark `shared`; what has to be waited for has not. */
export function pending(result: Value | Pending): result is Pending {
  return (
    typeof result === "object" && result !== null && (result as { shared?: boolean }).shared === undefined
  );
}

export function* settle(result: Pending): Routine {
  if ("then" in result) {
    const resumed = yield result;
    if ("error" in resumed) throw resumed.error;
    return resumed.value;
  }
  return yield* result;
}

/** The value of a call in code that cannot wait. */
export function now(result: Value | Pending): Value {
  if (!pending(result)) return result;
  if ("then" in result) throw new Refusal("a function that waits cannot be called here");
  const step = result.next();
  if (step.done === true) return step.value;
  result.return(null);
  throw new Refusal("a function that waits cannot be called here");
}

/** A routine that is over already: what `yield*` reads at once. Its own last step, to spare a second object. */
class Settled {
  readonly done = true;
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): this {
    return this;
  }
}

/** What a host function's callback gives, for host functions that are routines: `yield* callback(fn, value)`. */
export function callback(fn: HslFunction, ...args: Value[]): Routine {
  for (const arg of args) share(arg);
  const result = invoke(fn, args);
  return pending(result) ? settle(result) : (new Settled(result) as unknown as Routine);
}

export function invoke(fn: Value, args: Value[]): Value | Pending {
  const { run } = check(fn, args.length);
  if (args.length === 1) return run(args[0] as Value);
  return args.length === 2 ? run(args[0] as Value, args[1] as Value) : run(...args);
}
function check(fn: Value, given: number): HslFunction {
  if (!(fn instanceof HslFunction)) throw new Refusal(`${typeName(fn)} is no function`);
  if (given < fn.least || given > fn.most) wrongCount(fn.name || "function", fn, given);
  return fn;
}

function wrongCount(name: string, { least, most }: { least: number; most: number }, given: number): never {
  const wanted = least === most ? String(least) : `${least} to ${most}`;
  throw new Refusal(`${name}() takes ${wanted} arguments, not ${given}`);
}

/** `given` has a place for the object in front of the arguments, and is the method's. */
export function invokeMethod(
  base: Value,
  name: string,
  from: ScriptClass | null,
  given: Value[],
): Value | Pending {
  given[0] = base;
  if (base instanceof Instance) {
    const method = base.cls.methods.get(name);
    if (method === undefined) return invoke(getMember(base, name, from), given.slice(1));
    if (base.cls !== from && base.cls.access.has(`${name}()`))
      throw new Refusal(`${name}() of ${base.cls.name} is private`);
    const count = given.length - 1;
    if (count < method.least || count > method.most) wrongCount(name, method, count);
    return method.run(...given);
  }
  if (base instanceof HostObject) {
    const method = classOf(base).methods.get(name);
    if (method === undefined) throw new Refusal(`${base.cls.name} has no method ${name}()`);
    if (given.length < method.least || given.length > method.most)
      wrongCount(name, { least: method.least - 1, most: method.most - 1 }, given.length - 1);
    return method.call(running.c, given);
  }
  throw new Refusal(`${name}() is called on ${typeName(base)}`);
}

export function boundMethod(base: Value, name: string, from: ScriptClass | null): HslFunction {
  const run = (...args: Value[]) => invokeMethod(base, name, from, [null, ...args]);
  return new HslFunction(name, 0, Number.POSITIVE_INFINITY, "promise", run);
}

/** `cache [...] f(args)`: by function name and arguments, for all runs of the process. */
export function* cached(options: Value, fn: Value, args: Value[]): Routine {
  const { shared } = running.c;
  const option = (name: string): Value => (options instanceof HslArray ? options.get(name) : null);
  const name = fn instanceof HslFunction ? fn.name : "";
  const named = toText(option("namespace") ?? name);
  const namespace = truthy(option("per_message")) ? `${messageOf(running.c)} ${named}` : named;
  const key = `${name}(${toText(new HslArray(keyArguments(args, option("argv_filter"))))})`;
  const isLru = truthy(option("lru") ?? true);
  const known = truthy(option("force")) ? undefined : shared.cached(namespace, key, isLru);
  if (known !== undefined) return known;
  for (const arg of args) share(arg);
  const result = invoke(fn, args);
  const fresh = pending(result) ? yield* settle(result) : result;
  const old = shared.lastCached(namespace, key);
  const updater = option("update_function");
  const isUpdate = updater instanceof HslFunction && old !== undefined;
  const value = isUpdate ? yield* callback(updater, old, fresh) : fresh;
  const chooser = option("ttl_function");
  const chosen = chooser instanceof HslFunction ? yield* callback(chooser, value) : null;
  const ttl = chosen ?? override(option("ttl_override"), value) ?? option("ttl") ?? 60;
  shared.remember(namespace, key, value, { ttlSeconds: Number(ttl), size: Number(option("size") ?? 32) });
  return share(value);
}

function messageOf({ messageId }: RunContext): string {
  const id = messageId?.() ?? null;
  if (id === null)
    throw new Refusal("the option per_message of cache wants a message, and there is none here");
  return id;
}

/** A time for this very result. */
function override(times: Value, result: Value): Value {
  if (!(times instanceof HslArray) || result instanceof HslArray) return null;
  const key = keyOf(result);
  return key === null ? null : times.get(key);
}

/** All of them, or those whose numbers, counted from 1, the filter has. */
function keyArguments(args: Value[], filter: Value): Value[] {
  if (!(filter instanceof HslArray)) return args;
  const wanted = new Set(filter.values().map(Number));
  return args.filter((_, at) => wanted.has(at + 1));
}

/** Waits for the named lock; a run that ends meanwhile hands it on when it comes. */
export function* enter(name: string): Routine {
  const { shared } = running.c;
  const turn = shared.enter(name);
  let mine = false;
  try {
    const resumed: Resumed = yield turn;
    if ("error" in resumed) throw resumed.error;
    mine = true;
    return resumed.value;
  } finally {
    if (!mine) void turn.then((value) => shared.leave(name, value));
  }
}

export function leave(name: string, value: Value): void {
  running.c.shared.leave(name, value);
}
