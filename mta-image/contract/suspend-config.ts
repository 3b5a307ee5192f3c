/**
 * smtpd-suspend.yaml: what is not to be tried for now. Reloadable. An entry without fields suspends everything; a
 * suspended local address leaves the others of a transport in use. What is in flight is not stopped.
 */
import { z } from "zod";

import { QueueMatch, tag } from "./queue-fields.ts";

const Suspend = QueueMatch.extend({
  tag: tag.optional().describe("Name in explanations."),
  properties: z
    .record(z.string().max(64), z.union([z.string().max(1024), z.number(), z.boolean()]))
    .default({})
    .describe("Shown in explanations."),
});

export const SuspendConfig = z.strictObject({
  version: z.string().default("5.6").describe("Version of the format, for people: any is taken."),
  suspends: z.array(Suspend).max(10_000).default([]).describe("Any of these that matches suspends."),
});
export type SuspendConfig = z.infer<typeof SuspendConfig>;
