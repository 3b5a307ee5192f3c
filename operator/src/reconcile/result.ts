/**
 * What a pass of a reconciler ends with. Either the world is as wanted and only a change (or the periodic
 * relist) wakes this key again, or it should be looked at after a time because something is under way that no
 * watch reports (a drain, a bake time). A failure is thrown, never returned: the controller then backs off.
 */
import type { Key } from "#operator/cache/key.ts";

export type { Key };

export type Result =
  | { readonly kind: "done" }
  | { readonly kind: "again"; readonly afterMs: number; readonly reason: string };

/**
 * One pass for one key. It reads the world anew each time and must be safe to repeat at any point. `signal`
 * aborts at the pass's deadline and when leadership is lost; after that no write may start.
 */
export type Reconciler = (key: Key, signal: AbortSignal) => Promise<Result>;

export const done: Result = { kind: "done" };

export function again(afterMs: number, reason: string): Result {
  return { kind: "again", afterMs, reason };
}

/** Of several wishes to look again the earliest counts. */
export function soonest(results: readonly Result[]): Result {
  return results.reduce(
    (first, next) =>
      next.kind === "again" && (first.kind === "done" || next.afterMs < first.afterMs) ? next : first,
    done,
  );
}
