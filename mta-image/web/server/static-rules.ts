/** Policies and suspensions of an engine's files, one line a condition (pure). A file that is no YAML has none. */
import { load } from "js-yaml";
import { z } from "zod";

import { policyFile, suspendFile } from "#contract/config.ts";
import type { StaticRule } from "#web/shared/web-api.ts";

/** Only as much of their shape as is shown: the engine has checked them. */
const Facts = z.record(z.string(), z.unknown());
const Policies = z.object({
  policies: z
    .array(
      z.object({
        fields: z.array(z.unknown()).optional(),
        // biome-ignore lint/suspicious/noThenProperty: Halon's key.
        conditions: z.array(z.object({ if: Facts.optional(), then: Facts })).optional(),
        default: Facts.optional(),
      }),
    )
    .optional(),
});
const Suspensions = z.object({ suspends: z.array(Facts).optional() });

export function staticRules(files: Readonly<Record<string, string>>): readonly StaticRule[] {
  const { policies = [] } = read(files[policyFile], Policies) ?? {};
  const { suspends = [] } = read(files[suspendFile], Suspensions) ?? {};
  const ofPolicies = policies.flatMap(({ fields = [], conditions = [], default: others }, at) => {
    const common = { kind: "policy" as const, fields: textsOf(fields) };
    const rows = conditions.map((condition, n) => ({
      ...common,
      place: `policies[${at}].conditions[${n}]`,
      match: pairsOf(condition.if ?? {}),
      limits: pairsOf(condition.then),
    }));
    if (others === undefined) return rows;
    return [...rows, { ...common, place: `policies[${at}].default`, match: [], limits: pairsOf(others) }];
  });
  const ofSuspensions = suspends.map((facts, at) => {
    const isLimit = (name: string): boolean => name === "tag" || name === "properties";
    const pairs = Object.entries(facts);
    return {
      kind: "suspension" as const,
      place: `suspends[${at}]`,
      fields: [],
      match: pairsOf(Object.fromEntries(pairs.filter(([name]) => !isLimit(name)))),
      limits: pairsOf(Object.fromEntries(pairs.filter(([name]) => isLimit(name)))),
    };
  });
  return [...ofPolicies, ...ofSuspensions];
}

function read<T>(text: string | undefined, shape: z.ZodType<T>): T | null {
  try {
    return shape.safeParse(load(text ?? "")).data ?? null;
  } catch {
    return null;
  }
}

function pairsOf(facts: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(facts).map(([name, value]) => `${name} = ${textOf(value)}`);
}

function textsOf(values: readonly unknown[]): string[] {
  return values.map(textOf);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
