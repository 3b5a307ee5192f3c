/**
 * smtpd-policy.yaml: how much may leave at once and in a time, by the facts of mail. Reloadable. Halon's keys;
 * `warmup` is ours. A policy counts for each distinct combination of its fields; without fields, all together. The
 * first condition that matches gives the limits, else the default.
 */
import { z } from "zod";

import { identifier, networkAddress } from "./config-values.ts";
import { ReactionConfig } from "./reactions-config.ts";
import { QuotaConfig } from "./quota-config.ts";
import { CountedField, QueueLimits, QueueMatch } from "./queue-fields.ts";

const Policy = z.strictObject({
  fields: z.array(CountedField).max(8).default([]).describe("What is counted by itself."),
  conditions: z
    .array(
      z.strictObject({
        if: QueueMatch.describe("Mail that it is about."),
        // biome-ignore lint/suspicious/noThenProperty: Halon's key.
        then: QueueLimits.describe("Its limits."),
      }),
    )
    .max(10_000)
    .default([])
    .describe("The first that matches gives the limits."),
  default: QueueLimits.optional().describe("Limits when no condition matches; none when absent."),
});

const Schedule = z.strictObject({
  class: identifier.describe("Name that ips[].class refers to."),
  fields: z
    .array(CountedField)
    .max(8)
    .default([])
    .describe("Extension of the address: what has a budget of its own, such as grouping."),
  schedule: z
    .array(
      z.strictObject({
        day: z.int().min(1).max(3650).describe("Counted from the day when the address was added."),
        messages: z
          .int()
          .min(1)
          .max(1_000_000_000)
          .describe("Recipients on that day and until the next row."),
      }),
    )
    .min(1)
    .max(366)
    .describe("How much may leave on which day."),
  days: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .describe("After this many days the address is warm; absent: after the last row's day."),
});

const WarmUp = z.strictObject({
  schedules: z.array(Schedule).min(1).max(100).describe("Schedules by class."),
  ips: z
    .array(
      z.strictObject({
        ip: networkAddress.describe("The source address."),
        class: identifier.describe("Its schedule."),
        // YAML reads an unquoted date as one.
        added: z
          .preprocess(
            (value) => (value instanceof Date ? value.toISOString().slice(0, 10) : value),
            z.iso.date(),
          )
          .describe("First day, UTC, such as 2026-11-28."),
      }),
    )
    .max(10_000)
    .default([])
    .describe("Addresses that are warmed up."),
});

export const PolicyConfig = z.strictObject({
  version: z.string().default("5.6").describe("Version of the format, for people: any is taken."),
  rate: z
    .strictObject({
      algorithm: z
        .enum(["fixedwindow", "tokenbucket"])
        .default("fixedwindow")
        .describe(
          "fixedwindow: so many in each interval; tokenbucket: the same on average, refilled evenly.",
        ),
    })
    .prefault({})
    .describe("How rates are counted."),
  policies: z.array(Policy).max(1000).default([]).describe("Every policy counts, in order."),
  quotas: z
    .array(QuotaConfig)
    .max(1000)
    .default([])
    .describe("Extension. How many recipients may be queued; every quota counts."),
  reactions: z
    .array(ReactionConfig)
    .max(1000)
    .default([])
    .describe("Extension. What replies change for a time; each looks at every outcome."),
  warmup: WarmUp.optional().describe("Extension. Budgets of new source addresses by day."),
});
export type PolicyConfig = z.infer<typeof PolicyConfig>;
