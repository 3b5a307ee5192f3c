/** `suppression` of smtpd-app.yaml: recipients that get no mail any more. An extension; docs/bounces.md describes it. */
import { z } from "zod";

import { timeSpan } from "./config-values.ts";

export const SuppressionConfig = z.strictObject({
  classes: z
    .array(z.string().min(1).max(64))
    .max(64)
    .default(["bad-mailbox", "inactive-mailbox", "bad-domain"])
    .describe(
      "Classes of failures that put a recipient on the list: those of docs/bounces.md, or of bounces.rules.",
    ),
  for: timeSpan.prefault("90d").describe("How long those stay on it."),
  max: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(5_000_000)
    .describe("Recipients on the list; beyond it none is added."),
});
export type SuppressionConfig = z.infer<typeof SuppressionConfig>;
