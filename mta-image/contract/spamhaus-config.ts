/**
 * The part `spamhaus` of smtpd-app.yaml: Spamhaus DQS with HBL, an extension. The key itself is never in the
 * configuration: it stands in a file of its own, so that configuration can be shown, logged and pushed.
 */
import { z } from "zod";

import { domain, duration, network, networkAddress, timeSpan } from "./config-values.ts";

export const spamhausLists = ["zen", "authbl", "dbl", "zrd", "hbl"] as const;
export type SpamhausList = (typeof spamhausLists)[number];

export const spamhausActions = ["accept", "tag", "defer", "reject"] as const;
export type SpamhausAction = (typeof spamhausActions)[number];

/** The moments of a session at which something may be asked. */
export const spamhausStages = ["connect", "auth", "mail", "content"] as const;
export type SpamhausStage = (typeof spamhausStages)[number];

const CODE = /^127\.0\.[0-3]\.\d{1,3}$/;

const listOrCode = z
  .string()
  .refine(
    (text) => CODE.test(text) || (spamhausLists as readonly string[]).includes(text),
    "must be a list (zen, authbl, dbl, zrd, hbl) or a return code such as 127.0.0.10",
  );

const limit = (most: number, normal: number, about: string): z.ZodDefault<z.ZodInt> =>
  z.int().min(0).max(most).default(normal).describe(about);

export const SpamhausConfig = z.strictObject({
  keyfile: z
    .string()
    .min(1)
    .max(4096)
    .describe("File with the DQS key. Read again when it changes; a key that cannot be read lets mail pass."),
  lists: z
    .array(z.enum(spamhausLists))
    .max(spamhausLists.length)
    .default(["zen", "dbl", "zrd", "hbl"])
    .describe("What is asked. hbl needs a key that includes it; authbl is asked after AUTH."),
  stages: z
    .array(z.enum(spamhausStages))
    .max(spamhausStages.length)
    .default([...spamhausStages])
    .describe("When it is asked: at connect, after AUTH, at MAIL, at the end of the content."),
  resolvers: z
    .array(
      networkAddress.or(
        z.string().regex(/^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}$/i, "must be an IP address"),
      ),
    )
    .max(8)
    .default([])
    .describe("Name servers, with :port if need be; those of `resolver.servers` or the system when absent."),
  failopen: z
    .boolean()
    .default(true)
    .describe("Whether mail passes while lookups fail. When false it is deferred with 451."),
  timeout: timeSpan.prefault("5s").describe("How long one stage waits for all its answers."),
  actions: z
    .partialRecord(listOrCode, z.enum(spamhausActions))
    .default({})
    .describe("What a listing leads to, by list or by return code; the code wins."),
  exceptions: z
    .strictObject({
      networks: z.array(network).max(1000).default([]).describe("Clients that nothing is asked about."),
      domains: z
        .array(domain)
        .max(10_000)
        .default([])
        .describe("Domains that are never asked about, with all below them; as a sender, the whole message."),
    })
    .prefault({})
    .describe("What is never asked about."),
  limits: z
    .strictObject({
      urls: limit(1000, 100, "URLs of one message."),
      addresses: limit(1000, 20, "Addresses of one message."),
      wallets: limit(1000, 20, "Wallets of one message."),
      files: limit(1000, 20, "Attachments of one message."),
    })
    .prefault({})
    .describe("What is looked up at most; the rest of the message passes unasked."),
  cache: z
    .strictObject({
      size: limit(1_000_000, 100_000, "Answers kept."),
      negative: duration.prefault("10s").describe("How long an answer that says `not listed` is kept."),
    })
    .prefault({})
    .describe("Answers are kept as long as they say."),
  zone: domain
    .default("dq.spamhaus.net")
    .describe("What stands behind the list in a name; other values are for a mirror or a test."),
  urlrules: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe("File with Spamhaus' rules for URLs (URL_normalization.yaml); those built in when absent."),
});
export type SpamhausConfig = z.infer<typeof SpamhausConfig>;
