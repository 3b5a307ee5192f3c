/**
 * Which tier a test file belongs to (pure): the name says it. `*.api.test.ts` needs a real API server, `*.e2e.test.ts`
 * and whatever stands under e2e/scenarios/ need real pods, every other `*.test.ts` needs neither root nor a cluster.
 */
export type Tier = "unit" | "api" | "e2e";

export const tiers = ["unit", "api", "e2e"] as const satisfies readonly Tier[];

/** Null: not a test. */
export function tierOf(path: string): Tier | null {
  if (!path.endsWith(".test.ts")) return null;
  if (/(^|[./-])api\.test\.ts$/.test(path)) return "api";
  if (path.endsWith(".e2e.test.ts") || path.startsWith("e2e/scenarios/")) return "e2e";
  return "unit";
}

/** How many files run at once: the API tier shares one control plane, scenarios share one node. */
export const concurrency: Readonly<Record<Tier, number>> = { unit: 2, api: 2, e2e: 1 };

/** What hangs longer than this has failed; a bound against a run that never ends, not a demand on speed. */
export const patienceMs: Readonly<Record<Tier, number>> = { unit: 180_000, api: 300_000, e2e: 900_000 };
