/**
 * What the web administration may ask of Kubernetes where `webAdmin.rolloutOrders` is on: to read and to patch its own
 * MailCluster. RBAC cannot name fields; that nothing but the annotation mailfleet.io/rollout is changed is seen to by the
 * chart's ValidatingAdmissionPolicy (helm/mailfleet/templates/rollout-orders-policy.yaml), which finds the account by its name.
 */
import type { EnvVar, Role, RoleBinding } from "#operator/kube/objects.ts";

import type { ClusterIdentity, Context } from "./context.ts";
import { webName } from "./names.ts";
import { webMetadata } from "./web-labels.ts";

const GROUP = "rbac.authorization.k8s.io";

/** Where the API server may listen: its Service's port and the usual one behind it, since policies see the latter. */
export const apiServerPorts = [443, 6443] as const;

/** Null: no orders are wanted from the pages. */
export function webRole({ cluster, spec }: Context): Role | null {
  if (!spec.webAdmin.rolloutOrders) return null;
  return {
    apiVersion: `${GROUP}/v1`,
    kind: "Role",
    metadata: webMetadata(cluster),
    rules: [
      {
        apiGroups: ["mailfleet.io"],
        resources: ["mailclusters"],
        resourceNames: [cluster.name],
        verbs: ["get", "patch"],
      },
    ],
  };
}

/** Null: no orders are wanted from the pages. */
export function webRoleBinding({ cluster, spec }: Context): RoleBinding | null {
  if (!spec.webAdmin.rolloutOrders) return null;
  const name = webName(cluster.name);
  return {
    apiVersion: `${GROUP}/v1`,
    kind: "RoleBinding",
    metadata: webMetadata(cluster),
    roleRef: { apiGroup: GROUP, kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name, namespace: cluster.namespace }],
  };
}

/** Tells the server which MailCluster is its own; it gives orders only where both are set. */
export function webEnvironment({ name, namespace }: ClusterIdentity): readonly EnvVar[] {
  return [
    { name: "MAILFLEET_CLUSTER_NAME", value: name },
    { name: "MAILFLEET_CLUSTER_NAMESPACE", value: namespace },
  ];
}
