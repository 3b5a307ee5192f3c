/**
 * The status of a MailCluster. It can be made anew from what is observed, except `targetReplicas` and
 * `revision.lastGood`, which remember. Figures are rounded, so that a busy cluster does not write each second.
 */
import { z } from "zod";

import { conditionList } from "./conditions.ts";
import { namedList } from "./values.ts";

const count = z.int().min(0);

export const podStates = [
  "Pending",
  "Starting",
  "Serving",
  "Draining",
  "Stopping",
  "Failed",
  "Unknown",
  "Retained",
] as const;

const PodEntry = z.object({
  slot: z.int().min(0).describe("Number of the slot; the pod is called <cluster>-<slot>."),
  state: z
    .enum(podStates)
    .describe(
      "Pending: not running yet. Starting: running, not ready. Serving: takes mail. Draining: leaves when empty. Stopping: being deleted. Failed: ended. Unknown: ready, but does not answer the operator. Retained: no pod, its volume is kept.",
    ),
  revision: z.string().max(64).optional().describe("Configuration that the engine says it runs."),
  queued: count.optional().describe("Recipients in its queue, rounded; absent when unknown."),
  reason: z.string().max(1024).optional().describe("Why it is in this state, where that needs saying."),
});
export type PodEntry = z.infer<typeof PodEntry>;

export const MailClusterStatus = z.object({
  observedGeneration: z.int().min(0).describe("Generation of the spec that this status speaks of."),
  conditions: conditionList,
  replicas: count.describe("Pods that exist."),
  readyReplicas: count.describe("Pods that take mail."),
  updatedReplicas: count.describe("Pods made from the present spec that run the target revision."),
  targetReplicas: count.describe("Size that the operator follows; kept when spec.replicas is absent."),
  selector: z.string().max(1024).describe("Label selector of the pods, for scalers."),
  queue: z
    .object({
      total: count.optional().describe("Recipients in all queues, rounded; absent when no pod tells."),
      deferred: count.optional().describe("Of these, those that wait for their next attempt."),
      oldestDueSeconds: count.optional().describe("Age of the entry that has been due for longest, rounded."),
      podsUnknown: count.describe("Pods that do not tell; the sums are without them."),
    })
    .describe("What is queued."),
  revision: z
    .object({
      current: z
        .string()
        .max(64)
        .optional()
        .describe("Revision that all answering pods run; absent while they differ."),
      target: z
        .string()
        .max(64)
        .optional()
        .describe("Revision that the spec makes; absent while it makes none."),
      lastGood: z.string().max(64).optional().describe("Revision that last ran in all pods."),
    })
    .describe("Revisions of the configuration."),
  pods: namedList(PodEntry, { key: "slot", max: 1000 }).describe("One entry a slot."),
  plugins: namedList(
    z.object({
      name: z.string().max(253),
      state: z.enum(["Present", "Missing", "Differs", "Unknown"]),
      sha256: z.string().max(64).optional().describe("Digest of the file in the pods."),
    }),
    { key: "name", max: 32 },
  ).describe("The plugins as the pods have them."),
});
export type MailClusterStatus = z.infer<typeof MailClusterStatus>;
