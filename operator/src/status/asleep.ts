/** Paused and Hibernated (pure): what people asked for by annotation. */
import type { VerdictOn } from "./conditions.ts";
import type { Judged } from "./judged.ts";

export function paused({ wishes }: Judged): VerdictOn<"Paused"> {
  return wishes.isPaused
    ? {
        status: "True",
        reason: "Paused",
        message: "nothing is changed until the annotation mailfleet.io/paused is removed",
      }
    : { status: "False", reason: "NotPaused", message: "the operator acts" };
}

export function hibernated({ wishes, slots, scaled, decision }: Judged): VerdictOn<"Hibernated"> {
  if (!wishes.isHibernating)
    return { status: "False", reason: "Awake", message: "the cluster is not to hibernate" };
  if (slots.length === 0)
    return { status: "True", reason: "Hibernated", message: `no pod is left; ${scaled.size} come back` };
  const asleep = decision.waiting.filter(({ wakeAt }) => wakeAt !== null).length;
  if (asleep === slots.length) {
    const message = `no pod is left; ${asleep} volumes keep mail that is not due yet, and wake for it; ${scaled.size} pods come back`;
    return { status: "True", reason: "Hibernated", message };
  }
  const message = `${slots.length - asleep} slots leave when their queues are empty`;
  return { status: "False", reason: "FallingAsleep", message };
}
