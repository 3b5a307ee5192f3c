/**
 * What the operator may do, as data: resource to verbs, no wildcards. The chart's roles are checked against it, and
 * a test checks it against what the code asks for. Server-side apply of an object that is not there yet needs
 * "create" beside "patch". Reading /version and API groups is open to every authenticated client (system:discovery).
 *
 * `workload` is granted in every watched namespace (a ClusterRole, or a Role per namespace when --watch-namespaces is
 * set); `lease` in the lease's namespace only, where events about the operator itself go too.
 */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Kinds the operator makes, keeps a copy of and takes away again. */
const OWNED = ["get", "list", "watch", "create", "patch", "delete"];

export const rbac: {
  readonly workload: readonly Rule[];
  readonly nodes: readonly Rule[];
  readonly namespaces: readonly Rule[];
  readonly lease: readonly Rule[];
} = {
  workload: [
    // patch: only the finalizer in metadata; the spec belongs to the user and is never written.
    {
      apiGroups: ["mailfleet.io"],
      resources: ["mailclusters", "nativeplugins"],
      verbs: ["get", "list", "watch", "patch"],
    },
    {
      apiGroups: ["mailfleet.io"],
      resources: ["mailclusters/status", "nativeplugins/status"],
      verbs: ["patch"],
    },
    // Owner references that block deletion are refused without it where OwnerReferencesPermissionEnforcement is on.
    { apiGroups: ["mailfleet.io"], resources: ["mailclusters/finalizers"], verbs: ["update"] },
    {
      apiGroups: [""],
      resources: ["pods", "persistentvolumeclaims", "services", "configmaps", "secrets", "serviceaccounts"],
      verbs: OWNED,
    },
    { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: OWNED },
    { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies", "ingresses"], verbs: OWNED },
    { apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes"], verbs: OWNED },
    { apiGroups: ["apps"], resources: ["deployments"], verbs: OWNED },
    // The API server lets nobody grant what they may not do themselves, so nothing is gained by these.
    { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs: OWNED },
    { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
  ],
  // Nodes belong to no namespace: one ClusterRole of its own, which may be left out. The operator works without.
  nodes: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] }],
  // Only with --namespace-selector, in the ClusterRole of the workload.
  namespaces: [{ apiGroups: [""], resources: ["namespaces"], verbs: ["list", "watch"] }],
  lease: [
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
    {
      apiGroups: ["coordination.k8s.io"],
      resources: ["leases"],
      verbs: ["get", "update"],
      resourceNames: ["mailfleet-operator"],
    },
  ],
};
