/**
 * How far the warming up of source addresses is: what the configuration plans and what this engine has sent.
 *
 *   GET /v1/warm-up  -> WarmUpView
 *
 * Budgets are those of the whole cluster; counts are this engine's, since its start, and those of all engines add up.
 */
import { z } from "zod";

const count = z.int().nonnegative();

export const WarmUpView = z.object({
  /** Nothing is counted of the time before. */
  since: z.iso.datetime(),
  /** In UTC, as are all days here. */
  today: z.iso.date(),
  schedules: z.array(
    z.object({
      class: z.string(),
      /** Recipients a day, from each row's day until the next. */
      rows: z.array(z.object({ day: count, messages: count })),
      /** After this day an address is warm. */
      days: count,
    }),
  ),
  addresses: z.array(
    z.object({
      ip: z.string(),
      class: z.string(),
      /** Its first day. */
      added: z.iso.date(),
      /** 1 on the first. */
      day: count,
      /** Recipients today; null: it is warm. */
      budget: count.nullable(),
    }),
  ),
  /** Recipients of attempts that rules gave this address, by the day on which they ended. */
  counts: z.array(z.object({ ip: z.string(), date: z.iso.date(), tried: count, delivered: count })),
});
export type WarmUpView = z.infer<typeof WarmUpView>;
