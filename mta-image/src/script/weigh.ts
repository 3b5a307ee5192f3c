/** How much room a value takes. Each array is looked at once, however often it stands in the value. Pure; never throws. */
import { type Value, HslArray } from "./value.ts";

/** A number, or what any value takes beside what it consists of. */
const PLAIN_BYTES = 16;
const ITEM_BYTES = 40;
/** What an object of the host takes that is not in the value itself, such as a certificate. */
const OBJECT_BYTES = 1024;

/** In bytes, to the nearest few. */
export function weigh(value: Value): number {
  const seen = new Set<HslArray>();
  const open: Value[] = [value];
  let bytes = 0;
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    bytes += PLAIN_BYTES;
    if (typeof item === "string") bytes += item.length;
    else if (!(item instanceof HslArray))
      bytes += typeof item === "object" && item !== null ? OBJECT_BYTES : 0;
    else if (!seen.has(item)) {
      seen.add(item);
      for (const [key, inner] of item.entries()) {
        bytes += ITEM_BYTES + (typeof key === "string" ? key.length : 0);
        open.push(inner);
      }
    }
  }
  return bytes;
}
