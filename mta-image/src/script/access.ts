/**
 * Reading and writing places within arrays, texts and objects, as compiled code calls it. Reading what is not there
 * gives none, whatever the depth; writing into none makes an array. Throws a Refusal for private members and for
 * writing where nothing can be stored.
 */
import { Refusal } from "./error.ts";
import { classOf } from "./host.ts";
import { meter } from "./meter.ts";
import { running } from "./running.ts";
import { type ScriptClass, type Value, HostObject, HslArray, HslFunction, Instance, share } from "./value.ts";
import { toNumber, toText, typeName } from "./convert.ts";

type From = ScriptClass | null;

export function getIndex(base: Value, key: Value, from: From = null): Value {
  if (base instanceof HslArray) return base.get(key);
  if (typeof base === "string") {
    const at = Math.trunc(toNumber(key));
    return base[at < 0 ? at + base.length : at] ?? null;
  }
  return base instanceof Instance ? getMember(base, toText(key), from) : null;
}

export function getMember(base: Value, name: string, from: From): Value {
  if (!(base instanceof Instance)) {
    if (base === null) return null;
    const method = base instanceof HostObject ? hostMethod(base, name) : null;
    if (method === null) throw new Refusal(`${typeName(base)} has no member ${name}`);
    return method;
  }
  const access = base.cls.access.get(name);
  if (access === "private" && base.cls !== from) throw new Refusal(`${name} of ${base.cls.name} is private`);
  const found = base.props[`$${name}`];
  return found === undefined ? boundTo(base, name, from) : found;
}

/** `$o->method` without a call: the method as a function of this object; none when there is none. */
function boundTo(base: Instance, name: string, from: From): Value {
  const method = base.cls.methods.get(name);
  if (method === undefined) return null;
  if (base.cls !== from && base.cls.access.has(`${name}()`))
    throw new Refusal(`${name}() of ${base.cls.name} is private`);
  const { least, most, way } = method;
  return new HslFunction(name, least, most, way, (...args) => method.run(base, ...args));
}

/** The same of an object of the host. */
function hostMethod(base: HostObject, name: string): HslFunction | null {
  const method = classOf(base).methods.get(name);
  if (method === undefined) return null;
  const { least, most, way } = method;
  return new HslFunction(name, least - 1, most - 1, way, (...args) =>
    method.call(running.c, [base, ...args]),
  );
}

export function setMember(base: Value, name: string, value: Value, from: From): void {
  if (!(base instanceof Instance)) throw new Refusal(`${typeName(base)} has no member ${name} to write to`);
  const access = base.cls.access.get(name);
  if (access !== undefined && access !== "public" && base.cls !== from)
    throw new Refusal(`${name} of ${base.cls.name} is ${access}`);
  if (access === undefined && !/^[A-Za-z_]\w*$/.test(name))
    throw new Refusal(`${name} cannot be a member's name`);
  base.props[`$${name}`] = value;
}

/** The value is held already, as for all that stores here. */
export function putIndex(container: Value, key: Value, value: Value, from: From): void {
  if (container instanceof HslArray) container.put(key, value);
  else setMember(container, toText(key), value, from);
}

export function append(container: Value, value: Value): void {
  if (!(container instanceof HslArray))
    throw new Refusal(`nothing can be appended to ${typeName(container)}`);
  container.add(value);
}

/** The container to write to, for a variable that is written through. */
export function ownArray(value: Value): Value {
  if (value === null) return new HslArray();
  if (value instanceof HslArray) return value.own();
  if (value instanceof Instance) return value;
  throw new Refusal(`${typeName(value)} has no items to write to`);
}

export function ownItem(container: Value, key: Value, from: From): Value {
  if (!(container instanceof HslArray)) return ownMember(container, toText(key), from);
  const item = container.get(key);
  const own = ownArray(item);
  if (own !== item) container.put(key, own);
  return own;
}

/** `$a[]["x"] = …`: a new item to write to. */
export function ownNew(container: Value): Value {
  const item = new HslArray();
  if (!(container instanceof HslArray))
    throw new Refusal(`nothing can be appended to ${typeName(container)}`);
  container.add(item);
  return item;
}

export function ownMember(base: Value, name: string, from: From): Value {
  const item = getMember(base, name, from);
  const own = ownArray(item);
  if (own !== item) setMember(base, name, own, from);
  return own;
}

/** Whether there was something under the key. */
export function unsetIndex(container: Value, key: Value): boolean {
  if (container instanceof HslArray) {
    const had = container.has(key);
    if (had) container.delete(key);
    return had;
  }
  if (!(container instanceof Instance)) return false;
  const had = getMember(container, toText(key), null) !== null;
  setMember(container, toText(key), null, null);
  return had;
}

export function getPath(base: Value, path: Value): Value {
  let value = base;
  for (const key of pathKeys(path)) value = getIndex(value, key);
  return value;
}

export function putPath(container: Value, path: Value, value: Value): void {
  const keys = pathKeys(path);
  let at = container;
  for (const key of keys.slice(0, -1)) at = ownItem(at, key, null);
  putIndex(at, keys.at(-1) ?? null, value, null);
}

function pathKeys(path: Value): readonly Value[] {
  if (!(path instanceof HslArray)) throw new Refusal(`a path is an array, not ${typeName(path)}`);
  return path.values();
}

/** `...$rest` in a pattern: what comes from this position on. */
export function restOf(value: Value, from: number): HslArray {
  if (!(value instanceof HslArray)) return new HslArray();
  meter.charge(value.size);
  const rest = new HslArray();
  for (const [key, item] of [...value.entries()].slice(from)) {
    if (typeof key === "number") rest.push(item);
    else rest.set(key, item);
  }
  return rest;
}

/** `...$args` in a call. */
export function spread(value: Value): readonly Value[] {
  if (!(value instanceof HslArray)) throw new Refusal(`... wants an array, not ${typeName(value)}`);
  meter.charge(value.size);
  return value.values().map((item) => share(item));
}

/** Array literals with keys or spreads. */
export class ArrayBuilder {
  readonly array = new HslArray();

  push(value: Value): this {
    this.array.push(value);
    return this;
  }

  set(key: Value, value: Value): this {
    this.array.set(key, value);
    return this;
  }

  spread(value: Value): this {
    if (!(value instanceof HslArray)) throw new Refusal(`... wants an array, not ${typeName(value)}`);
    for (const [key, item] of value.entries()) {
      if (typeof key === "number") this.array.push(item);
      else this.array.set(key, item);
    }
    return this;
  }
}
