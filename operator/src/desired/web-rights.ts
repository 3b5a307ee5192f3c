/**
 * What the web administration may ask of Kubernetes where `webAdmin.rolloutOrders` is on: to read and to patch its own
 * MailCluster. RBAC cannot name fields; that nothing but the annotation mailfleet.io/rollout is changed is seen to by the
 * chart's ValidatingAdmissionPolicy (helm/mailfleet/templates/rollout-orders-policy.yaml), which finds the account by its name.
 * Where the operator was not told that it is there, the pods get nothing of this, and WebAdminReady says why.
 */
import type { EnvVar, Role, RoleBinding } from "#operator/kube/objects.ts";

import type { ClusterIdentity, Context } from "./context.ts";
import { webName } from "./names.ts";
import { webMetadata } from "./web-labels.ts";

const GROUP = "rbac.authorization.k8s.io";

/** Where the API server may listen: its Service's port and the usual one behind it, since policies see the latter. */
export const apiServerPorts = [443, 6443] as const;

/** Whether the pages may order roll-outs: they are wanted to, and something holds them to it. */
export function mayOrderRollouts({ spec, operator }: Pick<Context, "spec" | "operator">): boolean {
  return spec.webAdmin.rolloutOrders && operator.hasOrdersPolicy;
}

/** Null: the pages may not order any. */
export function webRole(context: Context): Role | null {
  const { cluster } = context;
  if (!mayOrderRollouts(context)) return null;
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

/** Null: the pages may not order any. */
export function webRoleBinding(context: Context): RoleBinding | null {
  const { cluster } = context;
  if (!mayOrderRollouts(context)) return null;
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
