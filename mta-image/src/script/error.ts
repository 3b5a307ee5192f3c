/**
 * The ways a script goes wrong. `Thrown` carries what a script or a host function threw and may be caught by the
 * script; `BudgetError` may not. `CompileError` lists what is wrong in the source before anything ran. All of them
 * leave the room only as these classes; machine.ts adds the script stack.
 */
import type { Value } from "./value.ts";

/** One place in a script, for people. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Diagnostic extends Place {
  readonly message: string;
}

export interface Frame extends Place {
  readonly name: string;
}

export class CompileError extends Error {
  override readonly name = "CompileError";
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(
      diagnostics
        .map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`)
        .join("\n"),
    );
    this.diagnostics = diagnostics;
  }
}

/** A value on its way to a catch. Its JavaScript stack is read for places when somebody asks. */
export class Thrown extends Error {
  override readonly name = "Thrown";
  readonly value: Value;

  constructor(value: Value, message: string) {
    super(message);
    this.value = value;
  }
}

/** A host function or operator that refuses its operands; becomes an Exception when a script catches it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** A limit was reached; no script can catch it. */
export class BudgetError extends Error {
  override readonly name = "BudgetError";
}

/** What a run ends with when it fails: where, and what was being called. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
  readonly kind: "thrown" | "budget" | "bug";
  /** What the script threw; none unless `kind` is thrown. */
  readonly value: Value;
  /** Innermost first. */
  readonly frames: readonly Frame[];

  constructor(
    kind: ScriptError["kind"],
    message: string,
    value: Value,
    frames: readonly Frame[],
    cause: unknown,
  ) {
    super(message, { cause });
    this.kind = kind;
    this.value = value;
    this.frames = frames;
  }

  describe(): string {
    const at = this.frames.map(({ name, file, line, column }) => `  at ${name} (${file}:${line}:${column})`);
    return [this.message, ...at].join("\n");
  }
}
