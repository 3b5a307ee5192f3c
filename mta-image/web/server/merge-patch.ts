/**
 * What makes one value of another as a JSON Merge Patch (RFC 7386, pure): objects by key, with null for what is gone; lists and
 * everything else whole. A value that is null cannot be told from one that is gone, and configurations have none.
 */
import { isDeepStrictEqual } from "node:util";

/** Undefined: nothing differs. */
export function mergePatch(before: unknown, after: unknown): unknown {
  if (!isObject(before) || !isObject(after)) return isDeepStrictEqual(before, after) ? undefined : after;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changes = names.flatMap((name) => {
    if (!Object.hasOwn(after, name)) return [[name, null] as const];
    const change = Object.hasOwn(before, name) ? mergePatch(before[name], after[name]) : after[name];
    return change === undefined ? [] : [[name, change] as const];
  });
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
