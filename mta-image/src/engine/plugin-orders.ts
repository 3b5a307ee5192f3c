/**
 * What plugins order from the queue, carried out: the QueuePort of plugins/ over the queue's rules and lists. Orders
 * were promised to the plugin already, so nothing here throws; one that the queue cannot take (too many rules, a
 * value that is no regular expression) is logged with the plugin's name. Taking back what has ended is no mistake.
 */
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { QueueMatch } from "#contract/queue-fields.ts";

import type { ListChange, Match, Policy, PolicyLimits, QueuePort, Suspension } from "../plugins/ports.ts";
import type { DynamicRules } from "../queue/dynamic-rules.ts";
import type { Limits } from "../queue/policy.ts";
import type { Rate } from "../queue/rate.ts";
import type { Rulebook } from "../queue/rulebook.ts";

export interface PluginOrderTargets {
  readonly queue: { readonly rules: DynamicRules; readonly rulebook: Rulebook };
  readonly log: Log;
  /** rate.algorithm of smtpd-policy.yaml, for plugins that leave the choice. */
  readonly algorithm: () => Rate["algorithm"];
}

export function takePluginOrders({ queue, log, algorithm }: PluginOrderTargets): QueuePort {
  const { rules, rulebook } = queue;
  const carryOut = (
    order: string,
    about: { readonly id: string; readonly plugin?: string },
    run: () => boolean,
  ): void => {
    try {
      if (!run()) log.error({ order, ...about }, "plugin-order-refused");
    } catch (error) {
      log.error({ order, ...about, reason: describe(error) }, "plugin-order-refused");
    }
  };
  return {
    suspend: (order) => carryOut("suspend", named(order), () => rules.suspend(suspensionOf(order))),
    unsuspend: (id) => void rules.unsuspend(id),
    addPolicy: (order) =>
      carryOut("policy", named(order), () => rules.addPolicy(policyOf(order, algorithm()))),
    updatePolicy: (id, limits) =>
      carryOut("update", { id }, () => changePolicy(queue, id, limits, algorithm())),
    deletePolicy: (id) => void rules.deletePolicy(id),
    divideLimits: (by) => rulebook.divide({ n: 1, of: Math.max(1, by), place: null }),
    changeList: (change) =>
      carryOut("list", { id: change.list ?? "all lists" }, () => changeList(rulebook, change)),
  };
}

const named = ({ id, plugin }: { readonly id: string; readonly plugin: string }) => ({ id, plugin });

function originOf(plugin: string): string {
  return plugin === "" ? "plugin" : plugin;
}

function matchOf(match: Match): QueueMatch {
  return Object.fromEntries(Object.entries(match).filter(([, value]) => value !== null));
}

function suspensionOf({ id, plugin, match, tag, properties, ttlSeconds }: Suspension) {
  return {
    id,
    origin: originOf(plugin),
    match: matchOf(match),
    tag,
    properties: Object.fromEntries(properties),
    ttlMs: ttlSeconds * 1000,
  };
}

function policyOf({ id, plugin, type, fields, match, limits }: Policy, algorithm: Rate["algorithm"]) {
  return {
    id,
    type,
    origin: originOf(plugin),
    fields,
    match: matchOf(match),
    limits: limitsOf(limits, algorithm),
    ttlMs: limits.ttlSeconds * 1000,
  };
}

function limitsOf(limits: PolicyLimits, algorithm: Rate["algorithm"]): Limits {
  const { tokens, intervalSeconds, concurrency } = limits;
  return {
    concurrency: concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency,
    rate:
      tokens === 0 || intervalSeconds === 0
        ? null
        : {
            tokens,
            intervalMs: intervalSeconds * 1000,
            algorithm: limits.algorithm === "default" ? algorithm : limits.algorithm,
          },
    connectIntervalMs: limits.connectIntervalSeconds * 1000,
    properties: Object.fromEntries(limits.properties),
    tag: limits.tag,
    stop: limits.stop,
    cluster: limits.cluster,
  };
}

/** What the plugin did not say stays as the queue has it. */
function changePolicy(
  { rules, rulebook }: PluginOrderTargets["queue"],
  id: string,
  change: Partial<PolicyLimits>,
  algorithm: Rate["algorithm"],
): boolean {
  const known = rulebook.findPolicy(id)?.order.limits;
  if (known === undefined) return false;
  const merged: PolicyLimits = {
    concurrency: known.concurrency === Number.POSITIVE_INFINITY ? 0 : known.concurrency,
    tokens: known.rate?.tokens ?? 0,
    intervalSeconds: (known.rate?.intervalMs ?? 0) / 1000,
    algorithm: known.rate?.algorithm ?? "default",
    connectIntervalSeconds: known.connectIntervalMs / 1000,
    tag: known.tag,
    properties: new Map(Object.entries(known.properties).map(([key, value]) => [key, String(value)])),
    stop: known.stop,
    cluster: known.cluster,
    ttlSeconds: 0,
    ...change,
  };
  const ttl = change.ttlSeconds === undefined ? {} : { ttlMs: change.ttlSeconds * 1000 };
  return rules.updatePolicy(id, { limits: limitsOf(merged, algorithm), ...ttl });
}

/** False when there are too many lists or items. */
function changeList(rulebook: Rulebook, change: ListChange): boolean {
  const { lists } = rulebook;
  switch (change.kind) {
    case "add":
      return lists.add(change.field, change.list);
    case "add-item":
      return lists.addItem(change.field, change.list, change.item);
    case "delete-item":
      lists.deleteItem(change.field, change.list, change.item);
      return true;
    case "reload":
      lists.reload(change.field, change.list);
      rulebook.listsChanged();
      return true;
  }
}
