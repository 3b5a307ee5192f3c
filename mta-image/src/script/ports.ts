/**
 * What scripts reach outside of themselves, each as an interface of its own: the engine, hsh and tests hand in what they
 * have (`World.ports`), and a function whose port is missing is refused. No port throws for what the other side does;
 * a promise that rejects is our bug and fails the script.
 */
import type { X509Certificate } from "node:crypto";

import { Refusal } from "./error.ts";
import type { ByteSource, Pieces } from "./mail/pieces.ts";
import type { Value } from "./value.ts";
import type { HttpPort, TlsWish } from "./http-port.ts";
import type { EnvelopeAddress, MailPort } from "./mail-port.ts";

export interface Reply {
  readonly code: number;
  readonly enhanced: readonly number[];
  readonly reason: readonly string[];
}

/** A server to speak SMTP with, as a script names it. */
export interface SmtpServer {
  /** Of a transport, whose settings count in place of these. Where there is none of the name, it is a server's. */
  readonly transportId: string | null;
  /** host, host:port or [ip]:port, several with commas between; null: the mail exchangers of the recipient's domain. */
  readonly server: string | null;
  /** For servers without a port of their own. */
  readonly port: number;
  readonly isLmtp: boolean;
  readonly helo: string | null;
  /** An address to connect from, or its name in the configuration; null lets the system choose. */
  readonly source: string | null;
  readonly isNonlocal: boolean;
  readonly tls: SmtpTls;
  /** Attributes by name; none: the command is not sent. */
  readonly xclient: Readonly<Record<string, string>>;
  /** Names of mail exchangers, or *.name for one label before it, in lower case; no `include`: all. */
  readonly exchangers: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  /** Milliseconds by state; the usual ones (RFC 5321 4.5.3.2) for those that are not there. */
  readonly timeouts: Readonly<Partial<Record<SmtpState, number>>>;
  readonly connectMs: number;
  readonly username: string | null;
  readonly password: string | null;
}

export const smtpTlsModes = [
  "disabled",
  "optional",
  "optional_verify",
  "require",
  "require_verify",
  "dane",
  "dane_fallback_require_verify",
  "dane_require",
] as const;

