/** ScaleDownBlocked (pure): a slot should leave and cannot, or takes longer than the spec allows. True is the bad news. */
import { roundFigure } from "#operator/slots/round-figure.ts";
import type { Blocked, Waiting } from "#operator/slots/steps.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed } from "./judged.ts";

const sentences: Readonly<Record<Blocked, string>> = {
  QueueUnknown: "does not say what is in its queue",
  PodNotRunning: "holds mail but its pod does not run",
  ClaimLost: "lost its volume; set mailfleet.io/discard-mail=true on its claim to give the mail up",
  AnswerMissing: "is empty, and another pod that may have sent it mail does not answer",
  ListAlone: "is empty, and no other pod has fetched its part of the suppression list yet",
  NodeLost:
    "was on a node that does not answer and may still write to its volume; when the machine is surely off, taint the node with node.kubernetes.io/out-of-service=nodeshutdown:NoExecute or delete it",
  Fenced:
    "is fenced; take it out of mailfleet.io/fenced, or give its mail up by mailfleet.io/force-delete-slot",
  NoPeerReady: "goes on taking mail because no pod that stays is ready",
};

export function scaleDownBlocked(
  judged: Judged,
  options: { readonly leavingSince: ReadonlyMap<number, string>; readonly now: Date },
): VerdictOn<"ScaleDownBlocked"> {
  const waiting = judged.decision.waiting.filter(({ wakeAt }) => wakeAt === null);
  const blocked = waiting.flatMap(({ slot, blocked: reason }) => (reason === null ? [] : [{ slot, reason }]));
  const [first] = blocked;
  if (first !== undefined) {
    const texts = blocked.map(({ slot, reason }) => `slot ${slot} ${sentences[reason]}`);
    return { status: "True", reason: first.reason, message: listed(texts) };
  }
  if (waiting.length === 0) return { status: "False", reason: "NotLeaving", message: "no slot is leaving" };
  const { deadlineSeconds } = judged.spec.drain;
  const overdue = waiting.filter(({ slot }) => {
    const since = options.leavingSince.get(slot);
    return since !== undefined && options.now.getTime() - Date.parse(since) > deadlineSeconds * 1000;
  });
  if (overdue.length > 0) {
    const waits = overdue.map((slot) => waitsFor(slot, judged));
    const message = `after ${deadlineSeconds} s: ${listed(waits)}; to give the mail in it up, name the slot in the annotation mailfleet.io/force-delete-slot`;
    return { status: "True", reason: "Overdue", message };
  }
  return {
    status: "False",
    reason: "Draining",
    message: listed(waiting.map((slot) => waitsFor(slot, judged))),
  };
}

/** "slot 2 hands over 1500, and waits for outbound-0: full". */
function waitsFor({ slot }: Waiting, { slots }: Judged): string {
  const engine = slots.find((each) => each.slot === slot)?.pod?.engine ?? null;
  if (engine === null) return `slot ${slot} is being removed`;
  const { queue, handover, sessions, deliveries, spoolClosed, state } = engine;
  if (spoolClosed !== null) return `slot ${slot} closed its spool: ${spoolClosed}`;
  const reason = handover?.waitsFor ?? null;
  const because = reason === null ? "" : `, and waits for ${reason.slice(0, 200)}`;
  const verb = state === "Draining" ? "hands over" : "delivers";
  if (queue.total > 0) return `slot ${slot} ${verb} ${roundFigure(queue.total)}${because}`;
  if ((handover?.unanswered ?? 0) > 0) return `slot ${slot} waits for an answer${because}`;
  if (sessions > 0) return `slot ${slot} waits for sessions to end`;
  return `slot ${slot} ${deliveries > 0 ? "waits for deliveries to end" : "is being removed"}`;
}
