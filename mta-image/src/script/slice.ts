/**
 * Slices of texts and arrays, `[from:to:step]`, with positions from the end when negative, and writing to and
 * removing a slice of an array. A slice of an array is a list of its items, whatever their keys. Positions beyond the ends are cut; a step of 0 is refused.
 */
import { Refusal } from "./error.ts";
import { type Value, HslArray, share } from "./value.ts";
import { toNumber, typeName } from "./convert.ts";
import { meter } from "./meter.ts";

export function slice(base: Value, from: Value, to: Value, step: Value): Value {
  if (base === null) return null;
  if (typeof base === "string") {
    const { start, end, by } = bounds(base.length, from, to, step);
    if (by === 1) return base.slice(start, Math.max(start, end));
    const chosen = positions(start, end, by);
    return Buffer.from(chosen.map((at) => base.charCodeAt(at))).toString("latin1");
  }
  if (!(base instanceof HslArray)) throw new Refusal(`${typeName(base)} has no slices`);
  const { start, end, by } = bounds(base.size, from, to, step);
  const chosen = positions(start, end, by);
  const values = base.values();
  return new HslArray(chosen.map((at) => share(values[at] as Value)));
}

/** The array with the slice replaced; an array as value brings its items, anything else itself. Lists only. */
export function replaceSlice(base: Value, from: Value, to: Value, step: Value, value: Value): HslArray {
  const array = base === null ? new HslArray() : base;
  if (!(array instanceof HslArray) || !array.isList())
    throw new Refusal("only a list can be assigned to by slice");
  const { start, end, by } = bounds(array.size, from, to, step);
  if (by !== 1) throw new Refusal("a slice that is assigned to has no step");
  const values = [...array.values()];
  meter.allocate(values.length * 16);
  const items = value instanceof HslArray ? value.values() : [value];
  return HslArray.of([...values.slice(0, start), ...items, ...values.slice(Math.max(start, end))]);
}

/** The array without the slice. */
export function removeSlice(base: Value, from: Value, to: Value, step: Value): Value {
  if (!(base instanceof HslArray)) return base;
  const { start, end, by } = bounds(base.size, from, to, step);
  const gone = new Set(positions(start, end, by));
  const kept = [...base.entries()].filter((_, at) => !gone.has(at));
  return base.isList() ? HslArray.of(kept.map(([, value]) => value)) : HslArray.from(kept);
}

function bounds(
  length: number,
  from: Value,
  to: Value,
  step: Value,
): { start: number; end: number; by: number } {
  const by = step === null ? 1 : Math.trunc(toNumber(step));
  if (by === 0) throw new Refusal("the step of a slice cannot be 0");
  const low = by > 0 ? 0 : -1;
  const high = by > 0 ? length : length - 1;
  const clamp = (value: Value, fallback: number): number => {
    if (value === null) return fallback;
    const at = Math.trunc(toNumber(value)) || 0;
    return Math.min(Math.max(at < 0 ? at + length : at, low), high);
  };
  return { start: clamp(from, by > 0 ? 0 : length - 1), end: clamp(to, by > 0 ? length : -1), by };
}

function positions(start: number, end: number, by: number): number[] {
  meter.allocate(Math.max(0, Math.ceil((end - start) / by)) * 16);
  const result: number[] = [];
  for (let at = start; by > 0 ? at < end : at > end; at += by) result.push(at);
  return result;
}
