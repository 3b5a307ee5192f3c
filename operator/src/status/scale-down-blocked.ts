/** ScaleDownBlocked (pure): a slot should leave and cannot. True is the bad news. */
import type { Blocked } from "#operator/slots/steps.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed } from "./judged.ts";

const sentences: Readonly<Record<Blocked, string>> = {
  QueueUnknown: "does not say what is in its queue",
  PodNotRunning: "holds mail but its pod does not run",
  ClaimLost: "lost its volume; set mailfleet.io/discard-mail=true on its claim to give the mail up",
  NoPeerReady: "goes on taking mail because no pod that stays is ready",
};

export function scaleDownBlocked({ decision, slots }: Judged): VerdictOn<"ScaleDownBlocked"> {
  const blocked = decision.waiting.flatMap(({ slot, blocked: reason }) =>
    reason === null ? [] : [{ slot, reason }],
  );
  const [first] = blocked;
  if (first !== undefined) {
    const texts = blocked.map(({ slot, reason }) => `slot ${slot} ${sentences[reason]}`);
    return { status: "True", reason: first.reason, message: listed(texts) };
  }
  if (decision.waiting.length === 0)
    return { status: "False", reason: "NotLeaving", message: "no slot is leaving" };
  const texts = decision.waiting.map(({ slot }) => {
    const queued = slots.find((each) => each.slot === slot)?.pod?.engine?.queue.total ?? 0;
    return queued > 0 ? `slot ${slot} delivers what it has` : `slot ${slot} is being removed`;
  });
  return { status: "False", reason: "Draining", message: listed(texts) };
}
