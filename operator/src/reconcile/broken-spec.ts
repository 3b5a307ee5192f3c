/**
 * The status of a MailCluster whose spec this version of the operator does not understand (pure): everything that was known
 * stays, and two conditions say that nothing will move.
 */
import type { Condition } from "#crds/conditions.ts";
import type { CustomObject } from "#operator/kube/objects.ts";
import { wholeSeconds } from "#operator/kube/times.ts";
import { conditions } from "#operator/status/conditions.ts";

export function brokenSpecStatus(object: CustomObject, message: string, now: Date): unknown {
  const before = (object.status ?? {}) as { conditions?: readonly Condition[] };
  const previous = Array.isArray(before.conditions) ? before.conditions : [];
  const generation = object.metadata.generation ?? 0;
  const verdicts = {
    Ready: { status: "False", reason: "SpecBroken", message },
    Stalled: { status: "True", reason: "SpecBroken", message },
    Reconciling: { status: "False", reason: "SpecBroken", message },
  } as const;
  const told = conditions(verdicts, { previous, generation, now: wholeSeconds(now.getTime()) });
  const others = previous.filter(({ type }) => !(type in verdicts));
  return { ...before, observedGeneration: generation, conditions: [...told, ...others] };
}
