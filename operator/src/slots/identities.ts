/**
 * Which slot holds which identity of the cluster (pure). An identity is written on the claim of its slot before a pod is
 * made with it, and stays there as long as the claim. So it is fenced as the spool is: it is free again only when claim
 * and pod are gone, and a claim outlives its pod, the operator, and a node that does not answer. What a pod was made
 * with counts as well, until that pod is gone.
 */
import type { ObservedSlot } from "./observed.ts";

export interface IdentityPlan {
  /** What the pod of a slot is to be made with; null: it has none, and no pod is made. */
  readonly of: ReadonlyMap<number, string>;
  /** To be written on claims first. */
  readonly assign: ReadonlyMap<number, string>;
  /** Slots that are wanted and for which nothing is free. */
  readonly without: readonly number[];
}

/** `identities` in the order of the spec; `staying` are the slots that are wanted. */
export function planIdentities(
  identities: readonly string[],
  slots: readonly ObservedSlot[],
  staying: readonly number[],
): IdentityPlan {
  const holders = holdersOf(slots);
  const wanted = new Set(staying);
  const of = new Map<number, string>();
  for (const [identity, slot] of holders) if (identities.includes(identity)) of.set(slot, identity);
  const taken = new Set([...holders.keys(), ...slots.flatMap(({ pod }) => pod?.identity ?? [])]);
  const free = identities.filter((identity) => !taken.has(identity));
  const assign = new Map<number, string>();
  const without: number[] = [];
  for (const slot of staying) {
    if (of.has(slot)) continue;
    const claim = slots.find((each) => each.slot === slot)?.claim ?? null;
    const next = free.shift();
    if (next === undefined) without.push(slot);
    // A claim that is missing is made first.
    else if (claim !== null && !claim.isTerminating && wanted.has(slot)) assign.set(slot, next);
  }
  return { of, assign, without };
}

/** By identity. Of several claims with the same one that counts whose pod has it, else the lowest slot's. */
function holdersOf(slots: readonly ObservedSlot[]): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  const claimed = slots.flatMap(({ slot, claim, pod }) =>
    claim?.identity == null
      ? []
      : [{ slot, identity: claim.identity, isUsed: pod?.identity === claim.identity }],
  );
  for (const { slot, identity } of [...claimed.filter(({ isUsed }) => isUsed), ...claimed])
    if (!holders.has(identity)) holders.set(identity, slot);
  return holders;
}
