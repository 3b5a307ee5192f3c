/** Waits until something is true, and fails with what was last seen when it never becomes so, on the slowest machine. */
import { setTimeout as wait } from "node:timers/promises";

export async function until<T>(
  look: () => T | Promise<T>,
  isRight: (seen: T) => boolean,
  patienceMs = 60_000,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (isRight(seen)) return seen;
    if (performance.now() > end) throw new Error(`never became right; last seen: ${JSON.stringify(seen)}`);
    await wait(10);
  }
}
