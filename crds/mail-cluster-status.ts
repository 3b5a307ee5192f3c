/**
 * The status of a MailCluster. It can be made anew from what is observed, except `targetReplicas`,
 * `revision.lastGood`, `rollout` and `pods[].leavingSince`, which remember. Figures are rounded, so that a busy cluster does not write each second.
 */
import { z } from "zod";

import { conditionList } from "./conditions.ts";
import { namedList } from "./values.ts";

const count = z.int().min(0);
const time = z.iso.datetime().meta({ format: "date-time", pattern: undefined });

export const podStates = [
  "Pending",
  "Starting",
  "Serving",
  "Cordoned",
  "Draining",
  "Empty",
  "Fenced",
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
      "Pending: not running yet. Starting: running, not ready. Serving: takes mail. Cordoned: leaves, takes no new mail and delivers what it has. Draining: leaves and hands what it has to the pods that stay. Empty: leaves, and nothing is left in it. Fenced: takes no mail and tries none, by the annotation mailfleet.io/fenced. Stopping: being deleted. Failed: ended. Unknown: ready, but does not answer the operator. Retained: no pod, its volume is kept.",
    ),
  revision: z.string().max(64).optional().describe("Configuration that the engine says it runs."),
  queued: count.optional().describe("Recipients in its queue, rounded; absent when unknown."),
  identity: z.string().max(45).optional().describe("Address of spec.identities that the slot holds."),
  node: z.string().max(253).optional().describe("Node that its pod is on."),
  leavingSince: time.optional().describe("When it was chosen to leave."),
  wakeAt: time.optional().describe("It sleeps, and the first message in it is due then."),
  reason: z.string().max(1024).optional().describe("Why it is in this state, where that needs saying."),
});
export type PodEntry = z.infer<typeof PodEntry>;

const PlanEntry = z.object({
  slot: z.int().min(0).describe("Number of the slot."),
  action: z
    .enum(["CreatePod", "ReplacePod", "ReloadConfig", "RemovePod", "GrowVolume"])
    .describe("What will be done."),
  reason: z.string().max(256).describe("What for: the parts that changed, the revision, or why it leaves."),
  waitsFor: z
    .string()
    .max(64)
    .optional()
    .describe("What keeps it from being done now; absent when it is done next."),
});
export type PlanEntry = z.infer<typeof PlanEntry>;

export const MailClusterStatus = z.object({
  observedGeneration: z
    .int()
    .min(-1)
    .describe("Generation of the spec that this status speaks of; -1 before the operator has looked at it."),
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
  scaling: z
    .object({
      desired: count.describe("Pods that the last decision wants."),
      reason: z
        .enum([
          "Scaled",
          "Settled",
          "Stabilizing",
          "StepLimited",
          "AtMinimum",
          "AtMaximum",
          "FiguresUnknown",
          "Spreading",
        ])
        .describe("Why it is not more or fewer."),
      message: z.string().max(1024).describe("The figures and the target that decided, rounded."),
      at: time.describe("When desired was last changed."),
    })
    .optional()
    .describe(
      "The record of the last decision of the autoscaler; absent unless autoscaling.mode is Internal.",
    ),
  spread: z
    .object({
      at: time.describe("When engines were told so."),
      message: z.string().max(1024).describe("Due recipients, from which slot to which slots."),
    })
    .optional()
    .describe("The last backlog that was spread; absent while there was none."),
  rollout: z
    .object({
      phase: z
        .enum(["Canary", "Everywhere", "RolledBack", "Held"])
        .describe(
          "Canary: tried out in the pods named in canary. Everywhere: on its way to all pods, or there. RolledBack: taken back for what message says. Held: it did badly and autoRollback is off.",
        ),
      revision: z.string().max(64).describe("Revision that this speaks of."),
      since: time.describe("When the phase began; for a canary, when its time of bake began."),
      canary: z.array(count).max(100).describe("Slots that run it first."),
      message: z.string().max(1024).describe("What was judged."),
    })
    .optional()
    .describe("How far the roll-out of the configuration is."),
  plan: z
    .array(PlanEntry)
    .max(50)
    .optional()
    .describe(
      "What is about to happen, and what it waits for; the first 50. Absent when nothing is to be done.",
    ),
  pods: namedList(PodEntry, { key: "slot", max: 1000 }).describe("One entry a slot."),
  plugins: namedList(
    z.object({
      name: z.string().max(253),
      state: z.enum(["Present", "Missing", "Differs", "Unknown"]),
      sha256: z.string().max(64).optional().describe("Digest of the file in the pods."),
      pods: z.int().min(0).optional().describe("Pods that have loaded it."),
      roles: z.array(z.string().max(32)).max(8).optional().describe("script, queue, delivery, inject."),
      abiVersion: z.int().optional().describe("Version of the plugin interface that it was built for."),
      functions: z.array(z.string().max(256)).max(500).optional().describe("What it gives to scripts."),
    }),
    { key: "name", max: 32 },
  ).describe("The plugins as the pods have them."),
});
export type MailClusterStatus = z.infer<typeof MailClusterStatus>;

/**
 * What of a status can be read, field by field. What another version of the operator wrote in words of its own is as good as
 * absent: after a downgrade it must keep no spec from being carried out. Never fails.
 */
export function readStatus(value: unknown): Partial<MailClusterStatus> {
  const given = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const known = Object.entries(MailClusterStatus.shape).flatMap(([name, schema]) => {
    const parsed = schema.safeParse(given[name]);
    return parsed.success && parsed.data !== undefined ? [[name, parsed.data] as const] : [];
  });
  return Object.fromEntries(known);
}
