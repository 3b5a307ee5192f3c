/** `feedback` of smtpd-app.yaml: bounces that come later and complaints. An extension; docs/bounces.md describes it. */
import { z } from "zod";

import { domain } from "./config-values.ts";

export const FeedbackConfig = z.strictObject({
  domains: z
    .array(domain)
    .min(1)
    .max(100)
    .describe("Mail from anybody to addresses in these is read as a report and not delivered."),
  returnpath: z
    .strictObject({
      domain: domain.describe("One of `domains`."),
      secretfile: z
        .string()
        .startsWith("/")
        .describe("File with the key that signs return paths, 16 bytes or more."),
    })
    .optional()
    .describe("Mail leaves with a signed return path for each recipient, in place of its sender."),
});
export type FeedbackConfig = z.infer<typeof FeedbackConfig>;
