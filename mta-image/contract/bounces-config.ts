/** Classes of replies that were no delivery, and `bounces` of smtpd-app.yaml, which adds rules. An extension. */
import { z } from "zod";

import { identifier, pattern } from "./config-values.ts";

export const replyClasses = [
  "bad-mailbox",
  "inactive-mailbox",
  "mailbox-full",
  "bad-domain",
  "bad-sender",
  "spam",
  "blocked",
  "virus",
  "content",
  "too-large",
  "policy",
  "authentication",
  "relaying",
  "rate-limited",
  "greylisted",
  "dns",
  "no-answer",
  "connection",
  "tls",
  "routing",
  "protocol",
  "configuration",
  "system",
  "expired",
  "suppressed",
  "other",
] as const;
export type ReplyClass = (typeof replyClasses)[number];

export const BouncesConfig = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        class: identifier.describe(`One of ${replyClasses.join(", ")}, or a name of your own.`),
        reply: pattern(1024).describe("Regular expression on the reply, whatever the case."),
        domain: z
          .string()
          .min(1)
          .max(255)
          .optional()
          .describe("Of this recipient domain alone, or *.example.net for all below it."),
      }),
    )
    .max(1000)
    .default([])
    .describe(
      "Asked before the statuses and rules that come with it; the first that matches gives the class.",
    ),
});
export type BouncesConfig = z.infer<typeof BouncesConfig>;
