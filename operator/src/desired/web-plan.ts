/** All that the web administration of a cluster needs, in the order in which it is applied. */
import { resources } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { type PlannedObject, planned } from "./planned.ts";
import { webDeployment, webServiceAccount } from "./web-deployment.ts";
import { type WebMaterial, webSecret } from "./web-secret.ts";
import { webRole, webRoleBinding } from "./web-rights.ts";
import { webHttpRoute, webIngress, webNetworkPolicy, webService } from "./web-traffic.ts";

/** Nothing where it is not wanted, or while nobody has said which image to use. */
export function webPlan(context: Context, material: WebMaterial | null): readonly PlannedObject[] {
  const image = context.spec.webAdmin.image ?? context.operator.webImage;
  if (material === null || image === "") return [];
  return [
    planned(resources.serviceAccounts, webServiceAccount(context)),
    planned(resources.roles, webRole(context)),
    planned(resources.roleBindings, webRoleBinding(context)),
    planned(resources.secrets, webSecret(context, material)),
    planned(resources.networkPolicies, webNetworkPolicy(context)),
    planned(resources.services, webService(context)),
    planned(resources.deployments, webDeployment(context, image)),
    planned(resources.ingresses, webIngress(context)),
    planned(resources.httpRoutes, webHttpRoute(context)),
  ].flat();
}
