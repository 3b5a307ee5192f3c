/**
 * Which events a pass tells: a condition that turned, and the steps that were taken. Conditions say how things are;
 * events say when they became so. Pure, but for `tell`, which hands them on; never fails.
 */
import type { Condition } from "#crds/conditions.ts";
import type { PlanEntry } from "#crds/mail-cluster-status.ts";
import type { EventInput, KubeObject } from "#operator/kube/kube.ts";
import type { PodCrashes } from "#operator/plugins/crashes.ts";
import { type Step, detailOf } from "#operator/slots/steps.ts";
import { type Veto, vetoes } from "#operator/slots/vetoes.ts";

import type { Scaled } from "./scale.ts";
import type { Tools } from "./tools.ts";

type Announcement = Omit<EventInput, "regarding">;

/** Types whose turning is worth an event, and the status that is bad news. */
const TOLD: Readonly<Record<string, Condition["status"]>> = {
  Ready: "False",
  Stalled: "True",
  ConfigApplied: "False",
  PluginsReady: "False",
  SpamhausHealthy: "False",
  ScaleDownBlocked: "True",
  SpoolsHealthy: "False",
  ClientIPVisible: "False",
  RolloutComplete: "False",
  ScalingActive: "False",
  WebAdminReady: "False",
  Fenced: "True",
  Paused: "True",
  Hibernated: "True",
};

/** Work on its way is no bad news. */
const CALM: ReadonlySet<string> = new Set([
  "Pending",
  "Progressing",
  "WaitingForTurn",
  "NotChecked",
  "PodsNotReady",
  "Deleting",
  "Canary",
  "Everywhere",
  "NotInternal",
  "Suspended",
  "Fenced",
  "Paused",
  "Hibernated",
]);

export function announceConditions(
  before: readonly Condition[],
  now: readonly Condition[],
): readonly Announcement[] {
  return now.flatMap((condition) => {
    const bad = TOLD[condition.type];
    const known = before.find(({ type }) => type === condition.type);
    const hasTurned = known?.status !== condition.status || known.reason !== condition.reason;
    if (bad === undefined || !hasTurned) return [];
    const isBad = condition.status === bad;
    if (!isBad && (known === undefined || known.status !== bad)) return [];
    // How a new cluster begins is no news; what is wrong with it is.
    if (known === undefined && CALM.has(condition.reason)) return [];
    const type = isBad && !CALM.has(condition.reason) ? "Warning" : "Normal";
    return [{ type, reason: condition.reason, action: condition.type, note: condition.message } as const];
  });
}

const REASONS: Readonly<Record<Step["kind"], string>> = {
  "create-claim": "ClaimCreated",
  "resize-claim": "ClaimResized",
  "create-pod": "PodCreated",
  "assign-identity": "IdentityAssigned",
  "note-node": "NodeNoted",
  cordon: "PodCordoned",
  uncordon: "PodUncordoned",
  order: "PodOrdered",
  "delete-pod": "PodDeleted",
  "delete-claim": "ClaimDeleted",
  release: "SlotReleased",
  sleep: "SpoolAsleep",
};

/** `what` is the object as perform.ts names it, `reason` what a pod is made anew for. */
export function announceStep(step: Step, what: string, reason: string | null = null): Announcement {
  const detail = reason === null ? detailOf(step) : `${detailOf(step)} (${reason})`;
  return {
    type: "Normal",
    reason: REASONS[step.kind],
    action: step.kind.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase()),
    note: detail === null ? what : `${what}: ${detail}`,
  };
}

/** Restarts that wait for something that they did not wait for before; each other pod's turn is no news. */
export function announceVetoes(
  before: readonly PlanEntry[],
  now: readonly PlanEntry[],
): readonly Announcement[] {
  const isKnown = (entry: PlanEntry): boolean =>
    before.some(
      ({ slot, action, waitsFor }) =>
        slot === entry.slot && action === entry.action && waitsFor === entry.waitsFor,
    );
  const news = now.filter((entry) => entry.action === "ReplacePod" && !isKnown(entry));
  return news.slice(0, MAX_VETOES).flatMap(({ slot, reason, waitsFor = "" }): Announcement[] => {
    if (waitsFor === "OneAtATime" || !(waitsFor in vetoes)) return [];
    const note = `slot ${slot} is not made anew yet (${reason}): ${vetoes[waitsFor as Veto]}`;
    return [{ type: "Normal", reason: waitsFor, action: "Restart", note }];
  });
}

/** In one pass; the status has them all. */
const MAX_VETOES = 5;

/** Ends of engines that a plugin has caused, as events of the plugin. */
export function announceCrashes(
  before: readonly PodCrashes[],
  now: readonly PodCrashes[],
): readonly Announcement[] {
  const endsBefore = new Map(before.map(({ uid, ends }) => [uid, ends]));
  return now
    .filter(({ uid, ends }) => ends > (endsBefore.get(uid) ?? 0))
    .map(({ cluster, revision, pod, line }) => ({
      type: "Warning",
      reason: "PluginCrashed",
      action: "Crash",
      note: `the engine of ${pod} (MailCluster ${cluster}, revision ${revision}) ended with: ${line}`,
    }));
}

export function announceScale({ size, before, decision }: Scaled): Announcement {
  return {
    type: "Normal",
    reason: size > before ? "ScaledUp" : "ScaledDown",
    action: "Scale",
    note: `${before} -> ${decision?.message ?? `${size} pods`}`,
  };
}

/** What engines were told to hand to peers, in words; null: nobody was told anything. */
export function announceSpread(spread: string | null): readonly Announcement[] {
  if (spread === null) return [];
  const note = `due recipients, from whom to whom: ${spread}`;
  return [{ type: "Normal", reason: "BacklogSpread", action: "Spread", note }];
}

/** Hands them to the recorder, as said of this object. */
export function tell(
  { recorder }: Pick<Tools, "recorder">,
  regarding: KubeObject,
  announcements: readonly Announcement[],
): void {
  for (const each of announcements) recorder.record({ ...each, regarding });
}
