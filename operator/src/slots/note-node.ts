/**
 * Writes on the claim of a slot where its pod runs (pure), also of one that leaves: when the pod's object is gone, only the
 * claim tells which node may still have the spool open.
 */
import type { ObservedSlot } from "./observed.ts";
import type { Step } from "./steps.ts";

export function noteNode({ slot, pod, claim }: ObservedSlot): Step[] {
  const node = pod?.node ?? null;
  if (claim === null || node === null || node.state === "Unknown") return [];
  return claim.lastNode?.name === node.name ? [] : [{ kind: "note-node", slot, claim, node: node.name }];
}
