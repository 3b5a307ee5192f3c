/**
 * Delivery into an object store that speaks S3, in place of SMTP: part of a transport in smtpd-app.yaml, an extension.
 * Keys stand in files of their own, so that configuration can be shown, logged and pushed.
 */
import { z } from "zod";

import { size } from "./config-values.ts";

const LEAST_PART = 5 * 1024 * 1024;
const MOST_PART = 64 * 1024 * 1024;
const file = z.string().min(1).max(4096);

export const ObjectStoreConfig = z.strictObject({
  endpoint: z
    .string()
    .max(1000)
    .regex(
      /^https?:\/\/(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/,
      "must be such as https://s3.example.net",
    )
    .describe(
      "The store; buckets are paths below it. Without TLS the path must be one that nobody else can read.",
    ),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "must be the name of a bucket")
    .describe("The bucket; it must be there."),
  region: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/)
    .default("us-east-1")
    .describe("What requests are signed for."),
  prefix: z
    .string()
    .max(500)
    .regex(/^(?:[A-Za-z0-9_=-][A-Za-z0-9._=-]*\/)*$/, "must be empty or names with a slash behind each")
    .default("")
    .describe("In front of every key: <prefix><yyyy>/<mm>/<dd>/<message id>-<hash of the recipient>.eml."),
  accesskeyfile: file.describe("File with the access key's id. All files are read again once a minute."),
  secretkeyfile: file.describe("File with the secret key."),
  tokenfile: file.optional().describe("File with a session token, for keys that expire."),
  cafile: file.optional().describe("Certificates to trust, PEM; the well-known authorities when absent."),
  partsize: size
    .prefault("8MiB")
    .refine((bytes) => bytes >= LEAST_PART && bytes <= MOST_PART, "must be from 5MiB to 64MiB")
    .describe("Larger mail goes in parts of this size, 5MiB to 64MiB, of which one is in memory at a time."),
});
