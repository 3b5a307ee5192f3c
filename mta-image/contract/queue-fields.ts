/**
 * What policies and suspensions speak of: the eight facts of mail that leaves, conditions on them, and limits.
 * Halon's names and value syntax; smtpd-policy.yaml, smtpd-suspend.yaml and the admin API share them.
 *
 * A value matches as text; with /slashes/ as a regular expression, with a leading @ when it is in that list, as a
 * network (10.0.0.0/8) for addresses, as *.example.net for every name below a domain. Several values: any of them.
 */
import { z } from "zod";

export const queueFields = [
  "tenantid",
  "jobid",
  "transportid",
  "localip",
  "grouping",
  "remoteip",
  "remotemx",
  "recipientdomain",
] as const;
export const QueueField = z.enum(queueFields);
export type QueueField = z.infer<typeof QueueField>;

const value = z.string().min(1).max(255).refine(isPattern, "is no regular expression");

/** null or absent matches anything. */
const Condition = z.union([value, z.array(value).min(1).max(1000)]);
export const QueueMatch = z.strictObject({
  tenantid: Condition.optional().describe("The sender's name for a customer."),
  jobid: Condition.optional().describe("The sender's name for a mailing."),
  transportid: Condition.optional().describe("The transport that mail takes."),
  localip: Condition.optional().describe("Our address; networks too."),
  grouping: Condition.optional().describe('What queues.grouping makes of the destination: "&id", or a name.'),
  remoteip: Condition.optional().describe("Address of the host; networks too."),
  remotemx: Condition.optional().describe("Name of the host; *.example.net for all below a domain."),
  recipientdomain: Condition.optional().describe("Domain of the recipient; *.example.net for all below one."),
});
export type QueueMatch = z.infer<typeof QueueMatch>;

/** A field, or a field whose values that match are counted together. */
export const CountedField = z.union([
  QueueField,
  QueueMatch.refine((match) => Object.keys(match).length === 1, "must name one field"),
]);
export type CountedField = z.infer<typeof CountedField>;

const rate = z
  .string()
  .regex(/^\d{1,9}\/\d{1,7}(\.\d+)?$/, 'must be "tokens/seconds" such as "100/60"')
  .transform((text) => {
    const [tokens = 0, seconds = 0] = text.split("/").map(Number);
    return { tokens, intervalSeconds: seconds };
  })
  .refine(
    ({ tokens, intervalSeconds }) => tokens > 0 && intervalSeconds > 0,
    "must be more than nothing; suspend what should not be sent",
  );

export const tag = z.string().min(1).max(32);

export const QueueLimits = z.strictObject({
  concurrency: z.int().min(1).max(1_000_000).optional().describe("Attempts under way at once."),
  rate: rate.optional().describe('Recipients in a time, "tokens/seconds" such as "100/60".'),
  connectinterval: z.number().min(0).max(86_400).optional().describe("Seconds between two connections."),
  properties: z
    .record(z.string().max(64), z.union([z.string().max(1024), z.number(), z.boolean()]))
    .default({})
    .describe("Handed to scripts."),
  tag: tag.optional().describe("Name in explanations."),
  stop: z.boolean().default(false).describe("Policies after this one are not looked at."),
  cluster: z.boolean().default(false).describe("The limits are divided between the engines of the cluster."),
});
export type QueueLimits = z.infer<typeof QueueLimits>;

function isPattern(text: string): boolean {
  const source = /^\/(.+)\/$/.exec(text)?.[1];
  if (source === undefined) return true;
  try {
    new RegExp(source, "i");
    return true;
  } catch {
    return false;
  }
}
