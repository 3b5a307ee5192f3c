/** What the server knows of a connection whose TLS handshake is done. */

export interface Secured {
  /** Protocol and cipher. */
  readonly description: string;
  /** The name that the client asked for (RFC 6066 3); null for none. Whatever the client likes. */
  readonly serverName: string | null;
}
