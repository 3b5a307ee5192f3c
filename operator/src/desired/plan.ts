/**
 * All that a cluster needs besides its slots, in the order in which it is applied: reading the list is reading the
 * deployment. Pods and claims are made slot by slot as slots/ decides. What is of these kinds, carries the
 * cluster's label and is not in the list is not wanted any more; ConfigMaps have their own rule (config-map.ts).
 */
import { resources } from "#operator/kube/objects.ts";

import { type AdminMaterial, adminSecret } from "./admin-secret.ts";
import { configMap } from "./config-map.ts";
import type { Context } from "./context.ts";
import { disruptionBudget } from "./disruption-budget.ts";
import { egressPolicy } from "./egress-policy.ts";
import { networkPolicy } from "./network-policy.ts";
import { type PlannedObject, planned } from "./planned.ts";
import { serviceAccount } from "./service-account.ts";
import { headlessService, mailService } from "./services.ts";
import { spamhausSecret } from "./spamhaus-secret.ts";
import { webPlan } from "./web-plan.ts";
import type { WebMaterial } from "./web-secret.ts";

export function plan(
  context: Context,
  admin: AdminMaterial,
  /** Keys for Spamhaus, by file. */
  keys: ReadonlyMap<string, string>,
  web: WebMaterial | null,
): readonly PlannedObject[] {
  const engines = [
    planned(resources.serviceAccounts, serviceAccount(context)),
    planned(resources.secrets, adminSecret(context.cluster, admin)),
    planned(resources.secrets, spamhausSecret(context.cluster, keys)),
    planned(resources.configMaps, configMap(context)),
    planned(resources.networkPolicies, networkPolicy(context)),
    planned(resources.networkPolicies, egressPolicy(context)),
    planned(resources.services, headlessService(context)),
    planned(resources.services, mailService(context)),
    planned(resources.disruptionBudgets, disruptionBudget(context)),
  ].flat();
  return [...engines, ...webPlan(context, web)];
}
