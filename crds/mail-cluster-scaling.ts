/**
 * The part of the MailCluster that says how it moves: who owns the number of pods, how a pod leaves, how a change
 * of the configuration is tried out.
 */
import { z } from "zod";

import { withRules } from "./rules.ts";

const count = (max: number): z.ZodInt => z.int().min(1).max(max);
const seconds = (min: number, max: number): z.ZodInt => z.int().min(min).max(max);

const Targets = z.object({
  dueMessagesPerPod: count(10_000_000)
    .optional()
    .describe(
      "Recipients that are due or being tried, for each pod. Mail that the remote side put off, or that a policy or a suspension holds back, does not count.",
    ),
  oldestDueSeconds: count(604_800)
    .optional()
    .describe("Age of the entry that has been due for longest; older asks for more pods."),
  sessionsPerPod: count(1_000_000).optional().describe("Open sessions of clients, for each pod."),
  cpuPercent: count(100)
    .optional()
    .describe(
      "How busy the event loop of an engine may be, as a mean over the pods. It is what bounds an engine, whatever the limits of its container are.",
    ),
});

const direction = (defaults: {
  stabilizationSeconds: number;
  pods: number;
  percent: number;
  periodSeconds: number;
}) =>
  z.object({
    stabilizationSeconds: seconds(0, 3600)
      .default(defaults.stabilizationSeconds)
      .describe("So long a wish must have stood; the one that moves least in this time is followed."),
    pods: count(500).default(defaults.pods).describe("At most so many pods in a period, or percent of them."),
    percent: seconds(0, 1000)
      .default(defaults.percent)
      .describe("At most so many per cent of the pods in a period; the larger of pods and percent counts."),
    periodSeconds: seconds(1, 1800).default(defaults.periodSeconds),
  });

const Behavior = z.object({
  scaleUp: direction({ stabilizationSeconds: 0, pods: 4, percent: 100, periodSeconds: 15 }).prefault({}),
  scaleDown: direction({ stabilizationSeconds: 300, pods: 1, percent: 10, periodSeconds: 60 }).prefault({}),
});

const onlyInternal = ["minReplicas", "maxReplicas", "targets", "behavior"] as const;

export const AutoscalingSpec = withRules(
  z.object({
    mode: z
      .enum(["None", "Internal", "External"])
      .default("None")
      .describe(
        "Who owns the number of pods. None: spec.replicas. Internal: the operator, by the targets. External: a HorizontalPodAutoscaler or KEDA, through the scale subresource.",
      ),
    minReplicas: seconds(0, 500)
      .optional()
      .describe(
        "Never fewer; 1 when absent. 0: when nothing is due all pods leave, volumes with deferred mail are kept, and the first that is due brings a pod back. Nobody takes new mail meanwhile.",
      ),
    maxReplicas: count(500).optional().describe("Never more."),
    targets: withRules(Targets, [
      {
        cel: "has(self.dueMessagesPerPod) || has(self.oldestDueSeconds) || has(self.sessionsPerPod) || has(self.cpuPercent)",
        message:
          "spec.autoscaling.targets needs at least one of dueMessagesPerPod, oldestDueSeconds, sessionsPerPod and cpuPercent; leave targets out for the defaults",
        holds: (targets) => Object.values(targets).some((value) => value !== undefined),
      },
    ])
      .optional()
      .describe(
        "What a pod can carry; the target that asks for most pods wins. 1000 due recipients a pod and 300 seconds when absent.",
      ),
    behavior: Behavior.optional().describe("How fast. Up fast and down slow when absent."),
    spreadBacklog: z
      .boolean()
      .default(true)
      .describe(
        "Pods with much more due mail than others hand a part of it to them, whoever owns the number of pods; not with drain.to None.",
      ),
  }),
  [
    {
      cel: `(has(self.mode) && self.mode == 'Internal') || (${onlyInternal.map((key) => `!has(self.${key})`).join(" && ")})`,
      message:
        "spec.autoscaling: minReplicas, maxReplicas, targets and behavior are read with mode Internal only; remove them, or set mode: Internal",
      holds: (value) => value.mode === "Internal" || onlyInternal.every((key) => value[key] === undefined),
    },
    {
      cel: "!has(self.mode) || self.mode != 'Internal' || has(self.maxReplicas)",
      message:
        "spec.autoscaling.maxReplicas is needed with mode Internal: say how many pods there may be at most",
      holds: ({ mode, maxReplicas }) => mode !== "Internal" || maxReplicas !== undefined,
    },
    {
      cel: "!has(self.maxReplicas) || !has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
      message: "spec.autoscaling.minReplicas must not be larger than maxReplicas",
      holds: ({ minReplicas = 1, maxReplicas = 500 }) => minReplicas <= maxReplicas,
    },
  ],
);
export type AutoscalingSpec = z.output<typeof AutoscalingSpec>;

export const DrainSpec = z.object({
  to: z
    .enum(["Peers", "None"])
    .default("Peers")
    .describe(
      "What becomes of the queue of a leaving pod. Peers: pods that stay take it, with its retry state. None: the pod stays until it has delivered all of it.",
    ),
  deadlineSeconds: seconds(60, 2_592_000)
    .default(3600)
    .describe(
      "After so long ScaleDownBlocked says what a leaving pod waits for. Mail is never given up by a deadline: that is for the annotation mailfleet.io/force-delete-slot.",
    ),
});
export type DrainSpec = z.output<typeof DrainSpec>;

export const RolloutSpec = z.object({
  canary: z
    .object({
      pods: count(100).default(1).describe("So many pods run a new revision first."),
      bakeSeconds: seconds(0, 86_400)
        .default(30)
        .describe("So long they are watched before the others follow; 0 asks only that they run it."),
      maxFailureRatio: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe(
          "The share of failed and of deferred attempts, of refused messages and of script errors may be larger than that of the other pods by so much.",
        ),
      maxLatencyFactor: z
        .number()
        .min(1)
        .max(1000)
        .default(3)
        .describe("An attempt may take so many times as long as in the other pods, and a second more."),
    })
    .prefault({})
    .describe("How a changed configuration is tried out."),
  settleSeconds: seconds(0, 3600)
    .default(10)
    .describe(
      "Pods that work are made anew when nothing that needs it has been edited for so long, so that edits that follow each other, and the objects of one apply, cost one restart; after six times as long in any case. 0: at once. What an engine takes without a restart does not wait.",
    ),
  autoRollback: z
    .boolean()
    .default(true)
    .describe(
      "True: canary pods that do badly go back to the last good revision. False: they stay as they are, and the others do not follow.",
    ),
});
export type RolloutSpec = z.output<typeof RolloutSpec>;
