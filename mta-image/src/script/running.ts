/**
 * The script that runs at this moment: compiled code and host functions find its context and global variables here.
 * Scripts take turns on one thread; the machine sets both whenever one goes on.
 */
import type { RunContext } from "./context.ts";
import type { Value } from "./value.ts";

export const running: { c: RunContext; g: Record<string, Value> } = {
  c: null as unknown as RunContext,
  g: {},
};
