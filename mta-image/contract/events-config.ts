/** `events` of smtpd-app.yaml: who hears what became of mail. An extension; docs/events.md describes it. */
import { z } from "zod";

import { identifier, someSize, timeSpan } from "./config-values.ts";

export const eventTypes = [
  "received",
  "delivered",
  "deferred",
  "bounced",
  "unclear",
  "bounced-later",
  "complained",
] as const;

const types = z
  .array(z.enum(eventTypes))
  .min(1)
  .default([...eventTypes])
  .describe("Which events; all when absent.");

const EventFile = z.strictObject({
  path: z.string().startsWith("/").describe("File that gets one JSON line an event."),
  maxsize: someSize.prefault("100MiB").describe("A file of this size is put aside and a new one begins."),
  keep: z.int().min(1).max(1000).default(10).describe("Files that are kept aside."),
  types,
});

const Webhook = z.strictObject({
  id: identifier.describe("Name in logs and metrics, and of the folder that holds what is not sent yet."),
  url: z.url({ protocol: /^https?$/ }).describe("Where batches are posted, as a JSON array."),
  secretfile: z
    .string()
    .startsWith("/")
    .optional()
    .describe("File with the key that signs each batch, as Standard Webhooks says (whsec_… or any text)."),
  maxpending: someSize.prefault("256MiB").describe("What may wait on disk; beyond it the oldest events go."),
  timeout: timeSpan.prefault("10s").describe("How long one post may take."),
  types,
});

export const EventsConfig = z.strictObject({
  files: z.array(EventFile).max(16).default([]).describe("Files that are written."),
  webhooks: z.array(Webhook).max(16).default([]).describe("Services that are told."),
});
export type EventsConfig = z.infer<typeof EventsConfig>;
export type EventFile = z.infer<typeof EventFile>;
export type Webhook = z.infer<typeof Webhook>;
