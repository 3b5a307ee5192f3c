/**
 * The DQS key that a cluster wants, from the user's Secret (pure). A key is one label of letters and digits: what is
 * not one could reach into the names that are asked. The value is never in what is said about it.
 */
import type { SpamhausSpec } from "#crds/mail-cluster-spamhaus.ts";
import type { Secret } from "#operator/kube/objects.ts";

import type { WantedKey } from "./decide.ts";
import { keyFileName } from "./section.ts";

/** As in mta-image/src/spamhaus/names.ts, which judges again. */
const KEY = /^[a-z0-9]{8,63}$/;

export function wantedKey(
  { keySecretRef: { name, key } }: SpamhausSpec,
  secret: Secret | null,
  clusterUid: string,
): WantedKey {
  const unusable = (why: string): WantedKey => ({ kind: "unusable", why });
  if (secret === null) return unusable(`there is no Secret "${name}"`);
  const value = secret.data?.[key];
  if (value === undefined) return unusable(`Secret "${name}" has no key "${key}"`);
  const text = Buffer.from(value, "base64").toString("utf8").trim().toLowerCase();
  if (!KEY.test(text))
    return unusable(`"${key}" in Secret "${name}" is no DQS key, which is 8 to 63 letters and digits`);
  return { kind: "key", file: keyFileName(clusterUid, text), text };
}
