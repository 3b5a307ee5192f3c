/** Where a message of this session comes from, as the trace field, logs and scripts want it (pure). */
import type { Envelope, Origin } from "../message/envelope.ts";
import type { Transaction } from "./transaction.ts";

/** What the session knows of its client. */
export interface ClientFacts {
  readonly serverId: string;
  readonly sessionId: string;
  /** A script at the greeting may want another address to be known. */
  remoteIp: string;
  readonly remotePort: number;
  /** What TLS uses, from its start on; null in the clear. */
  tls: string | null;
}

/** The message that the transaction has described so far. */
export function messageOf(
  transaction: Transaction,
  client: ClientFacts,
): { readonly envelope: Envelope; readonly origin: Origin } {
  const { heloName: helo } = transaction;
  const envelope = transaction.envelope();
  const { serverId, sessionId, remoteIp, remotePort, tls } = client;
  const protocol = protocolOf(transaction, envelope.smtpUtf8);
  return {
    envelope,
    origin: { kind: "smtp", serverId, remoteIp, remotePort, helo, protocol, tls, sessionId },
  };
}

/** The names of RFC 3848 and RFC 6531 4.3, which only clients that say EHLO have. */
function protocolOf({ isExtended, isSecure, isLoggedIn }: Transaction, smtpUtf8: boolean): string {
  if (!isExtended) return "SMTP";
  return `${smtpUtf8 ? "UTF8SMTP" : "ESMTP"}${isSecure ? "S" : ""}${isLoggedIn ? "A" : ""}`;
}
