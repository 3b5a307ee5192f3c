/**
 * What a tier of tests needs around it, made before and removed after: nothing for unit tests, a control plane of its
 * own for API tests, the test cluster for scenarios. A cluster that was up before stays up. With MAILFLEET_KUBECONFIG
 * set, API tests and scenarios run against that cluster and nothing is made.
 */
import { closeCluster } from "../e2e/cluster/cluster.ts";
import { startControlPlane } from "../e2e/cluster/control-plane.ts";
import { isUp } from "../e2e/cluster/up.ts";
import type { Tier } from "./tiers.ts";

export interface Surroundings {
  /** Variables for the tests. */
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

type Say = (line: string) => void;

const nothing: Surroundings = { env: {}, remove: async () => {} };

export async function surround(tier: Tier, say: Say): Promise<Surroundings> {
  if (tier === "unit" || (process.env["MAILFLEET_KUBECONFIG"] ?? "") !== "") return nothing;
  if (tier === "api") return controlPlane(say);
  // Scenarios bring the cluster up themselves; what they leave is removed unless somebody had it before.
  return (await isUp()) ? nothing : { env: {}, remove: () => closeCluster(say) };
}

async function controlPlane(say: Say): Promise<Surroundings> {
  say("control plane for the API tier, about 10 s");
  const { kubeconfig, auditLog, stop } = await startControlPlane(say);
  return { env: { MAILFLEET_KUBECONFIG: kubeconfig, MAILFLEET_AUDIT_LOG: auditLog }, remove: stop };
}
