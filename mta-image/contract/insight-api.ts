/**
 * The part of the admin API that shows an engine to people: search the queue by any of its facts, look into one
 * message, act on whatever a filter means, and what became of the latest attempts. The web administration is the caller.
 *
 *   POST /v1/queue/search      QueueSearch -> SearchPage
 *   POST /v1/queue/groups      GroupQuery -> QueueGroups
 *   POST /v1/queue/change      QueueOrder -> OrderResult (with `dryRun` it only counts; 409: no such transport)
 *   GET  /v1/messages/<id>     MessageView (404)
 *   GET  /v1/deliveries        Deliveries
 *   GET  /v1/config            ConfigView
 *   GET  /v1/metrics           Metrics
 */
import { z } from "zod";

import { QueueEntry } from "./admin-api.ts";

const text = z.string().min(1).max(320);
const name = z.string().min(1).max(255);
const count = z.int().nonnegative();

/** All that is said must hold. An empty filter means every entry. */
export const QueueFilter = z.strictObject({
  ids: z
    .array(z.string().max(64))
    .max(10_000)
    .optional()
    .describe("Messages, or recipients as message/index."),
  text: text.optional().describe("Part of the sender, the recipient or the id, whatever the case."),
  sender: text.optional().describe("Part of the sender."),
  recipient: text.optional().describe("Part of the recipient."),
  senderDomain: name.optional(),
  recipientDomain: name.optional(),
  transportId: name.optional(),
  jobId: name.optional(),
  tenantId: name.optional(),
  remoteIp: name.optional().describe("Address of the client that brought the message."),
  reply: text.optional().describe("Part of the last reply."),
  status: z.enum(["active", "deferred", "hold"]).optional(),
  minAttempts: count.optional(),
  minAgeSeconds: z.number().nonnegative().optional(),
  maxAgeSeconds: z.number().nonnegative().optional(),
});
export type QueueFilter = z.infer<typeof QueueFilter>;

export const QueueSearch = z.strictObject({
  filter: QueueFilter.default({}),
  limit: z.int().min(1).max(1000).default(100),
  after: z.string().max(64).optional(),
});
export type QueueSearch = z.infer<typeof QueueSearch>;

export const SearchPage = z.object({
  entries: z.array(QueueEntry),
  next: z.string().nullable(),
  /** Entries that the filter means, on all pages. */
  matched: count,
});
export type SearchPage = z.infer<typeof SearchPage>;

export const groupFields = [
  "recipientDomain",
  "senderDomain",
  "sender",
  "transportId",
  "jobId",
  "tenantId",
  "remoteIp",
  "status",
  "reply",
  "attempts",
  "age",
  "nextRetry",
] as const;

export const GroupQuery = z.strictObject({
  filter: QueueFilter.default({}),
  by: z.enum(groupFields),
  limit: z.int().min(1).max(1000).default(100),
});
export type GroupQuery = z.infer<typeof GroupQuery>;

export const QueueGroups = z.object({
  /** The largest first; age and next retry in their order. Times are spans such as "5m..15m". */
  groups: z.array(z.object({ key: z.string(), count })),
  /** Entries in groups that did not fit. */
  others: count,
  matched: count,
});
export type QueueGroups = z.infer<typeof QueueGroups>;

export const queueActions = ["retry", "hold", "release", "bounce", "delete", "move"] as const;

/** What a move puts in place of facts of the envelope. */
export const MoveTarget = z.strictObject({
  transportId: name.optional().describe("A transport of the configuration in force."),
  jobId: z.string().max(255).optional().describe('"" takes it away.'),
  tenantId: z.string().max(255).optional().describe('"" takes it away.'),
  grouping: z
    .string()
    .max(255)
    .optional()
    .describe('Counts with this group in place of that of its mail exchangers; "" takes that back.'),
});
export type MoveTarget = z.infer<typeof MoveTarget>;

export const QueueOrder = z
  .strictObject({
    /** delete forgets without telling the sender. */
    action: z.enum(queueActions),
    filter: QueueFilter,
    /** Of move, and of move alone: at least one fact. */
    to: MoveTarget.optional(),
    dryRun: z.boolean().default(false),
  })
  .refine(
    ({ action, to }) => (action === "move") === (to !== undefined && Object.keys(to).length > 0),
    "move needs at least one fact in `to`, and no other action takes it",
  );
export type QueueOrder = z.infer<typeof QueueOrder>;

export const OrderResult = z.object({
  matched: count,
  /** Less than matched where an entry was in an attempt or in the wanted state already; 0 for a dry run. */
  changed: count,
});
export type OrderResult = z.infer<typeof OrderResult>;

export const AttemptView = z.object({
  at: z.iso.datetime(),
  messageId: z.string(),
  recipient: z.string(),
  domain: z.string(),
  transportId: z.string(),
  outcome: z.enum(["delivered", "deferred", "failed", "unclear"]),
  reply: z.string(),
  status: z.string(),
  remoteMta: z.string(),
  /** Why it was no delivery, in a word; "" for a delivery. Absent from engines that do not classify. */
  class: z.string().optional(),
});
export type AttemptView = z.infer<typeof AttemptView>;

export const MessageView = z.object({
  id: z.string(),
  receivedAt: z.iso.datetime(),
  sender: z.string(),
  sizeBytes: count,
  origin: z.object({
    kind: z.string(),
    serverId: z.string(),
    remoteIp: z.string(),
    helo: z.string(),
    protocol: z.string(),
    tls: z.string().nullable(),
    sessionId: z.string(),
  }),
  jobId: z.string(),
  tenantId: z.string(),
  /** The first 64 KiB of the header block as it came, one field an item, folds undone. Null: it cannot be read. */
  headers: z.array(z.object({ name: z.string(), value: z.string() })).nullable(),
  entries: z.array(QueueEntry),
  /** Attempts that the engine still remembers, the newest first. */
  attempts: z.array(AttemptView),
});
export type MessageView = z.infer<typeof MessageView>;

export const Deliveries = z.object({
  since: z.iso.datetime(),
  /** The newest first. */
  attempts: z.array(AttemptView),
  /** The busiest destinations since `since`. */
  destinations: z.array(
    z.object({
      domain: z.string(),
      delivered: count,
      deferred: count,
      failed: count,
      unclear: count,
      codes: z.array(z.object({ code: z.string(), count })),
      lastReply: z.string(),
    }),
  ),
  /** What was no delivery since start, the most frequent first. */
  classes: z
    .array(z.object({ class: z.string(), outcome: z.enum(["deferred", "failed", "unclear"]), count }))
    .optional(),
});
export type Deliveries = z.infer<typeof Deliveries>;

export const ConfigView = z.object({
  revision: z.string(),
  /** Text in force by name of the file. */
  files: z.record(z.string(), z.string()),
});
export type ConfigView = z.infer<typeof ConfigView>;

/** As Prometheus would see them. */
export const Metrics = z.object({
  metrics: z.array(
    z.object({
      name: z.string(),
      help: z.string(),
      values: z.array(
        z.object({
          labels: z.record(z.string(), z.union([z.string(), z.number()])),
          value: z.number().nullable(),
        }),
      ),
    }),
  ),
});
export type Metrics = z.infer<typeof Metrics>;
