/** Where a message of this session comes from, as the trace field, logs and scripts want it (pure). */
import type { Envelope, Origin } from "../message/envelope.ts";
import type { Transaction } from "./transaction.ts";

/** What the session knows of its client. */
export interface ClientFacts {
  readonly serverId: string;
  readonly sessionId: string;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly tls: string | null;
  readonly isLoggedIn: boolean;
}

/** The message that the transaction has described so far. */
export function messageOf(
  transaction: Transaction,
  client: ClientFacts,
): { readonly envelope: Envelope; readonly origin: Origin } {
  const { isExtended, heloName: helo } = transaction;
  const envelope = transaction.envelope();
  const { serverId, sessionId, remoteIp, remotePort, tls } = client;
  const protocol = isExtended ? protocolOf(client, envelope.smtpUtf8) : "SMTP";
  return {
    envelope,
    origin: { kind: "smtp", serverId, remoteIp, remotePort, helo, protocol, tls, sessionId },
  };
}

/** The names of RFC 3848 and RFC 6531 4.3. */
function protocolOf({ tls, isLoggedIn }: ClientFacts, smtpUtf8: boolean): string {
  return `${smtpUtf8 ? "UTF8SMTP" : "ESMTP"}${tls === null ? "" : "S"}${isLoggedIn ? "A" : ""}`;
}
