/**
 * Live traces of SMTP sessions, in and out, over the admin API. mtactl and the web administration are the callers.
 *
 *   GET /v1/trace?<TraceQuery>   200 application/x-ndjson: one TraceItem a line until a bound of the query is reached
 *                                (then TraceEnd) or the caller hangs up. 400 shape; 409 `too-many-traces`.
 *   GET /v1/messages/<id>/traces MessageTraces: what was kept where the session was sampled (`traces` of smtpd-app.yaml)
 *
 * Secrets are masked before anything is kept: what follows AUTH, every line of its exchange, and lines that are no
 * command. Content is left out, but for its first lines where the query asks for them.
 */
import { z } from "zod";

import { network } from "./config-values.ts";

const address = z.string().min(1).max(320);
const bound = (usual: number, most: number) => z.coerce.number().int().min(1).max(most).default(usual);

/** All that is said must hold. With a sender, recipient or domain only transactions that fit are shown. */
export const TraceQuery = z.strictObject({
  direction: z.enum(["in", "out"]).optional(),
  remoteIp: network.optional().describe("Address or network of the other side."),
  listener: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe("Server of smtpd.yaml; only sessions that come in."),
  transportId: z.string().min(1).max(64).optional().describe("Only sessions that go out."),
  sender: address.optional().describe("Part of the sender, whatever the case."),
  recipient: address.optional().describe("Part of a recipient, whatever the case."),
  domain: z.string().min(1).max(255).optional().describe("Domain of the sender or of a recipient."),
  contentLines: z.coerce.number().int().min(0).max(100).default(0).describe("First lines of content."),
  sessions: bound(100, 10_000).describe("Ends once so many were shown."),
  bytes: bound(4_194_304, 67_108_864).describe("Ends once so much was sent."),
  seconds: bound(300, 3600).describe("Ends after so long."),
});
export type TraceQuery = z.infer<typeof TraceQuery>;
export type TraceWish = z.input<typeof TraceQuery>;

export const TraceLine = z.object({
  /** open and close frame a session; client and server say who spoke; content stands for the bytes of a message. */
  kind: z.enum(["open", "client", "server", "tls", "content", "close"]),
  at: z.iso.datetime(),
  session: z.string(),
  direction: z.enum(["in", "out"]),
  /** 0: of the session itself; else which of its transactions, from 1. */
  transaction: z.int().nonnegative(),
  text: z.string(),
  /** Bytes of content. */
  bytes: z.int().nonnegative().optional(),
  /** Of deliveries. */
  messageId: z.string().optional(),
  /** With open. Names are "" where they mean nothing: a listener for what goes out, a transport for what comes in. */
  about: z
    .object({
      remoteIp: z.string(),
      remotePort: z.int(),
      listener: z.string(),
      transportId: z.string(),
      host: z.string(),
    })
    .optional(),
});
export type TraceLine = z.infer<typeof TraceLine>;

/** The last line of a trace that the engine ends; `missed` sessions went by untraced, since too many were open. */
export const TraceEnd = z.object({
  kind: z.literal("end"),
  reason: z.enum(["sessions", "bytes", "seconds", "slow", "shutdown"]),
  missed: z.int().nonnegative(),
});
export type TraceEnd = z.infer<typeof TraceEnd>;

/** Said every ten seconds, so that either side notices when the other has gone. */
export const TraceAlive = z.object({ kind: z.literal("alive") });

export const TraceItem = z.discriminatedUnion("kind", [TraceLine, TraceEnd, TraceAlive]);
export type TraceItem = z.infer<typeof TraceItem>;

/** A transaction that was sampled, with the opening of its session. */
export const SessionTraceView = z.object({
  session: z.string(),
  direction: z.enum(["in", "out"]),
  lines: z.array(TraceLine),
  /** Lines that did not fit. */
  omitted: z.int().nonnegative(),
});
export type SessionTraceView = z.infer<typeof SessionTraceView>;

export const MessageTraces = z.object({ traces: z.array(SessionTraceView) });
export type MessageTraces = z.infer<typeof MessageTraces>;
