/** What the compiler hands in to whoever resolves a program. */
import type { Expression } from "./ast.ts";
import type { Host } from "./host.ts";
import type { TextBudget } from "./limits.ts";
import type { Loader } from "./module.ts";
import type { Sources } from "./source.ts";
import type { Value } from "./value.ts";

export interface Surroundings {
  readonly host: Host;
  readonly loader: Loader;
  readonly sources: Sources;
  readonly budget: TextBudget;
  readonly report: (at: number, message: string) => void;
  /** Turns a data file into a value; throws an Error whose message says what is wrong with it. */
  readonly data: (path: string, text: string, options: Value) => Value;
  /** The value of an expression that needs no running; undefined for others. */
  readonly constant: (expression: Expression) => Value | undefined;
}
