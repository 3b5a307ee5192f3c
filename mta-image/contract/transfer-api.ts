/**
 * Handing queued mail from one engine to another of the same cluster. Paths of the admin API; the caller shows a
 * certificate of the cluster's authority or the token.
 *
 *   POST /v1/transfer/messages?batch=ID  body: frames (below), at most 64 MiB -> TransferAnswer
 *   POST /v1/transfer/taken              TransferQuestion -> TransferAnswer: which of these are mine; from now on
 *                                        the batch is closed, so one that is still on its way is refused
 *   POST /v1/transfer/forgotten          TransferQuestion -> TransferAnswer: the giver has settled them
 *
 * A frame is one message: u32 length of the JSON head, u32 length of the content (both big-endian), the head
 * (FrameHead), the content in CRLF form. An id stays the same wherever the message goes, so a batch that comes
 * twice is taken once. A message that has left may come back in another batch; what is asked and told names the batch.
 */
import { z } from "zod";

import { MoveTarget } from "./insight-api.ts";

const id = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);

/** What the client said about notices (RFC 3461). */
const Wishes = z.strictObject({
  ret: z.enum(["FULL", "HDRS"]).nullable(),
  envid: z.string().max(100).nullable(),
  recipients: z
    .array(
      z
        .strictObject({
          notify: z
            .array(z.enum(["NEVER", "SUCCESS", "FAILURE", "DELAY"]))
            .max(3)
            .nullable(),
          orcpt: z.string().max(1100).nullable(),
        })
        .nullable(),
    )
    .max(100_000),
});

export const FrameHead = z.strictObject({
  id,
  receivedAt: z.int().nonnegative(),
  envelope: z.strictObject({
    sender: z.string().max(1000),
    recipients: z.array(z.string().min(1).max(1000)).min(1).max(100_000),
    smtpUtf8: z.boolean(),
    eightBit: z.boolean(),
    transportId: z.string().min(1).max(255),
    jobId: z.string().max(255).optional(),
    tenantId: z.string().max(255).optional(),
    quotas: z.array(z.string().max(1000)).max(100).optional(),
    dsn: Wishes.optional(),
    requireTls: z.boolean().optional(),
    tlsOptional: z.boolean().optional(),
    marks: z
      .strictObject({
        transaction: z.string().max(64),
        first: z.int().min(1),
        hold: z.boolean().optional(),
        metadata: z.record(z.string(), z.string()).optional(),
      })
      .optional(),
    holdUntil: z.number().optional(),
    deliverBy: z
      .strictObject({ at: z.number(), mode: z.enum(["return", "notify"]), trace: z.boolean() })
      .optional(),
    priority: z.int().min(-9).max(9).optional(),
  }),
  origin: z.strictObject({
    kind: z.enum(["smtp", "notice"]),
    serverId: z.string().max(255),
    remoteIp: z.string().max(64),
    remotePort: z.int().min(0).max(65_535),
    helo: z.string().max(1000),
    protocol: z.string().max(32),
    tls: z.string().max(255).nullable(),
    sessionId: z.string().max(64),
  }),
  /** One for each recipient; null for those already settled. */
  states: z
    .array(
      z
        .strictObject({
          status: z.enum(["queued", "hold"]),
          attempts: z.int().nonnegative(),
          dueAt: z.number(),
          lastReply: z.string().max(512),
          delayNotices: z.int().nonnegative(),
          metadata: z.record(z.string(), z.string()).optional(),
          moved: MoveTarget.optional(),
        })
        .nullable(),
    )
    .min(1),
});
export type FrameHead = z.infer<typeof FrameHead>;

export const TransferQuestion = z.strictObject({ batch: id, ids: z.array(id).max(10_000) });
export type TransferQuestion = z.infer<typeof TransferQuestion>;

export const BatchQuery = z.strictObject({ batch: id });

export const TransferAnswer = z.strictObject({ ids: z.array(id).max(10_000) });
export type TransferAnswer = z.infer<typeof TransferAnswer>;

/** A batch of frames is never larger; a single message that is larger stays with its engine. */
export const maxBatchBytes = 64 * 1024 * 1024;
