/**
 * Outcomes by the word of scripts: of a recipient that was not tried, and of one that was, changed by the script behind
 * attempts. Pure. A recipient that was delivered stays so, whatever a script says.
 */
import type { AfterAnswer, BeforeAnswer } from "../hooks/queue-hooks.ts";
import type { QueueWish } from "../hooks/queue-wish.ts";
import type { Outcome, RetryOrder } from "../queue/courier.ts";
import { oneLine } from "./outcome.ts";

/** Of a recipient that a plugin has sent back at a door of the queue; nobody has replied, so there is no code. */
export const givenBack: Outcome = {
  kind: "deferred",
  reply: "A plugin gave it back",
  status: "4.7.0",
  remoteMta: "",
};

export function insteadOfTry(before: Exclude<BeforeAnswer, { kind: "try" }>): Outcome {
  const { reason: said, words } = before;
  const outcome = (kind: Outcome["kind"], status: string, usual: string): Outcome => ({
    kind,
    status,
    reply: oneLine(said ?? usual),
    remoteMta: "",
    ...(words === null ? {} : { words }),
  });
  if (before.kind === "delete")
    return { ...outcome("failed", "5.7.1", "Dropped by a script"), order: { kind: "delete" } };
  if (before.kind === "queue")
    return { ...outcome("deferred", "4.7.1", "Put off by a script"), order: retryOrder(before) };
  return outcome("failed", "5.7.1", "Returned by a script");
}

export function changed(outcome: Outcome, after: AfterAnswer): Outcome {
  if (outcome.kind === "delivered" || after.kind === "default") return outcome;
  if (after.kind === "delete") return { ...outcome, order: { kind: "delete" } };
  const { reason, words } = after;
  const reply = reason === null ? outcome.reply : oneLine(reason);
  const { order: _, ...rest } = outcome;
  const said = { ...rest, reply, ...(words === null ? {} : { words }) };
  if (after.kind === "bounce") return { ...said, kind: "failed", status: inClass("5", outcome.status) };
  const kind = outcome.kind === "unclear" ? "unclear" : "deferred";
  return { ...said, kind, status: inClass("4", outcome.status), order: retryOrder(after) };
}

function retryOrder({ delayMs, isHeld, counted, transportId }: QueueWish): RetryOrder {
  return {
    kind: "retry",
    delayMs,
    ...(isHeld ? { isHeld } : {}),
    ...(counted === "more" ? {} : { counted }),
    ...(transportId === null ? {} : { transportId }),
  };
}

function inClass(digit: string, status: string): string {
  return `${digit}${status.slice(1)}`;
}

export function withMetadata(outcome: Outcome, metadata: BeforeAnswer["metadata"]): Outcome {
  return metadata === null ? outcome : { ...outcome, metadata };
}
