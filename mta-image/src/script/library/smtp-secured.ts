/** What scripts hear of the TLS and the connection that a conversation of theirs with a server went over. */
import type { SmtpReached, SmtpSecured } from "../ports.ts";
import type { HslArray } from "../value.ts";
import { record } from "./subjects.ts";
import { x509Resource } from "./x509.ts";

export function connectionArray({ localIp, remoteIp, remoteMx }: SmtpReached): HslArray {
  return record({ localip: localIp, remoteip: remoteIp, remotemx: remoteMx });
}

export function tlsArray(tls: SmtpSecured | null): HslArray {
  if (tls === null) return record({ started: false });
  const { protocol, cipher, certificate } = tls;
  const bits =
    /(?:AES|ARIA|CAMELLIA)_?(\d{3})/.exec(cipher)?.[1] ?? (cipher.includes("CHACHA20") ? "256" : null);
  return record({
    started: true,
    protocol,
    cipher,
    ...(bits === null ? {} : { keysize: Number(bits) }),
    ...(certificate === null ? {} : { peercert: record({ x509: x509Resource(certificate) }) }),
  });
}
