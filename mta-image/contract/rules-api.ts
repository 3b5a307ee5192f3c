/**
 * The part of the admin API that is about scheduling: policies and suspensions that come and go, the share of this
 * engine in the limits of its cluster, and why a queued recipient waits. What is added here lives as long as the
 * process, or its ttl; the share outlives a restart.
 *
 *   GET    /v1/policies            PolicyList (dynamic ones; those of the file are in the file)
 *   PUT    /v1/policies/<id>       PolicyAdd -> Changed (replaces one with this id)
 *   DELETE /v1/policies/<id>       -> Changed (404: there is none)
 *   GET    /v1/suspensions         SuspensionList
 *   PUT    /v1/suspensions/<id>    SuspensionAdd -> Changed
 *   DELETE /v1/suspensions/<id>    -> Changed (404)
 *   GET    /v1/quotas              QuotaList (those of the file too)
 *   PUT    /v1/quotas/<id>         QuotaAdd -> Changed
 *   DELETE /v1/quotas/<id>         -> Changed (404)
 *   GET    /v1/shares              Shares
 *   PUT    /v1/shares              Shares -> Shares
 *   GET    /v1/queue/<message id>[/<recipient index>]/explain  -> Explanations (404)
 */
import { z } from "zod";

import { QuotaField, QuotaLimits, QuotaMatch } from "./quota-config.ts";
import { CountedField, QueueLimits, QueueMatch, tag } from "./queue-fields.ts";
import { SessionTraceView } from "./trace-api.ts";

export const RuleId = z
  .string()
  .regex(/^[\x21-\x7e][\x20-\x7e]{0,127}$/, "must be 1 to 128 printable characters");

const ttl = z.number().min(0).max(31_536_000).default(0).describe("Seconds; 0: no end.");
const endsAt = z.iso.datetime().nullable();
const properties = z.record(z.string().max(64), z.union([z.string().max(1024), z.number(), z.boolean()]));

export const PolicyAdd = z.strictObject({
  fields: z.array(CountedField).max(8).default([]),
  if: QueueMatch.default({}),
  ...QueueLimits.shape,
  algorithm: z.enum(["fixedwindow", "tokenbucket"]).default("fixedwindow"),
  ttl,
});
export type PolicyAdd = z.infer<typeof PolicyAdd>;

export const PolicyList = z.object({
  policies: z.array(
    z.object({
      id: z.string(),
      type: z.enum(["dynamic", "warmup", "backoff"]),
      /** "api", "config" or the plugin that gave it. */
      origin: z.string(),
      fields: z.array(CountedField),
      if: QueueMatch,
      /** null: not bounded. */
      concurrency: z.number().nullable(),
      rate: z.object({ tokens: z.number(), seconds: z.number(), algorithm: z.string() }).nullable(),
      connectinterval: z.number(),
      tag: z.string().nullable(),
      stop: z.boolean(),
      cluster: z.boolean(),
      endsAt,
    }),
  ),
});
export type PolicyList = z.infer<typeof PolicyList>;

export const SuspensionAdd = z.strictObject({
  if: QueueMatch.default({}),
  tag: tag.optional(),
  properties: properties.default({}),
  ttl,
});
export type SuspensionAdd = z.infer<typeof SuspensionAdd>;

export const SuspensionList = z.object({
  suspensions: z.array(
    z.object({ id: z.string(), origin: z.string(), if: QueueMatch, tag: z.string().nullable(), endsAt }),
  ),
});
export type SuspensionList = z.infer<typeof SuspensionList>;

export const QuotaAdd = z.strictObject({
  fields: z.array(QuotaField).max(4).default([]),
  if: QuotaMatch.default({}),
  ...QuotaLimits.shape,
  ttl,
});
export type QuotaAdd = z.infer<typeof QuotaAdd>;

export const QuotaList = z.object({
  quotas: z.array(
    z.object({
      id: z.string(),
      /** "api" or "config". */
      origin: z.string(),
      fields: z.array(CountedField),
      /** Messages refused since it came. */
      refused: z.int(),
      /** Combinations that hold something, the fullest first, at most 100. */
      counts: z.array(z.object({ values: z.array(z.string()), used: z.int(), limit: z.int() })),
      endsAt,
    }),
  ),
});
export type QuotaList = z.infer<typeof QuotaList>;

/** This engine has `n` of `of` parts of every limit with `cluster`, and of the budgets of warm-up. */
export const Shares = z.strictObject({
  shares: z
    .strictObject({ n: z.number().positive().max(100_000), of: z.number().positive().max(100_000) })
    .refine(({ n, of }) => n <= of, "n must not be more than of"),
});
export type Shares = z.infer<typeof Shares>;

export const Changed = z.object({ changed: z.int().nonnegative() });
export type Changed = z.infer<typeof Changed>;

export const Explanations = z.object({
  entries: z.array(
    z.object({
      id: z.string(),
      recipient: z.string(),
      reason: z.string(),
      attempts: z.int(),
      dueAt: z.iso.datetime(),
      lastReply: z.string(),
      obstacles: z.array(
        z.object({
          kind: z.enum(["suspension", "policy", "locating", "window", "engine", "turn"]),
          id: z.string(),
          tag: z.string().nullable(),
          source: z.string(),
          detail: z.string(),
          until: endsAt,
        }),
      ),
    }),
  ),
  /** Sessions that were sampled: the one that brought the message and its attempts, the oldest first. */
  traces: z.array(SessionTraceView).default([]),
});
export type Explanations = z.infer<typeof Explanations>;
