/**
 * What the conditions of a cluster are judged from: the observed slots, what was decided about them, and how far
 * configuration and plugins have come. Built by reconcile/judge.ts; each condition file takes it and gives a verdict.
 */
import type { MailClusterSpec } from "#crds/mail-cluster.ts";
import type { PodParts } from "#operator/desired/pod-parts.ts";
import type { Deployment, HttpRoute } from "#operator/kube/objects.ts";
import type { PluginProblem, ResolvedPlugin } from "#operator/plugins/resolve.ts";
import type { ConfigState } from "#operator/rollout/choose-config.ts";
import type { RolloutOrder, RolloutStatus } from "#operator/rollout/decide-rollout.ts";
import type { ScalingDecision } from "#operator/scaling/decide.ts";
import type { IsNodeAddress } from "#operator/slots/client-addresses.ts";
import type { SlotDecision } from "#operator/slots/decide.ts";
import type { IdentityPlan } from "#operator/slots/identities.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";
import type { Step } from "#operator/slots/steps.ts";
import type { SpamhausChoice } from "#operator/spamhaus/decide.ts";

/** A write that the API server refuses, in its own words. */
export interface Refused {
  readonly kind: Step["kind"] | "apply";
  /** Null: it is of the cluster as a whole. */
  readonly slot: number | null;
  readonly message: string;
}

/** The web administration as it is. */
export interface WebView {
  /** "": nobody said. */
  readonly image: string;
  readonly deployment: Deployment | null;
  readonly route: HttpRoute | "not-served" | null;
  readonly hasOrdersPolicy: boolean;
}

export interface Judged {
  readonly spec: MailClusterSpec;
  /** Pods that are wanted now: 0 while the cluster hibernates. */
  readonly size: number;
  /** The size that is followed, and the autoscaler's decision, if it made one. */
  readonly scaled: { readonly size: number; readonly decision: ScalingDecision | null };
  /** Null: the cluster has none. */
  readonly identities: IdentityPlan | null;
  readonly wishes: {
    readonly isPaused: boolean;
    readonly isHibernating: boolean;
    readonly rollout: RolloutOrder | null;
  };
  /** Clusters that are made anew for this version of the operator before this one; null: it waits for none. */
  readonly waitsFor: readonly string[] | null;
  readonly deletion: "Drain" | "Orphan" | "Discard" | null;
  readonly slots: readonly ObservedSlot[];
  /** Null: the operator may not read nodes. */
  readonly isNodeAddress: IsNodeAddress | null;
  readonly decision: SlotDecision;
  readonly config: ConfigState;
  /** How far the spec's revision is; null while it makes none, or an engine refused it. */
  readonly rollout: RolloutStatus | null;
  readonly lastGood: string | null;
  readonly spamhaus: SpamhausChoice;
  readonly plugins: readonly ResolvedPlugin[];
  readonly pluginProblems: readonly PluginProblem[];
  /** Null: none is wanted. */
  readonly web: WebView | null;
  readonly refused: readonly Refused[];
  /** As for decideSlots. */
  readonly hashOf: (slot: number) => string;
  /** Of a pod that is as the spec says, by name. */
  readonly partsOf: (slot: number) => PodParts;
}

/** The wanted slots that exist. */
export function stayingSlots({ slots, decision }: Judged): readonly ObservedSlot[] {
  const leaving = new Set(decision.waiting.map(({ slot }) => slot));
  return slots.filter(({ slot }) => decision.staying.includes(slot) && !leaving.has(slot));
}

export function targetRevision(config: ConfigState): string | null {
  return config.kind === "broken" ? null : config.revision;
}

/** "slot 2 (ImagePullBackOff), slot 3": at most five, then how many more. */
export function listed(items: readonly string[]): string {
  const shown = items.slice(0, 5).join(", ");
  return items.length > 5 ? `${shown} and ${items.length - 5} more` : shown;
}

/** Why a cluster waits for its turn, in words for people. */
export function waitsForTurn(holders: readonly string[]): string {
  return `this version of the operator changes its pods; ${listed(holders)} have their turn first (--max-upgrading-clusters)`;
}
