/**
 * Writes that the API server refuses for good: a quota, an admission rule, a storage class that cannot grow volumes, a name
 * that somebody else uses. The pass goes on without them, the status says what was refused in the server's own words,
 * and the same write is tried again after a while, or at once when the spec has changed. Whatever else fails ends the pass.
 */
import { describe } from "#base/error.ts";
import { isKubeFailure } from "#operator/kube/errors.ts";
import type { Refused } from "#operator/status/judged.ts";

import type { Observed } from "./observe.ts";
import type { Tools } from "./tools.ts";

/** False: it was refused, now or lately. */
export async function attempt(
  tools: Pick<Tools, "memory" | "clock" | "log">,
  { key, generation }: Pick<Observed, "key" | "generation">,
  what: { readonly id: string; readonly kind: Refused["kind"]; readonly slot: number | null },
  act: () => Promise<void>,
): Promise<boolean> {
  const { refusals } = tools.memory.of(key);
  const now = tools.clock.monotonic();
  if (refusals.isHeld(what.id, generation, now)) return false;
  try {
    await act();
    refusals.clear(what.id);
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const message = describe(error);
    tools.log.warn({ ...key, what: what.id, reason: message }, "write-refused");
    refusals.note(what.id, { kind: what.kind, slot: what.slot, message, generation, at: now });
    return false;
  }
}

function isRefusal(error: unknown): boolean {
  if (!isKubeFailure(error)) return false;
  // A write that comes too late, after leadership was lost, is refused here and may be made by somebody else.
  const isFinal = (error.code === "refused" || error.code === "invalid") && !error.transient;
  return isFinal || error.code === "already-exists";
}
