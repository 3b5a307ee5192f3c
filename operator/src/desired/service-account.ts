/** The pods' identity. It may do nothing, and no token of it is mounted: the engine never talks to Kubernetes. */
import type { ServiceAccount } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { metadata } from "./labels.ts";
import { serviceAccountName } from "./names.ts";

export function serviceAccount({ cluster }: Context): ServiceAccount {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: metadata(cluster, { name: serviceAccountName(cluster.name), ownedBy: "nobody" }),
    automountServiceAccountToken: false,
  };
}
