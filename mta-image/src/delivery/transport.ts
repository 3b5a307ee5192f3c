/**
 * What a transport's settings say about delivery, as delivery wants them: complete, in milliseconds. The
 * configuration room makes them; they may be new at every attempt, since a reload swaps them.
 */

import type { ExchangerChoice } from "../queue/courier.ts";
import type { SmtpLogin, TalkChoice } from "../smtp/talk-choice.ts";
import type { TlsChoice } from "../smtp/tls-choice.ts";
import type { BindNonlocal } from "./connect-to.ts";
import type { SourceAddress } from "./egress.ts";

/**
 * disabled         never TLS.
 * optional         TLS where it is offered, no matter whose certificate; in the clear when it does not work.
 * optional_verify  in the clear where TLS is not offered; where it is, it must work and the certificate must fit.
 * require          TLS or no mail; any certificate.
 * require_verify   TLS with a certificate that fits the host, or no mail.
 */
export type BasicTlsMode = "disabled" | "optional" | "optional_verify" | "require" | "require_verify";

/**
 * For mail exchangers of a signed zone, and for servers that are named, where TLSA records name certificates (RFC 7672), these
 * and no others; else:
 *
 * dane                          as `optional`.
 * dane_fallback_require_verify  as `require_verify`.
 * dane_require                  no mail.
 */
export type TlsMode = BasicTlsMode | "dane" | "dane_fallback_require_verify" | "dane_require";

/** How long each step may take (RFC 5321 4.5.3.2). */
export interface Timeouts {
  readonly connectMs: number;
  readonly greetingMs: number;
  /** EHLO, HELO and STARTTLS, each. */
  readonly helloMs: number;
  /** The TLS handshake. */
  readonly tlsMs: number;
  readonly mailMs: number;
  readonly rcptMs: number;
  readonly dataMs: number;
  /** Each piece of a large message. */
  readonly blockMs: number;
  /** The reply to the end of data: short waits here make double deliveries. */
  readonly endOfDataMs: number;
}

export const defaultTimeouts: Timeouts = {
  connectMs: 30_000,
  greetingMs: 300_000,
  helloMs: 300_000,
  tlsMs: 60_000,
  mailMs: 300_000,
  rcptMs: 300_000,
  dataMs: 120_000,
  blockMs: 180_000,
  endOfDataMs: 600_000,
};

export interface TransportSettings {
  /** The servers speak LMTP (RFC 2033), with a word on each recipient; they are fixed ones. */
  readonly isLmtp: boolean;
  /** Messages that are in memory go by BDAT where it is offered (RFC 3030). */
  readonly mayChunk: boolean;
  /**
   * Where all mail of the transport goes: `host`, `host:port`, `[ip]`, `[ip]:port`, `/path/of/a/socket` or several separated by
   * commas, tried in order. Null: to the mail exchangers of the recipient's domain.
   */
  readonly server: string | null;
  /** For servers without a port of their own, and for mail exchangers. */
  readonly port: number;
  /** Which mail exchangers may be used; absent: all. */
  readonly exchangers?: ExchangerChoice;
  readonly tlsMode: TlsMode;
  /** How TLS is spoken, beside its mode; absent: as usual. */
  readonly tls?: TlsChoice;
  /** The name to say hello with where the source address has none of its own; absent: the engine's. */
  readonly helo?: string;
  /** Whom to sign on as, and what to say of whose mail it is; absent: nobody and nothing. */
  readonly login?: SmtpLogin | null;
  readonly xclient?: TalkChoice["xclient"];
  /** Policies of domains count as well (MTA-STS, RFC 8461), on top of the mode. */
  readonly mtaSts: boolean;
  /** What the domain asks is not looked for, as the mail wishes. */
  readonly leavesPolicies?: boolean;
  /** Only hosts that a signed zone or a policy names may be used (RFC 8689 4.2.1). */
  readonly mustKnowHosts: boolean;
  /** Certificates to trust when the mode verifies, PEM; null for the well-known authorities. */
  readonly ca: string | null;
  /**
   * Addresses to connect from; empty lets the system choose. With one family only, the other is not tried. One that
   * is there twice is used twice as often.
   */
  readonly sourceIps: readonly string[];
  /** Hosts are tried by this family of addresses alone; null: by both. */
  readonly onlyFamily: 4 | 6 | null;
  /** The first that fits is used, not any. */
  readonly isSourceOrdered?: boolean;
  /** Who binds those of them that this system need not have; absent: it must have them. */
  readonly bind?: BindNonlocal;
  /** What is said of some of these, by address. */
  readonly sources: ReadonlyMap<string, SourceAddress>;
  readonly timeouts: Timeouts;
  /** Open connections to one destination. */
  readonly maxConnections: number;
  /** Messages sent over one connection before it is closed. */
  readonly maxTransactions: number;
  /** How long an unused connection is kept. */
  readonly idleMs: number;
}

export const defaultTransport: TransportSettings = {
  isLmtp: false,
  mayChunk: false,
  server: null,
  port: 25,
  tlsMode: "optional",
  mtaSts: false,
  mustKnowHosts: false,
  ca: null,
  sourceIps: [],
  onlyFamily: null,
  sources: new Map(),
  timeouts: defaultTimeouts,
  maxConnections: 20,
  maxTransactions: 1000,
  idleMs: 30_000,
};

const lax = new WeakMap<TransportSettings, TransportSettings>();

/**
 * The settings for mail that must not be held back by what its recipient's domain asks of TLS (RFC 8689 5): the same
 * object for the same settings. What we were told to ask of hosts ourselves still counts.
 */
export function withOptionalTls(settings: TransportSettings): TransportSettings {
  if (settings.tlsMode !== "dane" && !settings.mtaSts) return settings;
  const tlsMode = settings.tlsMode === "dane" ? "optional" : settings.tlsMode;
  const known = lax.get(settings) ?? { ...settings, tlsMode, mtaSts: false, leavesPolicies: true };
  lax.set(settings, known);
  return known;
}

const strict = new WeakMap<TransportSettings, TransportSettings>();

/** The settings for mail that must travel in TLS (RFC 8689 4.2.1): the same object for the same settings. */
export function withRequiredTls(settings: TransportSettings): TransportSettings {
  const known = strict.get(settings) ?? {
    ...settings,
    tlsMode: settings.tlsMode.startsWith("dane") ? "dane_fallback_require_verify" : "require_verify",
    mustKnowHosts: true,
    ...(settings.tls === undefined ? {} : { tls: { ...settings.tls, verifyHost: null, verifyNames: null } }),
  };
  strict.set(settings, known);
  return known;
}