export interface SmtpTls {
  readonly mode: (typeof smtpTlsModes)[number];
  /** From the first byte, without STARTTLS. */
  readonly isImplicit: boolean;
  /** The name to ask for; true: that of the host. */
  readonly serverName: string | boolean;
  readonly versions: { readonly lowest: TlsVersion; readonly highest: TlsVersion } | null;
  readonly ciphers: string | null;
  /** The certificate must be for the host. */
  readonly verifyHost: boolean;
  /** The certificate must be for one of these; none: any will do. */
  readonly names: readonly string[];
  /** The usual authorities count beside those of `ca`, PEM. */
  readonly defaultCa: boolean;
  readonly ca: readonly string[];
  /** The name of our own certificate. */
  readonly clientCert: string | null;
  /** The script sees the server's certificate. */
  readonly isCaptured: boolean;
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** The step of a conversation that a reply belongs to. */
export const smtpStates = [
  "BANNER",
  "HELO",
  "EHLO",
  "LHLO",
  "STARTTLS",
  "AUTH-PLAIN",
  "AUTH-LOGIN",
  "AUTH-LOGIN-USER",
  "AUTH",
  "XCLIENT",
  "MAIL",
  "RCPT",
  "DATA",
  "EOD",
  "QUIT",
] as const;
export type SmtpState = (typeof smtpStates)[number];

/** The last reply of the server, or why there is none, and how far it came. */
export type SmtpOutcome = (Reply | { readonly error: string; readonly temporary: boolean }) & {
  /** Null: it did not come to a conversation. */
  readonly state: SmtpState | null;
  /** Null: in the clear. */
  readonly tls: SmtpSecured | null;
  /** Null: nobody was reached. */
  readonly connection: SmtpReached | null;
};

/** What a conversation went over. */
export interface SmtpReached {
  readonly localIp: string;
  readonly remoteIp: string;
  /** The name of the host. */
  readonly remoteMx: string;
}

export interface SmtpSecured {
  readonly protocol: string;
  readonly cipher: string;
  /** Null where the script did not ask for it. */
  readonly certificate: X509Certificate | null;
}

export interface SmtpPort {
  send(
    wish: {
      readonly sender: EnvelopeAddress;
      readonly recipients: readonly EnvelopeAddress[];
      readonly server: SmtpServer;
      /** Null: only whether the recipients would be taken. */
      readonly message: Pieces | null;
    },
    signal: AbortSignal,
  ): Promise<SmtpOutcome>;
  /** Signs on with the server's name and password, and leaves. */
  authenticate(server: SmtpServer, signal: AbortSignal): Promise<SmtpOutcome>;
}

export type DnsType = "a" | "aaaa" | "mx" | "txt" | "ptr" | "cname" | "ns" | "soa" | "srv" | "tlsa" | "caa";

export type DnsAnswer =
  | { readonly records: readonly DnsRecord[] }
  /** NXDOMAIN, NO_DATA, TRY_AGAIN, SERVFAIL or another code of the resolver. */
  | { readonly error: string };

/** A text, or fields by name (mx: preference, exchange). */
export type DnsRecord = string | Readonly<Record<string, string | number>>;

/** Whom a script wants to be asked, and how long it waits. */
export interface DnsWish {
  /** Addresses, each with or without a port; null: the engine's own, with what it keeps. */
  readonly servers: readonly string[] | null;
  /** Of a question; null: the usual time. */
  readonly timeoutMs: number | null;
}

export interface DnsFound {
  readonly ttlSeconds?: number;
  /** The answer was validated (DNSSEC), as says a server that may be believed. */
  readonly isAuthentic?: boolean;
}

export interface DnsPort {
  /** Names are absolute. Never rejects. */
  query(name: string, type: DnsType, wish?: DnsWish): Promise<DnsAnswer & DnsFound>;
}

export interface SpfPort {
  /** RFC 7208: the result word and why. Never rejects. */
  check(question: {
    readonly ip: string;
    readonly helo: string;
    readonly sender: string;
    readonly wish?: DnsWish;
  }): Promise<{ readonly result: string; readonly reason: string }>;
}

export const queueFields = [
  "transportid",
  "localip",
  "remoteip",
  "remotemx",
  "recipientdomain",
  "jobid",
  "grouping",
  "tenantid",
] as const;

/** What mail has to have; a field that is not there may be anything. */
export type QueueFields = Partial<Readonly<Record<(typeof queueFields)[number], string>>>;

export interface QueueLimits {
  /** Null: not bounded. */
  readonly concurrency: number | null;
  readonly rate: { readonly tokens: number; readonly seconds: number } | null;
  readonly connectIntervalSeconds: number | null;
  readonly tag: string | null;
  readonly properties: Readonly<Record<string, string>>;
  readonly stop: boolean;
  readonly cluster: boolean;
}

/** Orders come into force at once. False and null are for what the queue cannot take or does not know. */
export interface QueueOrders {
  suspend(order: {
    readonly id: string;
    /** Nothing is changed where there is one of the id. */
    readonly isNew: boolean;
    readonly match: QueueFields;
    readonly tag: string | null;
    readonly properties: Readonly<Record<string, string>>;
    readonly ttlSeconds: number;
  }): boolean;
  addPolicy(order: {
    readonly id: string;
    readonly isNew: boolean;
    readonly type: "dynamic" | "backoff" | "warmup";
    readonly fields: readonly (keyof QueueFields)[];
    readonly match: QueueFields;
    readonly limits: QueueLimits;
    readonly ttlSeconds: number;
  }): boolean;
  deletePolicy(id: string): boolean;
  /** Null: it is a quota of the configuration, which counts recipients alone. */
  quota(name: string): { readonly count: number; readonly bytes: number | null };
  connections(serverId: string, address: string | null): number | null;
  /** The part of the cluster's limits that this engine has: 0 to 1. */
  share(): number;
}

export interface MetricsPort {
  /** False for a figure too many. */
  change(
    name: string,
    labels: Readonly<Record<string, string>>,
    how: "increment" | "decrement" | "set",
    value: number,
  ): boolean;
  get(name: string, labels: Readonly<Record<string, string>>): number | null;
}

export interface FilePort {
  /** Null when there is none, or none that scripts may read. */
  open(path: string): ByteSource | null;
}

export interface KeyPort {
  /** PEM by the name that the configuration gave it. */
  privateKey(id: string): string | null;
  /** The chain in PEM, the leaf first; absent where only keys are known. */
  certificate?(id: string): string | null;
}

export interface SocketPort {
  /** From an address that this system need not have: a descriptor, which the caller closes, or a negative errno. */
  bound(address: string, port: number, isStream: boolean): number;
}

export interface ForeignPort {
  /** A FILE* for the functions of C libraries. Rejects when the bytes cannot be read. */
  file(bytes: Pieces): Value | Promise<Value>;
  /** An X509* of OpenSSL for them, from DER, a character a byte; none where the system has no OpenSSL. */
  certificate(der: string): Value;
  /** A file descriptor for them. */
  descriptor(number: number): Value;
}

/** LDAP's result code (RFC 4511 appendix A), or one below 0 as OpenLDAP has them for what happens on this side; 0 is good. */
export interface LdapTrouble {
  readonly code: number;
  /** What the server said; "" for nothing. */
  readonly message: string;
}

export interface LdapWish {
  readonly uris: readonly string[];
  /** 0 for the default of each. */
  readonly connectTimeoutMs: number;
  readonly timeoutMs: number;
  readonly tls: TlsWish;
}

export interface LdapQuestion {
  readonly scope: "sub" | "one" | "base";
  readonly filter: string;
  /** Empty for all. */
  readonly attributes: readonly string[];
  /** 0: all at once. */
  readonly pageSize: number;
  readonly timeLimitSeconds: number;
}

export interface LdapEntry {
  readonly dn: string;
  readonly attributes: readonly (readonly [name: string, values: readonly Buffer[]])[];
}

/** A connection that is made with its first use, and again by none: what is lost is lost. Nothing rejects. */
export interface LdapConnection {
  startTls(): Promise<LdapTrouble | null>;
  bind(dn: string, password: string): Promise<LdapTrouble | null>;
  /** Entries page by page; trouble is the last thing that comes. */
  search(base: string, question: LdapQuestion): AsyncGenerator<readonly LdapEntry[] | LdapTrouble>;
  /** Of the server, within TLS. */
  certificate(): X509Certificate | null;
  close(): void;
}

export interface LdapProfile {
  readonly uris: readonly string[];
  readonly startTls: boolean;
  /** Who asks; "" for nobody. */
  readonly bindDn: string;
  readonly password: string;
  readonly base: string;
  /** With %s for what is looked up. */
  readonly filter: string;
  readonly attributes: readonly string[];
  /** The name of a user with %s for what is bound; "" when the user is looked up by the filter. */
  readonly userDn: string;
  readonly timeoutMs: number;
}

export interface LdapPort {
  /** Null for a name that the configuration does not have. */
  profile(name: string): LdapProfile | null;
  connect(wish: LdapWish, signal: AbortSignal): LdapConnection;
}

export interface Ports {
  readonly dns: DnsPort;
  readonly http: HttpPort;
  readonly spf: SpfPort;
  readonly mail: MailPort;
  readonly smtp: SmtpPort;
  readonly queue: QueueOrders;
  readonly metrics: MetricsPort;
  readonly files: FilePort;
  readonly keys: KeyPort;
  readonly sockets: SocketPort;
  readonly foreign: ForeignPort;
  readonly ldap: LdapPort;
}

const what: Readonly<Record<keyof Ports, string>> = {
  dns: "there is no DNS here",
  http: "there is no HTTP here",
  spf: "SPF is not checked here",
  mail: "there is no queue here",
  queue: "there is no queue here",
  metrics: "there are no figures here",
  smtp: "mail is not sent from here",
  files: "there are no files here",
  keys: "there are no configured keys here",
  sockets: "the option nonlocal of bind is to be had in the engine alone",
  foreign: "C functions are not allowed here",
  ldap: "there is no LDAP here",
};

/** Throws a Refusal, which says so to the script, when there is none. */
export function port<K extends keyof Ports>(
  { ports }: { readonly ports?: Partial<Ports> | undefined },
  name: K,
): Ports[K] {
  const found = ports?.[name];
  if (found === undefined) throw new Refusal(what[name]);
  return found;
}
