/** A configuration that reads well and cannot be used all the same: every problem, with its file and place. */
import { Failure } from "#base/error.ts";
import type { Problem } from "#contract/admin-api.ts";

export class ConfigFailure extends Failure {
  override readonly name = "ConfigFailure";
  readonly problems: readonly Problem[];

  constructor(code: string, problems: readonly Problem[]) {
    super(code, problems.map(({ file, path, reason }) => `${file}: ${path}: ${reason}`).join("; "), {
      transient: false,
    });
    this.problems = problems;
  }
}
