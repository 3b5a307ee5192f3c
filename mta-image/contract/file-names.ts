/**
 * What the files of a configuration are called: the standard names, and the names that their users know, where those are others.
 * Problems bear the latter, so that the place is found (pure).
 */
import type { Problem } from "./admin-api.ts";

export const startupFile = "smtpd.yaml";
export const appFile = "smtpd-app.yaml";
export const policyFile = "smtpd-policy.yaml";
export const suspendFile = "smtpd-suspend.yaml";

/** By the standard name; one that has no other is left out. */
export type FileNames = ReadonlyMap<string, string>;

export function underNames(problems: readonly Problem[], names: FileNames): readonly Problem[] {
  return problems.map((problem) => ({ ...problem, file: names.get(problem.file) ?? problem.file }));
}
