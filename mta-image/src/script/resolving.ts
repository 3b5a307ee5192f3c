/** What the parts of the resolver may ask of the walk that they are part of (resolve.ts). */
import type { Expression, FunctionNode } from "./ast.ts";
import type { Files } from "./files.ts";
import type { HostFunction } from "./host.ts";
import type { Cls, Fn } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";

export interface Resolving {
  readonly around: Surroundings;
  readonly values: Set<Fn | HostFunction>;
  readonly files: Files;
  addFunction(name: string, node: FunctionNode, place: ConstructorParameters<typeof Fn>[2]): Fn;
  addClass(cls: Cls): void;
  /** After everything is declared. */
  later(check: () => void): void;
  body(fn: Fn): void;
  expression(fn: Fn, expression: Expression): void;
}
