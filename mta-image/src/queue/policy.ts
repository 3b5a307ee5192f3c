/**
 * Policies compiled for deciding (pure): which limits mail with these facts is under, and with what it is counted.
 * Halon's rules: a policy counts for each distinct combination of its fields; the first condition that matches gives
 * the limits, else the default; `stop` ends the look at later policies. Ours: each condition counts by itself.
 */
import type { CountedField, QueueField, QueueLimits, QueueMatch } from "#contract/queue-fields.ts";

import { type Facts, type Lists, type Matcher, compileMatch, compileValue } from "./matching.ts";
import type { Rate } from "./rate.ts";

export interface Limits {
  /** Infinity: not bounded. */
  readonly concurrency: number;
  readonly rate: Rate | null;
  /** 0: not bounded. */
  readonly connectIntervalMs: number;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly tag: string | null;
  readonly stop: boolean;
  /** Divided between the engines of a cluster. */
  readonly cluster: boolean;
}

/** `config` is the file's; the others come and go while the engine runs. */
export type PolicyType = "config" | "dynamic" | "warmup" | "backoff";

interface Branch<L> {
  readonly matcher: Matcher;
  readonly key: string;
  readonly limits: L;
}

/** Quotas have limits of another kind. */
export interface Policy<L = Limits> {
  readonly id: string;
  readonly type: PolicyType;
  /** The fields whose combinations are counted. */
  readonly counted: readonly { readonly field: QueueField; readonly rollUp: (fact: string) => string }[];
  readonly branches: readonly Branch<L>[];
  /** Every field that deciding looks at. */
  readonly mentions: readonly QueueField[];
}

/** What one policy says of some mail: the counter's key is the same for all that is counted together. */
export interface Applied<L = Limits> {
  readonly policy: Policy<L>;
  readonly limits: L;
  readonly key: string;
}

export interface PolicySource<L = Limits> {
  readonly id: string;
  readonly type: PolicyType;
  readonly fields: readonly CountedField[];
  readonly conditions: readonly { readonly if: QueueMatch; readonly limits: L }[];
  readonly fallback: L | null;
}

export function compilePolicy<L>(source: PolicySource<L>, lists: Lists): Policy<L> {
  const counted = source.fields.map((field) => compileCounted(field, lists));
  const branches: Branch<L>[] = source.conditions.map((condition) => ({
    matcher: compileMatch(condition.if, lists),
    key: JSON.stringify(condition.if),
    limits: condition.limits,
  }));
  if (source.fallback !== null) {
    branches.push({ matcher: compileMatch({}, lists), key: "default", limits: source.fallback });
  }
  const mentions = [
    ...counted.map(({ field }) => field),
    ...branches.flatMap(({ matcher }) => matcher.fields),
  ];
  return { id: source.id, type: source.type, counted, branches, mentions };
}

function compileCounted(field: CountedField, lists: Lists): Policy["counted"][number] {
  if (typeof field === "string") return { field, rollUp: (fact) => fact };
  const [name, value] = Object.entries(field)[0] as [QueueField, string | string[]];
  const test = compileValue(name, value, lists);
  const together = JSON.stringify(value);
  return { field: name, rollUp: (fact) => (test(fact) ? together : fact) };
}

export function applyPolicy<L>(policy: Policy<L>, facts: Facts): Applied<L> | null {
  const branch = policy.branches.find(({ matcher }) => matcher.matches(facts));
  if (branch === undefined) return null;
  const values = policy.counted.map(({ field, rollUp }) => rollUp(facts[field]));
  return { policy, limits: branch.limits, key: keyOf(policy.id, branch.key, ...values) };
}

/** Every policy that says something, in order, up to the first that stops. */
export function applyPolicies(policies: readonly Policy[], facts: Facts): Applied[] {
  const found: Applied[] = [];
  for (const policy of policies) {
    const applied = applyPolicy(policy, facts);
    if (applied === null) continue;
    if (saysSomething(applied.limits)) found.push(applied);
    if (applied.limits.stop) break;
  }
  return found;
}

/** What one of these policies says now of what is counted under a key; null: nothing. */
export function limitsUnder(key: string, policies: readonly Policy[]): Limits | null {
  for (const { id, branches } of policies)
    for (const branch of branches) {
      const own = keyOf(id, branch.key);
      if (key === own || key.startsWith(`${own}\0`)) return branch.limits;
    }
  return null;
}

function keyOf(...parts: readonly string[]): string {
  return parts.join("\0");
}

/** It bounds, or scripts and explanations are to hear of it. */
function saysSomething({ concurrency, rate, connectIntervalMs, properties, tag }: Limits): boolean {
  const isBounded = concurrency !== Number.POSITIVE_INFINITY || rate !== null || connectIntervalMs > 0;
  return isBounded || tag !== null || Object.keys(properties).length > 0;
}

/** Limits as a configuration or a request writes them. */
export function limitsOf(limits: QueueLimits, algorithm: Rate["algorithm"]): Limits {
  const { concurrency, rate, connectinterval = 0, properties, tag, stop, cluster } = limits;
  return {
    concurrency: concurrency ?? Number.POSITIVE_INFINITY,
    rate:
      rate === undefined ? null : { tokens: rate.tokens, intervalMs: rate.intervalSeconds * 1000, algorithm },
    connectIntervalMs: connectinterval * 1000,
    properties,
    tag: tag ?? null,
    stop,
    cluster,
  };
}
