/**
 * The part of the admin API about what scripts remember between runs: results of `cache` and counters of rate(). Entries are numbered
 * as they come; pages go by that number. The keys of a cache hold the arguments of the calls, so whoever may read them may
 * read what scripts were asked; results are not shown.
 *
 *   GET  /v1/scripts/caches         CacheQuery -> CachePage
 *   POST /v1/scripts/caches/clear   CacheClear -> Changed
 *   GET  /v1/scripts/rates          RateQuery -> RatePage
 *   POST /v1/scripts/rates/clear    RateClear -> Changed
 */
import { z } from "zod";

const text = z.string().max(4096);
const page = {
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.coerce.number().int().min(0).default(0).describe("`next` of the page before."),
};
const all = z.literal(true).optional().describe("Without anything else named: everything.");

/** An order that names nothing would mean everything: that has to be said. */
function named<T extends z.ZodType<object>>(schema: T): T {
  return schema.refine((order) => Object.keys(order).length > 0, {
    error: "name what is cleared, or say all: true",
  });
}

const calls = { function: text.optional(), namespace: text.optional() };
export const CacheQuery = z.strictObject({ ...calls, ...page });
export type CacheQuery = z.infer<typeof CacheQuery>;

export const CacheClear = named(z.strictObject({ ...calls, all }));
export type CacheClear = z.infer<typeof CacheClear>;

export const CachePage = z.object({
  entries: z.array(
    z.object({
      number: z.number(),
      namespace: z.string(),
      /** The call: function and arguments, cut where it is long. */
      key: z.string(),
      /** Below 0 it is too old, and kept until newer ones need its place. */
      secondsLeft: z.number(),
    }),
  ),
  next: z.number().nullable(),
});
export type CachePage = z.infer<typeof CachePage>;

const counters = { namespace: text.optional(), entry: text.optional() };
export const RateQuery = z.strictObject({ ...counters, ...page });
export type RateQuery = z.infer<typeof RateQuery>;

export const RateClear = named(z.strictObject({ ...counters, all }));
export type RateClear = z.infer<typeof RateClear>;

export const RatePage = z.object({
  entries: z.array(
    z.object({
      number: z.number(),
      namespace: z.string(),
      entry: z.string(),
      /** The interval in seconds. */
      interval: z.number(),
      /** Hits within the last interval. */
      count: z.number(),
    }),
  ),
  next: z.number().nullable(),
});
export type RatePage = z.infer<typeof RatePage>;
