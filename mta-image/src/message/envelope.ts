/**
 * Who a message is from and for, as the session learned it and as spool, queue and delivery carry it.
 * Addresses are byte-exact as the client gave them, without angle brackets and source route; the empty
 * sender is the null reverse-path of a notice (RFC 5321 4.5.5).
 */
import { domainToASCII } from "node:url";

import type { NoticeWishes } from "./notice-wishes.ts";

export interface Envelope {
  readonly sender: string;
  readonly recipients: readonly string[];
  /** SMTPUTF8 was asked for and is needed (RFC 6531): only hosts that offer it may get the message. */
  readonly smtpUtf8: boolean;
  /** BODY=8BITMIME was declared (RFC 6152). */
  readonly eightBit: boolean;
  /** The transport id that each recipient starts with: the server's default transport in this version. */
  readonly transportId: string;
  /** The sender's names for a mailing and a customer, for policies and questions; absent when nobody gave one. */
  readonly jobId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** Names that a script counts it under while it is queued; absent for none. */
  readonly quotas?: readonly string[] | undefined;
  /** What was said about notices (RFC 3461); absent when nothing was. */
  readonly dsn?: NoticeWishes | undefined;
  /** FUTURERELEASE (RFC 4865), wall-clock ms: nobody is tried before. */
  readonly holdUntil?: number | undefined;
  /** DELIVERBY (RFC 2852), `at` in wall-clock ms: then it comes back, or its sender is told that it is late. */
  readonly deliverBy?: DeliverBy | undefined;
  /** From -9 (can wait) to 9 (urgent), RFC 6710; absent means 0. */
  readonly priority?: number | undefined;
  /** REQUIRETLS (RFC 8689): only through verified TLS to hosts that promise the same. Absent means no. */
  readonly requireTls?: boolean | undefined;
  /** `TLS-Required: No` (RFC 8689 5): what the recipient's domain asks of TLS must not hold it back. Absent means no. */
  readonly tlsOptional?: boolean | undefined;
  /** Absent where no script was asked. */
  readonly marks?: ScriptMarks | undefined;
}

export interface DeliverBy {
  readonly at: number;
  readonly mode: "return" | "notify";
  /** Each host that takes the message tells its sender. */
  readonly trace: boolean;
}

/** What scripts gave a message on its way, for scripts that see it later. */
export interface ScriptMarks {
  /** Of $transaction, which may have made several messages. */
  readonly transaction: string;
  /** The number of the message's first recipient among all of the transaction. */
  readonly first: number;
  /** It waits for an administrator's release from the start. */
  readonly hold?: boolean | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Where a message came from: facts for the trace field, logs and scripts. */
export interface Origin {
  /** `notice` is mail that we made ourselves; it skips the loop check and is never answered with a notice. */
  readonly kind: "smtp" | "notice";
  readonly serverId: string;
  /** Empty for mail made here. */
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly helo: string;
  /** The name of RFC 3848 for the trace field: SMTP, ESMTP, ESMTPS, UTF8SMTP, UTF8SMTPS. */
  readonly protocol: string;
  /** Cipher description such as "TLSv1.3 TLS_AES_256_GCM_SHA384", or null in the clear. */
  readonly tls: string | null;
  readonly sessionId: string;
}

/** Of mail that is made here: notices, and what scripts send by themselves. */
export function fromHere(sessionId: string): Origin {
  return {
    kind: "notice",
    serverId: "",
    remoteIp: "",
    remotePort: 0,
    helo: "",
    protocol: "",
    tls: null,
    sessionId,
  };
}

/** The domain of a stored address as routing uses it: what follows the last @, in lower case, A-labels. */
export function domainOf(address: string): string {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  return /^[\x21-\x7e]*$/.test(domain) ? domain.toLowerCase() : domainToASCII(domain);
}

/** With its domain in A-labels (RFC 5890 2.3.2.1): only its local part may then be beyond ASCII. */
export function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf("@");
  if (at === -1 || /^[\x00-\x7f]*$/.test(address)) return address;
  const domain = domainOf(address);
  return domain === "" ? address : `${address.slice(0, at)}@${domain}`;
}

/** Only hosts that know SMTPUTF8 can be told it (RFC 6531 3.2): it is beyond ASCII also with its domain in A-labels. */
export function needsUtf8(address: string): boolean {
  return !/^[\x00-\x7f]*$/.test(withAsciiDomain(address));
}
