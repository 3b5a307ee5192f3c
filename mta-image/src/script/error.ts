/**
 * The ways a script goes wrong without a value: `CompileError` lists what is wrong in the source before anything ran,
 * a `Refusal` may be caught by the script, a `BudgetError` may not. What scripts throw themselves is in thrown.ts.
 */
/** One place in a script, for people. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Diagnostic extends Place {
  readonly message: string;
  /** The statements that brought the file in, the nearest first; none for what stands in the script itself. */
  readonly path: readonly Place[];
}

/** Nobody reads more; to find the place of each of many thousand in one long line would take minutes. */
export const MOST_DIAGNOSTICS = 100;

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

/** A host function or operator that refuses its operands; becomes an Exception when a script catches it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** A limit was reached; no script can catch it. */
export class BudgetError extends Error {
  override readonly name = "BudgetError";
}
