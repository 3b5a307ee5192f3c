/** `traces` of smtpd-app.yaml: which sessions are kept for who asks later. An extension; docs/tracing.md describes it. */
import { z } from "zod";

export const TracesConfig = z.strictObject({
  ratio: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("Share of connections, in and out, whose dialogue is kept in memory; 0 for none, 1 for all."),
  keep: z
    .int()
    .min(1)
    .max(2000)
    .default(200)
    .describe("Transactions that are kept, 24 KiB each at most; the oldest go."),
});
export type TracesConfig = z.infer<typeof TracesConfig>;
