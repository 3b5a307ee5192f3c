/**
 * What the emitters of functions, statements and expressions need of the program they are part of; emit.ts is it.
 */
import type { Expression, FunctionNode } from "./ast.ts";
import type { HostFunction } from "./host.ts";
import type { Fn, Program, Unit } from "./program.ts";
import type { Value } from "./value.ts";

export type MakeRegex = (pattern: string, flags: string, at: number) => Value;

export type Report = (at: number, message: string) => void;

export interface ProgramOut {
  readonly program: Program;
  readonly makeRegex: MakeRegex;
  readonly report: Report;
  /** Says that code names a variable that outlives its function. */
  names(field: string): void;
  /** A constant without a text: the name it has in the code. */
  constant(value: unknown): string;
  /** The function of a closure, as an expression. */
  closure(node: FunctionNode): string;
  /** What is told when a script comes by this place: the name it has in the code. */
  probe(at: number): string | null;
  /** A named function as a value. */
  value(fn: Fn | HostFunction): string;
  /** What runs before the body of a unit: data imports and static properties. */
  prologue(unit: Unit, main: Writer): string;
}

/** The part of a function's emitter that `prologue` writes with. */
export interface Writer {
  variable(name: string): string;
  hold(node: Expression): string;
}
