/**
 * The keys that lie in the pods, as a Secret of ours: one file each, mounted as a whole, so that a new key lies beside
 * the old one and both can be read while pods change over. The user's Secret is not mounted: what it holds goes to
 * no pod before it was tried out. It is mounted in every pod, whether it is there or not, so that switching Spamhaus
 * on restarts none.
 */
import type { Secret, Volume } from "#operator/kube/objects.ts";

import type { ClusterIdentity } from "./context.ts";
import { metadata } from "./labels.ts";
import { spamhausSecretName } from "./names.ts";

/** Null: no key is needed. */
export function spamhausSecret(cluster: ClusterIdentity, keys: ReadonlyMap<string, string>): Secret | null {
  if (keys.size === 0) return null;
  const data = [...keys].map(([file, key]) => [file, Buffer.from(key, "utf8").toString("base64")] as const);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata(cluster, { name: spamhausSecretName(cluster.name), ownedBy: "cluster" }),
    type: "Opaque",
    data: Object.fromEntries(data),
  };
}

export function readSpamhausSecret(secret: Secret | null): ReadonlyMap<string, string> {
  const entries = Object.entries(secret?.data ?? {});
  return new Map(entries.map(([file, value]) => [file, Buffer.from(value, "base64").toString("utf8")]));
}

export function spamhausVolume(cluster: string): Volume {
  return { name: "spamhaus", secret: { secretName: spamhausSecretName(cluster), optional: true } };
}
