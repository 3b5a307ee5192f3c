/** What an attempt went over, and what rules said of it, for scripts that hear of attempts. Values only; nothing here fails. */
import type { X509Certificate } from "node:crypto";

/** A connection that was opened, or tried to be. */
export interface Reached {
  readonly id: string;
  /** As routed to: a mail exchanger, a server, an address or the path of a socket. */
  readonly host: string;
  /** "" where nobody was asked, since the host may not be used. */
  readonly remoteIp: string;
  readonly remotePort: number;
  /** "" while it is not connected and the system chooses. */
  readonly localIp: string;
  readonly localPort: number;
  /** The name said in EHLO. */
  readonly helo: string;
  /** Lines of the greeting, without their code. */
  readonly greeting: readonly string[];
  /** Null in the clear. */
  readonly tls: ReachedTls | null;
  /** How TLS failed, as reports call it (RFC 8460 4.3); null where it did not. */
  readonly tlsFailure: string | null;
  /** What DANE asks for; null where it has nothing to say. */
  readonly tlsa: ReachedTlsa | null;
}

export interface ReachedTls {
  /** Protocol and cipher. */
  readonly description: string;
  readonly leaf: X509Certificate | null;
  /** Why authorities do not vouch for it, as Node names OpenSSL's reasons; null where they do. */
  readonly unverified: string | null;
}

export interface ReachedTlsa {
  readonly records: readonly {
    readonly usage: number;
    readonly selector: number;
    readonly matching: number;
    readonly data: Buffer;
  }[];
  /** Why none of them names the certificate; null where one does, or none was shown. */
  readonly refusal: string | null;
}

/** Of the queue's policies, those that held for an attempt. */
export interface AttemptRules {
  /** The recipient's domain, or a group such as "&google". */
  readonly grouping: string;
  readonly tags: readonly string[];
  readonly policies: readonly HeldPolicy[];
}

export interface HeldPolicy {
  readonly id: string;
  /** What its counters are kept by. */
  readonly fields: readonly string[];
  readonly tag: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}
