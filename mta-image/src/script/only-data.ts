/** What of a value may outlive its run. Each array is looked at once, however often it stands in the value. Never throws. */
import { type Value, HostObject, HslArray } from "./value.ts";

/** Whether there are no functions, iterators and objects of scripts in it: those belong to their run. */
export function isOnlyData(value: Value): boolean {
  const seen = new Set<HslArray>();
  const open: Value[] = [value];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (item instanceof HslArray) {
      if (seen.has(item)) continue;
      seen.add(item);
      for (const inner of item.values()) open.push(inner);
    } else if (typeof item === "object" && item !== null && !(item instanceof HostObject)) return false;
  }
  return true;
}

/** The value, or none when something in it belongs to its run. */
export function onlyData(value: Value): Value {
  return isOnlyData(value) ? value : null;
}
