/**
 * Gives back what starting up has left. V8 collects an idle program's garbage only when new garbage comes, so a program
 * that has just started would keep about a fifth of its memory for hours. With the garbage goes V8's compiled form of what only
 * the start has run, which it would keep for six more collections (the flag's name is of V8's own tests): what is needed again is
 * compiled again with its next call. Called once, when a program is up.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Blocks for some 10 ms, and longer with all that the program holds: half a second for 200,000 queued messages. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  setFlagsFromString("--stress-flush-code");
  const collect = runInNewContext("gc") as (options: Readonly<Record<string, string>>) => void;
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
  setFlagsFromString("--no-stress-flush-code");
  setFlagsFromString("--no-expose-gc");
}
