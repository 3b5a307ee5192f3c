/**
 * The size of a cluster in one pass: the spec's, or what the autoscaler decides from what the engines say. Remembers
 * the autoscaler's history; the decision itself is scaling/'s. Called once a pass.
 */
import type { MailClusterSpec } from "#crds/mail-cluster.ts";
import { type ScalingDecision, decideScale } from "#operator/scaling/decide.ts";
import { type Behavior, defaultBehavior, emptyHistory } from "#operator/scaling/limits.ts";
import type { Targets } from "#operator/scaling/recommend.ts";
import { gatherSignals } from "#operator/scaling/signals.ts";
import { podSignals } from "#operator/scaling/pod-signals.ts";
import { wantedSize } from "#operator/slots/size.ts";

import type { Observed } from "./observe.ts";
import type { Tools } from "./tools.ts";

export interface Scaled {
  /** What is followed. */
  readonly size: number;
  /** The size before this pass. */
  readonly before: number;
  /** Null: the autoscaler is off, or has nothing to say while the cluster sleeps, is paused or deleted. */
  readonly decision: ScalingDecision | null;
}

export function scale(tools: Pick<Tools, "memory" | "clock">, observed: Observed): Scaled {
  const { spec, previous, slots, deletion, wishes, key } = observed;
  const memory = tools.memory.of(key);
  const isInternal = spec.autoscaling.mode === "Internal";
  const known = wantedSize({ replicas: spec.replicas, lastFollowed: previous.targetReplicas, slots });
  if (!isInternal) {
    memory.scaling = null;
    return { size: known, before: known, decision: null };
  }
  const current = memory.scaling?.size ?? known;
  if (deletion !== null || wishes.isPaused || wishes.isHibernating)
    return { size: current, before: current, decision: null };
  const decision = decideScale({
    rules: rulesOf(spec),
    signals: gatherSignals(podSignals(slots, tools.clock.now())),
    current,
    history: memory.scaling?.history ?? emptyHistory,
    isSpreading: tools.clock.monotonic() < memory.sizeHeldUntil,
    now: tools.clock.monotonic() / 1000,
  });
  memory.scaling = { history: decision.history, size: decision.replicas };
  return { size: decision.replicas, before: current, decision };
}

const defaultTargets = { dueMessagesPerPod: 1000, oldestDueSeconds: 300 } as const;

function rulesOf({ autoscaling }: MailClusterSpec) {
  const { minReplicas = 1, maxReplicas = minReplicas } = autoscaling;
  const given: MailClusterSpec["autoscaling"]["targets"] = autoscaling.targets ?? defaultTargets;
  const targets: Targets = {
    dueMessagesPerPod: given?.dueMessagesPerPod ?? null,
    oldestDueSeconds: given?.oldestDueSeconds ?? null,
    sessionsPerPod: given?.sessionsPerPod ?? null,
    cpuPercent: given?.cpuPercent ?? null,
  };
  const behavior: Behavior = autoscaling.behavior ?? defaultBehavior;
  return { minReplicas, maxReplicas, targets, behavior };
}
