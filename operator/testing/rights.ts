/** The operator's own rights, for the user that tests let it act as on a real API server: rbac.ts and nothing else. */
import assert from "node:assert/strict";

import { rbac } from "#operator/rbac.ts";

import type { Admin } from "./api-server.ts";

export const OPERATOR = "system:serviceaccount:mailfleet-test:operator";

/** The roles of rbac.ts, bound to the user that the operator acts as. */
export async function grantRights(admin: Admin): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const subject = { kind: "ServiceAccount", name: "operator", namespace: "mailfleet-test" };
  const scopes = [
    {
      kind: "ClusterRole",
      path: `/apis/${group}/v1`,
      roles: "clusterroles",
      bindings: "clusterrolebindings",
      rules: [...rbac.workload, ...rbac.nodes, ...rbac.namespaces],
    },
    {
      kind: "Role",
      path: `/apis/${group}/v1/namespaces/mailfleet-test`,
      roles: "roles",
      bindings: "rolebindings",
      rules: rbac.lease,
    },
  ];
  for (const { kind, path, roles, bindings, rules } of scopes) {
    const metadata = { name: "mailfleet-test" };
    const role = { apiVersion: `${group}/v1`, kind, metadata, rules };
    const binding = {
      apiVersion: `${group}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: group, kind, name: "mailfleet-test" },
      subjects: [subject],
    };
    assert.ok((await admin.apply(`${path}/${roles}/mailfleet-test`, role)).status < 300);
    assert.ok((await admin.apply(`${path}/${bindings}/mailfleet-test`, binding)).status < 300);
  }
}
