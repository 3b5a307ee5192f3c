/**
 * What the parts of the resolver share: the surroundings that the compiler hands in, and what calls and classes may
 * ask of the walk that they are part of (resolve.ts).
 */
import type { Expression, FunctionNode } from "./ast.ts";
import type { Host, HostFunction } from "./host.ts";
import type { Loader } from "./module.ts";
import type { Cls, Fn } from "./program.ts";
import type { TextBudget } from "./limits.ts";
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

export interface Resolving {
  readonly around: Surroundings;
  readonly values: Set<Fn | HostFunction>;
  addFunction(name: string, node: FunctionNode, place: ConstructorParameters<typeof Fn>[2]): Fn;
  addClass(cls: Cls): void;
  /** After everything is declared. */
  later(check: () => void): void;
  body(fn: Fn): void;
  expression(fn: Fn, expression: Expression): void;
}
