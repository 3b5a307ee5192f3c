/**
 * The key and the password of a cluster's web administration: what its Secret holds, else made now. The cache may lag
 * behind another operator's last write, so before they are made anew the server is asked.
 */
import { randomBytes } from "node:crypto";

import type { MailClusterSpec } from "#crds/mail-cluster.ts";
import type { Key } from "#operator/cache/key.ts";
import { webName } from "#operator/desired/names.ts";
import { type WebMaterial, readWebSecret } from "#operator/desired/web-secret.ts";
import { type Secret, resources } from "#operator/kube/objects.ts";

import { isOurs } from "./ownership.ts";
import type { Tools } from "./tools.ts";

/** Null: none is wanted. */
export async function webMaterial(
  tools: Tools,
  { namespace, name }: Key,
  { webAdmin }: MailClusterSpec,
): Promise<WebMaterial | null> {
  if (!webAdmin.enabled) return null;
  const ref = { resource: resources.secrets, namespace, name: webName(name) };
  const secret = tools.caches.secrets.get(namespace, ref.name) ?? (await tools.kube.get<Secret>(ref));
  const known = secret === null || !isOurs(secret, name) ? null : readWebSecret(secret);
  const sessionKey = known?.sessionKey ?? randomBytes(48).toString("base64url");
  return { sessionKey, password: known?.password || randomBytes(15).toString("base64url") };
}
