/**
 * The part of the MailCluster that protects it with Spamhaus DQS. The key stays in a Secret of the user's; all else
 * becomes the part `spamhaus` of smtpd-app.yaml, whose words it shares (docs/spamhaus.md). What a value may be in
 * detail is the engine's to say: the operator asks its parser and tells the answer in ConfigApplied.
 */
import { z } from "zod";

import { objectName } from "./values.ts";

const lists = ["zen", "authbl", "dbl", "zrd", "hbl"] as const;
const stages = ["connect", "auth", "mail", "content"] as const;
const actions = ["accept", "tag", "defer", "reject"] as const;

const most = (limit: number, normal: number, about: string): z.ZodDefault<z.ZodInt> =>
  z.int().min(0).max(limit).default(normal).describe(about);

export const SpamhausSpec = z.object({
  keySecretRef: z
    .object({
      name: objectName.describe("Name of the Secret."),
      key: z
        .string()
        .min(1)
        .max(253)
        .regex(/^[-._a-zA-Z0-9]+$/, "must be a key of a Secret")
        .default("key")
        .describe("Key in it whose value is the DQS key."),
    })
    .describe(
      "The Secret that holds the DQS key. It is watched: a changed key is tried out by an engine, then goes to the canary pods, then everywhere, without a restart.",
    ),
  lists: z
    .array(z.enum(lists))
    .max(lists.length)
    .default(["zen", "dbl", "zrd", "hbl"])
    .describe("What is asked. hbl needs a key that includes it; authbl is asked after AUTH."),
  stages: z
    .array(z.enum(stages))
    .max(stages.length)
    .default([...stages])
    .describe("When it is asked: at connect, after AUTH, at MAIL, at the end of the content."),
  actions: z
    .record(z.string().min(1).max(15), z.enum(actions))
    .meta({ maxProperties: 64 })
    .default({})
    .describe("What a listing leads to, by list or by return code such as 127.0.0.10; the code wins."),
  failOpen: z
    .boolean()
    .default(true)
    .describe("Whether mail passes while lookups fail. When false it is deferred with 451."),
  resolvers: z
    .array(z.string().min(1).max(64))
    .max(8)
    .default([])
    .describe("Name servers, with :port if need be; those of the engine or the pod when absent."),
  timeoutSeconds: z.int().min(1).max(60).default(5).describe("How long one stage waits for all its answers."),
  exceptions: z
    .object({
      networks: z
        .array(z.string().min(1).max(49))
        .max(256)
        .default([])
        .describe("Clients that nothing is asked about, e.g. 192.0.2.0/24."),
      domains: z
        .array(z.string().min(1).max(253))
        .max(1000)
        .default([])
        .describe("Domains that are never asked about, with all below them; as a sender, the whole message."),
    })
    .prefault({})
    .describe("What is not asked about."),
  limits: z
    .object({
      urls: most(1000, 100, "URLs of one message."),
      addresses: most(1000, 20, "Addresses of one message."),
      wallets: most(1000, 20, "Wallets of one message."),
      files: most(1000, 20, "Attachments of one message."),
    })
    .prefault({})
    .describe("What is looked up at most; the rest of the message passes unasked."),
  cache: z
    .object({
      size: most(1_000_000, 100_000, "Answers kept in each pod."),
      negativeSeconds: most(300, 10, "How long an answer that says `not listed` is kept."),
    })
    .prefault({})
    .describe("What is kept of answers."),
  zone: z
    .string()
    .min(1)
    .max(253)
    .default("dq.spamhaus.net")
    .describe("What stands behind the list in a name; other values are for a mirror or a test."),
});
export type SpamhausSpec = z.output<typeof SpamhausSpec>;
