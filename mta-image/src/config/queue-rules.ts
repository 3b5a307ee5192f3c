/** The policies, suspensions and groupings of the files, compiled for the queue (pure). */
import type { EngineConfig } from "#contract/config.ts";
import { queueFields } from "#contract/queue-fields.ts";

import { type Lists, compileMatch } from "../queue/matching.ts";
import type { QuotaOrder } from "../queue/quotas.ts";
import { type Policy, compilePolicy, limitsOf } from "../queue/policy.ts";
import type { Rulebook } from "../queue/rulebook.ts";
import { Suspension } from "../queue/suspension.ts";

export type QueueRules = Parameters<Rulebook["configure"]>[0];

/** `holds` says which of the exclusive addresses are this engine's. */
export function makeQueueRules(
  { app, policy, suspend }: EngineConfig,
  lists: Lists,
  holds: (address: string) => boolean,
): QueueRules {
  return {
    policies: makePolicies(policy, lists),
    suspensions: [...makeSuspensions(suspend, lists), ...suspendForeign(app, holds)],
    grouping: app.queues.grouping,
  };
}

export function makeQuotas({ policy: { quotas } }: EngineConfig): QuotaOrder[] {
  return quotas.map(({ id, fields, conditions, default: fallback }) => ({
    id,
    origin: "config",
    fields,
    conditions: conditions.map((condition) => ({ if: condition.if, limits: condition.then })),
    fallback: fallback ?? null,
    ttlMs: 0,
  }));
}

/** A policy is known by what it counts, so that counts outlive a reload that moves it. */
function makePolicies({ rate, policies }: EngineConfig["policy"], lists: Lists): Policy[] {
  const seen = new Map<string, number>();
  return policies.map(({ fields, conditions, default: fallback }) => {
    const name = JSON.stringify(fields);
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return compilePolicy(
      {
        id: nth === 1 ? `config ${name}` : `config ${name} ${nth}`,
        type: "config",
        fields,
        conditions: conditions.map((condition) => ({
          if: condition.if,
          limits: limitsOf(condition.then, rate.algorithm),
        })),
        fallback: fallback === undefined ? null : limitsOf(fallback, rate.algorithm),
      },
      lists,
    );
  });
}

function makeSuspensions({ suspends }: EngineConfig["suspend"], lists: Lists): Suspension[] {
  return suspends.map(({ tag, properties, ...match }, i) => {
    const given = queueFields.flatMap((field) => {
      const value = match[field];
      return value === undefined ? [] : [[field, value] as const];
    });
    return new Suspension({
      id: `config ${i}`,
      matcher: compileMatch(match, lists),
      match: Object.fromEntries(given),
      tag: tag ?? null,
      properties,
      origin: "config",
      endsAt: Number.POSITIVE_INFINITY,
    });
  });
}

/** Addresses that belong to other engines of the cluster: their transports' other addresses stay in use. */
function suspendForeign(
  { addresses }: EngineConfig["app"],
  holds: (address: string) => boolean,
): Suspension[] {
  const exclusive = addresses.filter(({ exclusive: isOfOne }) => isOfOne).map(({ address }) => address);
  const foreign = [...new Set(exclusive)].filter((address) => !holds(address));
  return foreign.map((localip) => {
    const match = { localip };
    return new Suspension({
      id: `identity ${localip}`,
      matcher: compileMatch(match, noLists),
      match,
      tag: "identity",
      properties: {},
      origin: "config",
      endsAt: Number.POSITIVE_INFINITY,
    });
  });
}

const noLists: Lists = () => {
  throw new Error("an address names no list");
};
