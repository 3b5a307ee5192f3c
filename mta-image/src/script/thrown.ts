/**
 * `Thrown` carries what a script or a host function threw and may be caught by the script; `ScriptError` is how a run
 * that failed tells its caller, with the script stack that machine.ts adds.
 */
import type { Frame } from "./error.ts";
import type { Value } from "./value.ts";

/** A value on its way to a catch. Its JavaScript stack is read for places when somebody asks. */
export class Thrown extends Error {
  override readonly name = "Thrown";
  readonly value: Value;

  constructor(value: Value, message: string) {
    super(message);
    this.value = value;
  }
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
