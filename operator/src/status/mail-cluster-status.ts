/**
 * The status of a MailCluster from what was observed and decided (pure). The same observation gives the same
 * status, and small changes of figures are rounded away, so that a settled cluster is never written to. What only
 * the status remembers (targetReplicas, lastGood) is carried over.
 */
import type { MailClusterConditionType } from "#crds/conditions.ts";
import type { MailClusterStatus } from "#crds/mail-cluster-status.ts";
import { selectorText } from "#operator/desired/labels.ts";
import { wholeSeconds } from "#operator/kube/times.ts";

import { hibernated, paused } from "./asleep.ts";
import { clientIpVisible } from "./client-ip-visible.ts";
import { conditions, type Verdict } from "./conditions.ts";
import { configApplied } from "./config-applied.ts";
import { fenced } from "./fenced.ts";
import { identitiesHeld } from "./identities-held.ts";
import { type Judged, targetRevision } from "./judged.ts";
import { planOf } from "./plan.ts";
import { pluginEntries } from "./plugin-entries.ts";
import { pluginsReady } from "./plugins-ready.ts";
import { leavingTimes, podEntries } from "./pod-entries.ts";
import { queueSummary } from "./queue-summary.ts";
import { ready } from "./ready.ts";
import { reconciling } from "./reconciling.ts";
import { runningRevision } from "./revision.ts";
import { rolloutComplete } from "./rollout-complete.ts";
import { scaleDownBlocked } from "./scale-down-blocked.ts";
import { scalingActive } from "./scaling-active.ts";
import { scalingRecord } from "./scaling-record.ts";
import { spamhausHealthy } from "./spamhaus-healthy.ts";
import { spoolsHealthy } from "./spools-healthy.ts";
import { stalled } from "./stalled.ts";
import { webAdminReady } from "./web-admin-ready.ts";

export interface StatusInput extends Judged {
  readonly clusterName: string;
  readonly generation: number;
  readonly now: Date;
  readonly previous: Partial<MailClusterStatus>;
  /** Which backlogs this pass had engines spread, in words; absent or null: none. */
  readonly spread?: string | null;
}

export function makeStatus(input: StatusInput): MailClusterStatus {
  const pods = input.slots.flatMap(({ pod }) => (pod === null ? [] : [pod]));
  const target = targetRevision(input.config);
  const current = runningRevision(input);
  const isProven = input.rollout === null || input.rollout.phase === "Everywhere";
  const lastGood = isProven && current !== null && current === target ? current : input.lastGood;
  const judged: Judged = { ...input, lastGood };
  const now = wholeSeconds(input.now.getTime());
  const leavingSince = leavingTimes(judged, input.previous.pods ?? [], now);
  const plan = planOf(judged);
  const spread = spreadRecord(input, now);
  const scaling = scalingRecord(judged, input.previous.scaling, now);
  const previous = input.previous.conditions ?? [];
  return {
    observedGeneration: input.generation,
    conditions: conditions(verdictsOn(judged, input, leavingSince), {
      ...{ previous, now },
      generation: input.generation,
    }),
    replicas: pods.length,
    readyReplicas: pods.filter(({ isReady, isTerminating }) => isReady && !isTerminating).length,
    updatedReplicas: updatedReplicas(input, target),
    targetReplicas: input.scaled.size,
    selector: selectorText(input.clusterName),
    queue: queueSummary(pods),
    revision: {
      ...(current === null ? {} : { current }),
      ...(target === null ? {} : { target }),
      ...(lastGood === null ? {} : { lastGood }),
    },
    ...(scaling === undefined ? {} : { scaling }),
    ...(spread === undefined ? {} : { spread }),
    ...(input.rollout === null ? {} : { rollout: input.rollout }),
    ...(plan.length === 0 ? {} : { plan }),
    pods: podEntries(judged, leavingSince),
    plugins: pluginEntries(input),
  };
}

/** In the order in which people read them: the summary first. */
function verdictsOn(
  judged: Judged,
  input: StatusInput,
  leavingSince: ReadonlyMap<number, string>,
): Readonly<Record<string, Verdict>> {
  const web = webAdminReady(judged);
  return {
    Ready: ready(judged),
    Reconciling: reconciling(judged),
    Stalled: stalled(judged),
    ConfigApplied: configApplied(judged),
    PluginsReady: pluginsReady(judged),
    SpamhausHealthy: spamhausHealthy(judged),
    RolloutComplete: rolloutComplete(judged),
    ScalingActive: scalingActive(judged),
    ScaleDownBlocked: scaleDownBlocked(judged, { leavingSince, now: input.now }),
    SpoolsHealthy: spoolsHealthy(judged),
    IdentitiesHeld: identitiesHeld(judged),
    ClientIPVisible: clientIpVisible(judged, reasonBefore(input, "ClientIPVisible")),
    ...(web === null ? {} : { WebAdminReady: web }),
    Fenced: fenced(judged),
    Paused: paused(judged),
    Hibernated: hibernated(judged),
  };
}

function reasonBefore({ previous }: StatusInput, type: MailClusterConditionType): string | undefined {
  return previous.conditions?.find((condition) => condition.type === type)?.reason;
}

/** The last one stays, for whoever looks later. */
function spreadRecord({ spread = null, previous }: StatusInput, now: string): MailClusterStatus["spread"] {
  return spread === null ? previous.spread : { at: now, message: spread.slice(0, 1024) };
}

function updatedReplicas({ slots, hashOf }: Judged, target: string | null): number {
  return slots.filter(
    ({ slot, pod }) => pod !== null && pod.hash === hashOf(slot) && pod.engine?.revision === target,
  ).length;
}
