/**
 * The files under the names that their users know, where those are not the standard ones: problems bear them, so that the place
 * is found (pure).
 */
import type { Problem } from "./admin-api.ts";

/** By the standard name; one that has no other is left out. */
export type FileNames = ReadonlyMap<string, string>;

export function underNames(problems: readonly Problem[], names: FileNames): readonly Problem[] {
  return problems.map((problem) => ({ ...problem, file: names.get(problem.file) ?? problem.file }));
}
