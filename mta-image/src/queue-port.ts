/**
 * The queue as plugins see it (plugins/ports.ts): their orders become rules of the queue. Their promise was given
 * already, so nothing throws; an order that cannot be carried out is logged.
 */
import type { Log } from "#base/log.ts";
import type { QueueMatch } from "#contract/queue-fields.ts";

import type { ListChange, Match, PolicyLimits, QueuePort } from "./plugins/ports.ts";
import type { Limits } from "./queue/policy.ts";
import type { Queue } from "./queue/queue.ts";
import type { Rate } from "./queue/rate.ts";

export function makeQueuePort(queue: Queue, log: Log): QueuePort {
  const { rules, rulebook } = queue;
  const must = (done: boolean, order: string, id: string): void => {
    if (!done) log.warn({ order, id }, "plugin-order-dropped");
  };
  return {
    suspend: ({ id, plugin, match, tag, properties, ttlSeconds }) =>
      must(
        rules.suspend({
          id,
          origin: plugin,
          match: matchOf(match),
          tag,
          properties: Object.fromEntries(properties),
          ttlMs: ttlSeconds * 1000,
        }),
        "suspend",
        id,
      ),
    // One that has ended meanwhile is no mistake; the same holds for policies.
    unsuspend: (id) => void rules.unsuspend(id),
    addPolicy: ({ id, plugin, type, fields, match, limits }) => {
      const ttlMs = limits.ttlSeconds * 1000;
      const order = {
        id,
        type,
        origin: plugin,
        fields,
        match: matchOf(match),
        limits: limitsOf(limits),
        ttlMs,
      };
      must(rules.addPolicy(order), "policy", id);
    },
    updatePolicy: (id, change) => {
      const known = rulebook.findPolicy(id);
      if (known === undefined) return;
      const ttl = change.ttlSeconds === undefined ? {} : { ttlMs: change.ttlSeconds * 1000 };
      rules.updatePolicy(id, { limits: limitsOf({ ...writtenOf(known.order.limits), ...change }), ...ttl });
    },
    deletePolicy: (id) => void rules.deletePolicy(id),
    divideLimits: (by) => rulebook.divide(1 / Math.max(1, by)),
    changeList: (change) =>
      must(changeList(queue, change), "list", "list" in change ? String(change.list) : ""),
  };
}

function changeList({ rulebook }: Queue, change: ListChange): boolean {
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

function matchOf(match: Match): QueueMatch {
  return Object.fromEntries(Object.entries(match).filter(([, value]) => value !== null)) as QueueMatch;
}

type Written = Omit<PolicyLimits, "ttlSeconds">;

function limitsOf(limits: Written): Limits {
  const { concurrency, tokens, intervalSeconds, algorithm, connectIntervalSeconds } = limits;
  return {
    concurrency: concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency,
    rate:
      tokens > 0 && intervalSeconds > 0
        ? {
            tokens,
            intervalMs: intervalSeconds * 1000,
            algorithm: algorithm === "tokenbucket" ? algorithm : "fixedwindow",
          }
        : null,
    connectIntervalMs: connectIntervalSeconds * 1000,
    properties: Object.fromEntries(limits.properties),
    tag: limits.tag,
    stop: limits.stop,
    cluster: limits.cluster,
  };
}

/** Back to how a plugin writes them, so that a change of some keeps the others. */
function writtenOf(limits: Limits): Written {
  const rate: Rate | null = limits.rate;
  return {
    concurrency: limits.concurrency === Number.POSITIVE_INFINITY ? 0 : limits.concurrency,
    tokens: rate?.tokens ?? 0,
    intervalSeconds: (rate?.intervalMs ?? 0) / 1000,
    algorithm: rate?.algorithm ?? "default",
    connectIntervalSeconds: limits.connectIntervalMs / 1000,
    tag: limits.tag,
    properties: new Map(Object.entries(limits.properties).map(([name, value]) => [name, String(value)])),
    stop: limits.stop,
    cluster: limits.cluster,
  };
}
