/** Where a message of this session comes from, as the trace field, logs and scripts want it (pure). */
import type { Origin } from "../message/envelope.ts";

export interface OriginFacts {
  readonly serverId: string;
  readonly sessionId: string;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly helo: string;
  readonly isExtended: boolean;
  readonly smtpUtf8: boolean;
  readonly tls: string | null;
  readonly isLoggedIn: boolean;
}

export function originOf(facts: OriginFacts): Origin {
  const { serverId, sessionId, remoteIp, remotePort, helo, tls } = facts;
  return { kind: "smtp", serverId, remoteIp, remotePort, helo, protocol: protocolOf(facts), tls, sessionId };
}

/** The names of RFC 3848 and RFC 6531 4.3. */
function protocolOf({ isExtended, smtpUtf8, tls, isLoggedIn }: OriginFacts): string {
  if (!isExtended) return "SMTP";
  return `${smtpUtf8 ? "UTF8SMTP" : "ESMTP"}${tls === null ? "" : "S"}${isLoggedIn ? "A" : ""}`;
}
