/**
 * What opens the admin API of the cluster's pods: a token, and a certificate for TLS with the authority that the
 * operator checks it by. Both are made in `reconcile/`; the pod gets token and certificate, never the authority's key.
 */
import type { Secret } from "#operator/kube/objects.ts";

import type { ClusterIdentity } from "./context.ts";
import { metadata } from "./labels.ts";
import { adminSecretName } from "./names.ts";

/** All but the token in PEM. */
export interface AdminMaterial {
  readonly token: string;
  readonly ca: string;
  /** Good for adminServerName (names.ts). */
  readonly cert: string;
  readonly key: string;
}

export function adminSecret(cluster: ClusterIdentity, material: AdminMaterial): Secret {
  const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata(cluster, { name: adminSecretName(cluster.name), ownedBy: "nobody" }),
    type: "Opaque",
    data: {
      token: base64(material.token),
      "ca.crt": base64(material.ca),
      "tls.crt": base64(material.cert),
      "tls.key": base64(material.key),
    },
  };
}

/** Null when something is missing in it: then it is made anew. */
export function readAdminSecret({ data }: Secret): AdminMaterial | null {
  const text = (key: string): string => Buffer.from(data?.[key] ?? "", "base64").toString("utf8");
  const material = { token: text("token"), ca: text("ca.crt"), cert: text("tls.crt"), key: text("tls.key") };
  return Object.values(material).includes("") ? null : material;
}
