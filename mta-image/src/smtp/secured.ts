/** What the server knows of a connection whose TLS handshake is done. */
import type { X509Certificate } from "node:crypto";

export interface Secured {
  /** Protocol and cipher. */
  readonly description: string;
  /** The name that the client asked for (RFC 6066 3); null for none. Whatever the client likes. */
  readonly serverName: string | null;
  /** What the client showed; null when it was not asked or has none. */
  readonly certificate: ShownCertificate | null;
}

export interface ShownCertificate {
  readonly leaf: X509Certificate;
  /** Why authorities do not vouch for it, as Node names OpenSSL's reasons; null where they do. */
  readonly unverified: string | null;
}
