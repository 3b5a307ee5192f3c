/** Small pieces of emitted text that all emitters share. Pure. */
import type { Cls, Fn } from "./program.ts";

/** Begins a new line of emitted code that stands for this place. */
export function mark(at: number): string {
  return `\u0001${at}\u0002`;
}

export function constructName(cls: Cls): string {
  return cls.js.replace("c$", "n$");
}

/** The expression that makes the function value of a script function. */
export function functionObject(fn: Fn, code: string): string {
  const way = fn.suspends && !fn.node.generator ? "routine" : "plain";
  return `new HslFunction(${JSON.stringify(fn.name)},${fn.least},${fn.most},"${way}",${code})`;
}
