/** Assertions for our own mistakes. A failing one is a bug: the unit of work is given up and logged loudly. */
export function assert(condition: unknown, statement: string): asserts condition {
  if (!(condition as boolean)) throw new Error(`bug: ${statement}`);
}

/** Ends a switch over a tagged union; the compiler complains when a kind is missing. */
export function unreachable(value: never): never {
  throw new Error(`bug: unexpected ${JSON.stringify(value)}`);
}
