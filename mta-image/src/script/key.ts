/**
 * What the items of an array are found by. Pure, but that long texts are paid for. Whoever takes a key out of a script's value asks `keyOf`, so that all
 * spellings of one key mean the same item.
 */
import { meter } from "./meter.ts";

export type Key = number | string;

/** Longer ones take time to be looked up. */
const LONG = 1024;

/** The key a value stands for: whole numbers and their texts are one key, fractions are cut; null is no key. */
export function keyOf(value: unknown): Key | null {
  if (typeof value === "number") {
    if (Number.isInteger(value)) return value === 0 ? 0 : value;
    return Number.isFinite(value) ? Math.trunc(value) + 0 : null;
  }
  if (typeof value === "string") {
    if (value.length > LONG) meter.charge(value.length >> 6);
    return isWhole(value) ? Number(value) : value;
  }
  if (typeof value === "boolean") return value ? 1 : 0;
  return null;
}

/** Exactly the texts that whole numbers print as. */
function isWhole(text: string): boolean {
  const first = text.charCodeAt(0);
  if (text.length === 0 || text.length > 16 || !(first === 45 || (first >= 48 && first <= 57))) return false;
  const number = Number(text);
  return Number.isSafeInteger(number) && String(number) === text;
}
