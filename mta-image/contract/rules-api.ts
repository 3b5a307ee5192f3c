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
 *   GET    /v1/reactions           ReactionList
 *   PUT    /v1/reactions/<id>      ReactionSet -> Changed (404: no such reaction, or it goes by another fact)
 *   DELETE /v1/reactions/<id>      -> Changed (ends what it has made, 404: nothing)
 *   GET    /v1/shares              ShareState
 *   PUT    /v1/shares              ShareOrder -> ShareState (409 with ShareState: it was told otherwise meanwhile)
 *   GET    /v1/queue/<message id>[/<recipient index>]/explain  -> Explanations (404)
 */
import { z } from "zod";

import { QuotaLimits } from "./quota-config.ts";
import { CountedField, QueueField, QueueLimits, QueueMatch, tag } from "./queue-fields.ts";
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
  fields: z.array(CountedField).max(8).default([]),
  if: QueueMatch.default({}),
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

export const ReactionSet = z.strictObject({
  facts: z
    .partialRecord(QueueField, z.string().min(1).max(255))
    .describe("The facts that the reaction goes by (`per`), with their values."),
  ttl: z.number().positive().max(31_536_000).optional().describe("Seconds; absent: as the reaction says."),
});
export type ReactionSet = z.infer<typeof ReactionSet>;

export const ReactionList = z.object({
  reactions: z.array(
    z.object({
      id: z.string(),
      /** How often it came into force since start. */
      count: z.int(),
      active: z.array(
        z.object({
          /** Of the suspension or policy that it made. */
          rule: z.string(),
          if: QueueMatch,
          reply: z.string(),
          since: z.iso.datetime().nullable(),
          endsAt,
        }),
      ),
    }),
  ),
});
export type ReactionList = z.infer<typeof ReactionList>;

/** This engine has `n` of `of` parts of every limit with `cluster`, and of the budgets of warm-up; 0: of those it uses nothing. */
const parts = z
  .strictObject({ n: z.number().nonnegative().max(100_000), of: z.number().positive().max(100_000) })
  .refine(({ n, of }) => n <= of, "n must not be more than of");

/** Of an answer, whatever else it says. */
export const Shares = z.object({ shares: parts });
export type Shares = z.infer<typeof Shares>;

/**
 * Which of the `of` engines this one is: what limits leave over when they are divided goes by it, and whose turn it is under
 * rates of less than a token for each. `turn` counts how often what concurrency leaves over has moved on; null: nobody may
 * use it now. `of` of the shares is how many places there are.
 */
const place = z.strictObject({
  index: z.int().nonnegative().max(100_000),
  turn: z.int().nonnegative().nullable(),
});

/**
 * `place`: null gives none, so nothing may be rounded up; left out, each engine keeps at least one attempt at a time.
 * `after`: taken only while `version` is still this one. So an order that was delayed on its way changes nothing after
 * a later one, whoever gave it.
 */
export const ShareOrder = z
  .strictObject({
    shares: parts,
    place: place.nullable().optional(),
    after: z.int().nonnegative().optional(),
  })
  .refine(
    ({ shares: { of }, place: at }) => (at?.index ?? -1) < of,
    "place.index must be less than shares.of",
  );
export type ShareOrder = z.infer<typeof ShareOrder>;

export const ShareState = z.object({
  shares: parts,
  /** One more with each order that was taken. */
  version: z.int().nonnegative(),
  /** As it was given; left out: nobody gives any. */
  place: place.nullable().optional(),
  /** Of the whole: the share, or more while attempts are under way that began under a larger one or by the place. */
  held: z.number().min(0).max(1),
  /** Mail waits that may not be tried before the turn has come to this engine. Engines of early versions know no places. */
  isStarved: z.boolean().optional(),
});
export type ShareState = z.infer<typeof ShareState>;

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
      /** How often a notice of delay has fallen due; whether its sender wants any is another matter. */
      delayNotices: z.int().nonnegative().default(0),
      obstacles: z.array(
        z.object({
          kind: z.enum(["suspension", "policy", "locating", "window", "engine", "turn", "connection"]),
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
