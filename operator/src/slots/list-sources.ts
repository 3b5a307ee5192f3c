/**
 * From whom each engine fetches the suppression list of its cluster (pure): in the ring of pods by slot the next one, and those
 * 2, 4, 8 ... places on. So a row is on a second volume after one round and everywhere after as many rounds as there
 * are sources, and pods that come and go change the sources of few others (docs/decisions/0016).
 */
import type { ObservedPod, ObservedSlot } from "./observed.ts";

type Reachable = ObservedPod & { readonly ip: string };

export interface SourcesOrder {
  readonly pod: Reachable;
  readonly sources: readonly Reachable[];
}

/** `idOf`: how an engine tells whom it follows. */
export function decideSources(
  slots: readonly ObservedSlot[],
  idOf: (pod: Reachable) => string,
): readonly SourcesOrder[] {
  const ring = slots
    .toSorted((a, b) => a.slot - b.slot)
    .flatMap(({ pod }) => (pod !== null && mayShare(pod) ? [pod] : []));
  return ring.flatMap((pod, place) => {
    const known = pod.engine?.suppression;
    if (known == null) return [];
    const sources = sourcesOf(ring, place);
    return sources.map(idOf).join("\n") === known.sources.join("\n") ? [] : [{ pod, sources }];
  });
}

/** Something was written on this pod alone, and there is one that can fetch it. */
export function isListAlone({ slot, pod }: ObservedSlot, slots: readonly ObservedSlot[]): boolean {
  return pod?.engine?.suppression?.unshared === true && canBeFetched(slot, slots);
}

/** With this pod's volume the cluster would lose its list. */
export function isLastList({ slot, pod }: ObservedSlot, slots: readonly ObservedSlot[]): boolean {
  return (pod?.engine?.suppression?.size ?? 0) > 0 && !canBeFetched(slot, slots);
}

function canBeFetched(slot: number, slots: readonly ObservedSlot[]): boolean {
  return slots.some(
    (other) => other.slot !== slot && other.pod?.engine?.suppression != null && mayShare(other.pod),
  );
}

function sourcesOf(ring: readonly Reachable[], place: number): readonly Reachable[] {
  const steps = Array.from({ length: Math.ceil(Math.log2(ring.length)) }, (_, power) => 2 ** power);
  return steps.map((step) => ring[(place + step) % ring.length] as Reachable);
}

/** One that does not answer may do so in a moment; one that says that it has no list has none. */
function mayShare(pod: ObservedPod): pod is Reachable {
  const isOff = pod.engine !== null && pod.engine.suppression == null;
  return pod.ip !== null && pod.phase === "Running" && !pod.isTerminating && !isOff;
}
