/**
 * Which engines are to be told their share in the limits of the cluster (pure). Each pod that may send mail has an
 * equal part: also one that leaves or does not answer, since it sends what it has all the same. So the parts never
 * add up to more than the whole once all have heard.
 *
 * `told` is what this operator has told, by uid of the pod; engines remember it themselves while no operator runs.
 * A process that has started anew is told again. When nothing changes, nobody is told anything.
 */
import type { Shares } from "#contract/rules-api.ts";

import type { ObservedPod, ObservedSlot } from "./observed.ts";

export interface ShareOrder {
  readonly slot: number;
  readonly pod: ObservedPod & { readonly ip: string };
  readonly shares: Shares;
  /** What to remember once it is taken. */
  readonly key: string;
}

/** In the order of the slots. */
export function decideShares(
  slots: readonly ObservedSlot[],
  told: ReadonlyMap<string, string>,
): readonly ShareOrder[] {
  const live = slots.flatMap(({ slot, pod }) => (pod?.phase === "Running" ? [{ slot, pod }] : []));
  return live.flatMap(({ slot, pod }): ShareOrder[] => {
    if (!canHear(pod)) return [];
    const key = `1/${live.length} since ${pod.engine?.startedAt}`;
    const shares = { shares: { n: 1, of: live.length } };
    return told.get(pod.uid) === key ? [] : [{ slot, pod, shares, key }];
  });
}

function canHear(pod: ObservedPod): pod is ObservedPod & { readonly ip: string } {
  return pod.ip !== null && pod.engine !== null && pod.engine.state !== "Stopping";
}
