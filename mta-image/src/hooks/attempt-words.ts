/** Words and numbers that scripts know for what delivery names otherwise: causes, states, OpenSSL's verify results. Pure. */

interface Cause {
  /** config, dns, network, dane, protocol, smtp, tls or plugin; null for trouble of this engine. */
  readonly type: string | null;
  /** nxdomain, nullmx, ipfamily, nodata, excluded or other. */
  readonly dns: string | null;
}

const dns = (what: string): Cause => ({ type: "dns", dns: what });
const of = (type: string): Cause => ({ type, dns: null });

/** By Trouble of delivery/outcome.ts; its own trouble (spool, shutdown) has no name here. */
const CAUSES: Readonly<Record<string, Cause>> = {
  "no-domain": dns("nxdomain"),
  "null-mx": dns("nullmx"),
  "no-address": dns("nodata"),
  "mx-excluded": dns("excluded"),
  "dns-failed": dns("other"),
  loop: dns("other"),
  "local-target": dns("other"),
  "no-source-ip": dns("ipfamily"),
  "no-source-id": of("config"),
  "bad-server": of("config"),
  "connect-refused": of("network"),
  "connect-timeout": of("network"),
  "connect-failed": of("network"),
  "reply-timeout": of("network"),
  lost: of("network"),
  garbage: of("protocol"),
  "tls-not-offered": of("tls"),
  "tls-failed": of("tls"),
  "tls-unverified": of("tls"),
  "sts-other-host": of("tls"),
  "requiretls-unknown-host": of("tls"),
  "requiretls-not-offered": of("tls"),
  "dane-failed": of("dane"),
  "auth-not-offered": of("smtp"),
  "deliverby-not-offered": of("smtp"),
  "too-late": of("smtp"),
  "bad-sender": of("smtp"),
  "bad-recipient": of("smtp"),
  "needs-smtputf8": of("smtp"),
  "too-large": of("smtp"),
};

export function causeOf(trouble: string | undefined, message: string): Cause {
  // The plugin courier's own words: a plugin that says nothing, or ends badly.
  if (/\bplugin /i.test(message) && trouble !== "bad-server") return of("plugin");
  return CAUSES[trouble ?? ""] ?? { type: null, dns: null };
}

const STATES: Readonly<Record<string, string>> = {
  greeting: "CONNECT",
  hello: "EHLO",
  tls: "STARTTLS",
  xclient: "XCLIENT",
  auth: "AUTH",
  mail: "MAIL",
  rcpt: "RCPT",
  data: "DATA",
  "end-of-data": "EOD",
};

/** What a reply answers, by Step of delivery/outcome.ts. */
export function stateOf(step: string | undefined): string | null {
  return STATES[step ?? ""] ?? null;
}

/** X509_V_ERR_* of OpenSSL by the names that Node has for them. */
const VERIFY_ERRORS: Readonly<Record<string, number>> = {
  UNABLE_TO_GET_ISSUER_CERT: 2,
  UNABLE_TO_GET_CRL: 3,
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 4,
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 6,
  CERT_SIGNATURE_FAILURE: 7,
  CRL_SIGNATURE_FAILURE: 8,
  CERT_NOT_YET_VALID: 9,
  CERT_HAS_EXPIRED: 10,
  CRL_NOT_YET_VALID: 11,
  CRL_HAS_EXPIRED: 12,
  ERROR_IN_CERT_NOT_BEFORE_FIELD: 13,
  ERROR_IN_CERT_NOT_AFTER_FIELD: 14,
  OUT_OF_MEM: 17,
  DEPTH_ZERO_SELF_SIGNED_CERT: 18,
  SELF_SIGNED_CERT_IN_CHAIN: 19,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 20,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 21,
  CERT_CHAIN_TOO_LONG: 22,
  CERT_REVOKED: 23,
  INVALID_CA: 24,
  PATH_LENGTH_EXCEEDED: 25,
  INVALID_PURPOSE: 26,
  CERT_UNTRUSTED: 27,
  CERT_REJECTED: 28,
  HOSTNAME_MISMATCH: 62,
  ERR_TLS_CERT_ALTNAME_INVALID: 62,
};

/** 0 where the certificate is good, 1 for a reason that OpenSSL has no number for. */
export function verifyErrorOf(unverified: string | null): number {
  return unverified === null ? 0 : (VERIFY_ERRORS[unverified] ?? 1);
}
