/** How many recipients may be queued: `quotas` of smtpd-policy.yaml, and those that the admin API adds. An extension. */
import { z } from "zod";

import { identifier } from "./config-values.ts";
import { CountedField, QueueMatch } from "./queue-fields.ts";

export const QuotaLimits = z.strictObject({
  recipients: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .describe("Recipients in the queue; a message that would make them more is refused with 452."),
});

export const QuotaConfig = z.strictObject({
  id: identifier.describe("Name in replies, metrics and queue_quota()."),
  fields: z
    .array(CountedField)
    .max(8)
    .default([])
    .describe("What is counted by itself: any of the facts that policies know."),
  conditions: z
    .array(
      z.strictObject({
        if: QueueMatch.describe("Mail that it is about."),
        // biome-ignore lint/suspicious/noThenProperty: as in policies.
        then: QuotaLimits.describe("Its limit."),
      }),
    )
    .max(10_000)
    .default([])
    .describe("The first that matches gives the limit."),
  default: QuotaLimits.optional().describe("Limit when no condition matches; none when absent."),
});
export type QuotaConfig = z.infer<typeof QuotaConfig>;
