/**
 * The one base class of failures: the environment is broken or refuses us. Outcomes (the world said no) are
 * values, bugs are assertions; neither uses this class. `code` is stable and documented in docs/errors.md,
 * `transient` says whether trying again can help, `message` may be shown to a user and holds no secret.
 */
export class Failure extends Error {
  override readonly name: string = "Failure";
  readonly code: string;
  readonly transient: boolean;

  constructor(code: string, message: string, options: { transient?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.transient = options.transient ?? true;
  }
}

/** The text of anything thrown, for a log line or a condition message. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
