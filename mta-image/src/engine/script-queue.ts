/**
 * What scripts order from the queue (queue_suspend and its kin), carried out by the queue's rules. An order that the
 * queue cannot take (too many rules, a value that is no regular expression) is false and changes nothing.
 */
import type { QueueOrders } from "../script/ports.ts";
import type { DynamicRules } from "../queue/dynamic-rules.ts";
import type { Limits } from "../queue/policy.ts";
import type { Rate } from "../queue/rate.ts";

export interface ScriptQueueParts {
  readonly rules: () => DynamicRules;
  /** rate.algorithm of smtpd-policy.yaml. */
  readonly algorithm: () => Rate["algorithm"];
  readonly quota: QueueOrders["quota"];
  /** Null for a server that is not there. */
  readonly connections: (serverId: string, address: string | null) => number | null;
}

const ORIGIN = "script";

export function makeScriptQueue({ rules, algorithm, quota, connections }: ScriptQueueParts): QueueOrders {
  return {
    suspend: ({ ttlSeconds, isNew, ...order }) =>
      (isNew && rules().hasSuspension(order.id)) ||
      taken(() => rules().suspend({ ...order, origin: ORIGIN, ttlMs: ttlSeconds * 1000 })),
    addPolicy: ({ ttlSeconds, limits, isNew, ...order }) =>
      (isNew && rules().hasPolicy(order.id)) ||
      taken(() =>
        rules().addPolicy({
          ...order,
          origin: ORIGIN,
          limits: limitsOf(limits, algorithm()),
          ttlMs: ttlSeconds * 1000,
        }),
      ),
    deletePolicy: (id) => rules().deletePolicy(id),
    quota,
    connections,
    share: () => rules().share,
  };
}

function taken(order: () => boolean): boolean {
  try {
    return order();
  } catch {
    return false;
  }
}

function limitsOf(
  limits: Parameters<QueueOrders["addPolicy"]>[0]["limits"],
  algorithm: Rate["algorithm"],
): Limits {
  const { concurrency, rate, connectIntervalSeconds, tag, properties, stop, cluster } = limits;
  return {
    concurrency: concurrency ?? Number.POSITIVE_INFINITY,
    rate: rate === null ? null : { tokens: rate.tokens, intervalMs: rate.seconds * 1000, algorithm },
    connectIntervalMs: (connectIntervalSeconds ?? 0) * 1000,
    tag,
    properties,
    stop,
    cluster,
  };
}
