/**
 * Names of traces and spans (W3C Trace Context), made from ids that mail carries anyway (pure). So a delivery days later,
 * after a restart or by another engine, joins the trace of the session that brought the message, and nothing is stored for
 * it. The same message has the same trace everywhere, and whether it is sampled is the same decision everywhere.
 */
import { createHash } from "node:crypto";

import type { SpooledMessage } from "../spool/spool.ts";

/** 32 hex digits. Mail without a session is a trace of its own. */
export function traceOf({ id, origin }: Pick<SpooledMessage, "id" | "origin">): string {
  return traceOfSession(origin.sessionId === "" ? id : origin.sessionId);
}

export function traceOfSession(sessionId: string): string {
  return digest(`trace ${sessionId}`).slice(0, 32);
}

/** 16 hex digits. */
export function spanOf(kind: "session" | "message", id: string): string {
  return digest(`${kind} ${id}`).slice(0, 16);
}

export function isSampled(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) < ratio * 0x1_0000_0000;
}

/** The `traceparent` of a message's span. */
export function traceparentOf(message: Pick<SpooledMessage, "id" | "origin">, ratio: number): string {
  const traceId = traceOf(message);
  return `00-${traceId}-${spanOf("message", message.id)}-${isSampled(traceId, ratio) ? "01" : "00"}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
