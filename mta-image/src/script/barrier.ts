/**
 * The statement barrier: the run that holds a named lock keeps it to the end of the block, or to its own end when the block never comes to
 * one, as in a generator that nobody walks over any more. A run that asks for what it holds would wait for itself, and is refused.
 */
import { enter as wait, leave as handOn } from "./calls.ts";
import type { RunContext } from "./context.ts";
import { Refusal } from "./error.ts";
import { running } from "./running.ts";
import type { Routine, Value } from "./value.ts";

/** What runs hold, with the shared value as it was when they came. */
const held = new WeakMap<RunContext, Map<string, Value>>();

export function* enter(name: string): Routine {
  const mine = heldBy(running.c);
  if (mine.has(name)) throw new Refusal(`the barrier ${name} is held by this script already`);
  const value = (yield* wait(name)) as Value;
  mine.set(name, value);
  return value;
}

export function leave(name: string, value: Value): void {
  if (heldBy(running.c).delete(name)) handOn(name, value);
}

function heldBy(context: RunContext): Map<string, Value> {
  const known = held.get(context);
  if (known !== undefined) return known;
  const mine = new Map<string, Value>();
  held.set(context, mine);
  const { shared, signal } = context;
  signal.addEventListener("abort", () => {
    for (const [name, value] of mine) shared.leave(name, value);
    mine.clear();
  });
  return mine;
}
