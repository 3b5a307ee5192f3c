/** What an engine shows its peers when it hands mail over (pure). */
import type { EngineConfig } from "#contract/config.ts";

import type { PeerKeys } from "../transfer/peer-keys.ts";

/** Engines show each other what they show the operator: one certificate and one token a cluster. */
export function peerKeys(admin: EngineConfig["startup"]["admin"]): PeerKeys | null {
  const { tls, tokenfile } = admin ?? {};
  if (tls?.clientca === undefined || tokenfile === undefined) return null;
  return { ca: tls.clientca, cert: tls.cert, key: tls.key, tokenFile: tokenfile };
}
