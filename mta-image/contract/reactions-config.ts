/**
 * `reactions` of smtpd-policy.yaml: what replies change for a time. One form for shaping that learns and for back-off.
 * An extension.
 */
import { z } from "zod";

import { duration, identifier, pattern, timeSpan } from "./config-values.ts";
import { QueueField, QueueLimits, QueueMatch } from "./queue-fields.ts";

const reply = pattern(1024);

const limits = QueueLimits.pick({ concurrency: true, rate: true, connectinterval: true });

const When = z
  .strictObject({
    outcome: z
      .array(z.enum(["deferred", "failed", "unclear"]))
      .min(1)
      .max(3)
      .optional()
      .describe("What became of the attempt; unclear: the line broke when the mail may have arrived."),
    class: z
      .array(z.string().min(1).max(64))
      .min(1)
      .max(64)
      .optional()
      .describe("Classes of docs/bounces.md, or of bounces.rules."),
    status: z
      .string()
      .regex(/^[45]\.\d{1,3}\.(?:\d{1,3}|\*)$/, 'must be an enhanced status such as "4.7.0" or "4.7.*"')
      .optional()
      .describe('Enhanced status of the reply, such as "4.7.0" or "4.7.*".'),
    reply: reply.optional().describe("Regular expression on the reply, whatever the case."),
  })
  .refine((when) => Object.keys(when).length > 0, "must say at least one thing");

export const ReactionConfig = z.strictObject({
  id: identifier.describe("Name in explanations, metrics and orders."),
  if: QueueMatch.default({}).describe("Mail that it is about; all when empty."),
  when: When.describe("Outcomes that count; all that is said must hold."),
  after: z
    .strictObject({
      count: z.int().min(1).max(1000).default(1).describe("Attempts with such an outcome."),
      within: timeSpan.prefault("1m").describe("Within this time."),
    })
    .prefault({})
    .describe("How many such outcomes it takes."),
  per: z
    .array(QueueField)
    .min(1)
    .max(8)
    .default(["localip", "recipientdomain"])
    .describe("What the outcome is held against: the combination of these facts."),
  action: z
    .strictObject({
      suspend: z.boolean().default(false).describe("Nothing is tried."),
      ...limits.shape,
      for: timeSpan.prefault("15m").describe("Counted anew from each such outcome."),
      retry: duration
        .refine((ms) => ms >= 1000, "must be at least a second")
        .optional()
        .describe(
          "When mail that is put off meanwhile is tried again, in place of its schedule's interval; 1s at least.",
        ),
      untildelivered: z.boolean().default(false).describe("It ends with the first delivery."),
    })
    .refine(({ suspend, retry, concurrency, rate, connectinterval }) => {
      const hasLimits = [concurrency, rate, connectinterval].some((limit) => limit !== undefined);
      return suspend ? !hasLimits : hasLimits || retry !== undefined;
    }, "must either suspend or give limits or an interval")
    .describe("What changes for that combination."),
});
export type ReactionConfig = z.infer<typeof ReactionConfig>;
