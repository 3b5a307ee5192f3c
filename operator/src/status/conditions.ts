/**
 * Conditions in general (pure): their shape while they are being judged, and how they become the list in the
 * status. `lastTransitionTime` moves only when `status` does; reason and message may change under it.
 */
import type { Condition, MailClusterConditionType, ReasonOf } from "#crds/conditions.ts";

/** What a judging file says; time and generation are added to all alike. */
export interface Verdict<R extends string = string> {
  readonly status: "True" | "False" | "Unknown";
  readonly reason: R;
  readonly message: string;
}

export type VerdictOn<T extends MailClusterConditionType> = Verdict<ReasonOf<T>>;

export function conditions(
  verdicts: Readonly<Record<string, Verdict>>,
  options: {
    readonly previous: readonly Condition[];
    readonly generation: number;
    /** ISO time of the pass, in whole seconds. */
    readonly now: string;
  },
): Condition[] {
  return Object.entries(verdicts).map(([type, { status, reason, message }]) => {
    const before = options.previous.find((condition) => condition.type === type);
    const lastTransitionTime =
      before !== undefined && before.status === status ? before.lastTransitionTime : options.now;
    return {
      type,
      status,
      observedGeneration: options.generation,
      lastTransitionTime,
      reason,
      message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 2)} …` : message,
    };
  });
}

/** A message is read by people; what does not fit is in the events and logs. */
const MAX_MESSAGE = 1024;
