/**
 * The files that a run holds open, so that a script that forgets to close them leaves none behind: they are closed when it ends,
 * however it does. Whoever has one for longer can read it all the same (ByteSource). Those that hold nothing do not count.
 */
import type { RunContext } from "../context.ts";
import { Refusal } from "../error.ts";
import type { ByteSource } from "../mail/pieces.ts";

/** The process has a thousand or more, and some hundred runs may be under way. */
const MOST_OPEN = 64;

const held = new WeakMap<RunContext, Set<ByteSource>>();

/** Until the run ends or the function that it gives is called. A Refusal when the run has too many open. */
export function hold(context: RunContext, source: ByteSource): () => void {
  if (source.release === undefined) return () => {};
  const all = heldBy(context);
  if (all.size >= MOST_OPEN) {
    source.release();
    throw new Refusal(
      `a script may have ${MOST_OPEN} large files open at once: close() those that it is done with`,
    );
  }
  all.add(source);
  return () => {
    all.delete(source);
    source.release?.();
  };
}

function heldBy(context: RunContext): Set<ByteSource> {
  const known = held.get(context);
  if (known !== undefined) return known;
  const all = new Set<ByteSource>();
  held.set(context, all);
  context.signal.addEventListener("abort", () => {
    for (const source of all) source.release?.();
    all.clear();
  });
  return all;
}
