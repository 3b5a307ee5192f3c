/**
 * A MailCluster on one screen (pure): how it is, what is about to happen and what for it waits, then pod by pod. Only
 * conditions that want attention are shown; a cluster that is well is a few lines.
 */
import type { Condition } from "#crds/conditions.ts";
import type { MailClusterStatus } from "#crds/mail-cluster-status.ts";
import type { CustomObject } from "#operator/kube/objects.ts";

import { clean, table } from "./table.ts";

export interface SeenEvent {
  readonly reason: string;
  readonly note: string;
  readonly at: string;
}

type Status = Partial<MailClusterStatus>;

/** What is well, by type; others are shown. */
const WELL: Readonly<Record<string, Condition["status"]>> = {
  Ready: "True",
  Reconciling: "False",
  Stalled: "False",
  ConfigApplied: "True",
  PluginsReady: "True",
  SpamhausHealthy: "True",
  RolloutComplete: "True",
  ScalingActive: "True",
  ScaleDownBlocked: "False",
  SpoolsHealthy: "True",
  ClientIPVisible: "True",
  Fenced: "False",
  Paused: "False",
  Hibernated: "False",
};
const CALM: ReadonlySet<string> = new Set([
  "NotInternal",
  "Disabled",
  "FewSessions",
  "FewAddresses",
  "NodesUnknown",
]);
const LAST_EVENTS = 8;

export function statusScreen(object: CustomObject, events: readonly SeenEvent[]): string {
  const status = (object.status ?? {}) as Status;
  const { metadata } = object;
  const parts = [
    `MailCluster ${metadata.name} in ${metadata.namespace ?? ""}: ${headline(status)}`,
    section("Wants attention", conditionsOf(status)),
    section("Size", scalingOf(status)),
    section("Roll-out", rolloutOf(status)),
    section("About to happen", planOf(status)),
    section("Pods", podsOf(status)),
    section(
      "Plugins",
      (status.plugins ?? []).map(({ name, state }) => [name, state]),
    ),
    section(
      "Last events",
      events.slice(-LAST_EVENTS).map(({ at, reason, note }) => [at, reason, clean(note)]),
    ),
  ];
  return `${parts.filter((part) => part !== "").join("\n")}\n`;
}

/** All of a namespace, a line each. */
export function listScreen(objects: readonly CustomObject[]): string {
  if (objects.length === 0) return "There is no MailCluster here.\n";
  const rows = objects.map(({ metadata, status }) => [metadata.name, headline((status ?? {}) as Status)]);
  return `${table(rows, "")}\n`;
}

function headline(status: Status): string {
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  if (ready === undefined) return "the operator has not looked at it yet";
  const { queue, readyReplicas = 0, targetReplicas = 0 } = status;
  const unknown = queue?.podsUnknown ?? 0;
  const queued =
    queue?.total === undefined
      ? "queue unknown"
      : `${queue.total} queued, ${queue.deferred ?? 0} of them deferred${unknown > 0 ? `, ${unknown} pods do not tell` : ""}`;
  const word = ready.status === "True" ? "ready" : `not ready (${ready.reason})`;
  return `${word}, ${readyReplicas} of ${targetReplicas} pods, ${queued}`;
}

function conditionsOf({ conditions = [] }: Status): readonly (readonly string[])[] {
  const shown = conditions.filter(
    ({ type, status, reason }) => WELL[type] !== undefined && WELL[type] !== status && !CALM.has(reason),
  );
  return shown.map(({ type, status, reason, message }) => [`${type}=${status}`, reason, clean(message)]);
}

function scalingOf({ scaling }: Status): readonly (readonly string[])[] {
  return scaling === undefined ? [] : [[clean(scaling.message), scaling.reason, `since ${scaling.at}`]];
}

function rolloutOf({ rollout, revision }: Status): readonly (readonly string[])[] {
  const revisions = [`runs ${revision?.current ?? "several"}`, `last good ${revision?.lastGood ?? "none"}`];
  return [[rollout === undefined ? "none" : `${rollout.phase}: ${clean(rollout.message)}`, ...revisions]];
}

function planOf({ plan = [] }: Status): readonly (readonly string[])[] {
  return plan.map(({ slot, action, reason, waitsFor }) => [
    `slot ${slot}`,
    action,
    clean(reason),
    waitsFor === undefined ? "next" : `waits: ${waitsFor}`,
  ]);
}

function podsOf({ pods = [] }: Status): readonly (readonly string[])[] {
  if (pods.length === 0) return [];
  const rows = pods.map(({ slot, state, queued, revision, node, reason, wakeAt }) => [
    String(slot),
    state,
    queued === undefined ? "?" : String(queued),
    revision ?? "?",
    node ?? "",
    wakeAt === undefined ? clean(reason ?? "") : `sleeps until ${wakeAt}`,
  ]);
  return [["SLOT", "STATE", "QUEUED", "REVISION", "NODE", "REASON"], ...rows];
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : `\n${title}\n${table(rows)}`;
}
