/** Options of TLS as scripts write them: for http() and LDAP, whose servers have to prove who they are unless told otherwise, and for TLSSocket. */
import type { KeyObject } from "node:crypto";

import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import type { TlsWish } from "../http-port.ts";
import { type Ports, port } from "../ports.ts";
import { HostObject, HslArray, type Value } from "../value.ts";
import { keyClasses } from "./keys.ts";
import { flag, option } from "./subjects.ts";
import { type TlsVersions, tlsVersions } from "./tls-versions.ts";
import { pemOf } from "./x509.ts";

/** The older names of these options begin with ssl_. */
function either(options: HslArray | undefined, name: string, otherwise: boolean): boolean {
  return flag(options, `tls_${name}`, flag(options, `ssl_${name}`, otherwise));
}

export function tlsOptions(options: HslArray | undefined): TlsWish {
  const ca = option(options, "tls_ca");
  return {
    verifyPeer: either(options, "verify_peer", true),
    verifyHost: either(options, "verify_host", true),
    defaultCa: either(options, "default_ca", true),
    ca: ca === null ? [] : listOf(ca).map(pemOf),
    certificate: certificateOption(option(options, "tls_verify_cert") ?? option(options, "tls_certificate")),
  };
}

/** How a TLSSocket asks the server who it is. */
export interface SocketTls {
  readonly wish: TlsWish;
  /** "" for none. */
  readonly serverName: string;
  /** The certificate must have one of these; none: any will do. */
  readonly names: readonly string[];
  readonly versions: TlsVersions | null;
  readonly ciphers: string | null;
}

/**
 * The options of TLSSocket. As the manual has it, nobody is verified unless the script says so: by `tls_verify_ca` (or the
 * older `tls_verify_peer`, or authorities of its own) whether somebody known vouches, by `tls_verify_name` for whom.
 */
export function socketTls(
  options: HslArray | undefined,
  context: { readonly ports?: Partial<Ports> | undefined },
): SocketTls {
  const isVouched = option(options, "tls_ca") !== null;
  const verifyPeer = flag(options, "tls_verify_ca", either(options, "verify_peer", isVouched));
  const verifyHost = either(options, "verify_host", false);
  const serverName = toText(option(options, "tls_sni"));
  const names = option(options, "tls_verify_name");
  const protocols = option(options, "tls_protocols");
  const versions = protocols === null ? null : tlsVersions(protocols);
  if (versions === undefined)
    throw new Refusal("tls_protocols leaves no version that there is, such as TLSv1.2");
  const ciphers = option(options, "tls_ciphers");
  const wish = tlsOptions(options);
  const named = option(options, "tls_client_cert");
  const certificate = wish.certificate ?? namedCertificate(context, named === null ? null : toText(named));
  return {
    wish: { ...wish, certificate, verifyPeer, verifyHost },
    serverName,
    names: names === null ? (verifyHost ? [serverName] : []) : listOf(names).map(toText),
    versions,
    ciphers: ciphers === null ? null : toText(ciphers),
  };
}

function listOf(value: Value): readonly Value[] {
  return value instanceof HslArray ? value.values() : [value];
}

/** `["x509" => …, "privatekey" => …, "chain" => […]]`, as objects or PEM. */
function certificateOption(value: Value): TlsWish["certificate"] {
  if (value === null) return null;
  if (!(value instanceof HslArray)) throw new Refusal("a certificate is an array of x509 and privatekey");
  const [leaf, key, chain] = [value.get("x509"), value.get("privatekey"), value.get("chain")];
  if (leaf === null || key === null) throw new Refusal("a certificate is an array of x509 and privatekey");
  const more = chain instanceof HslArray ? chain.values() : [];
  return { cert: [leaf, ...more].map(pemOf).join("\n"), key: keyPem(key) };
}

/** A certificate with its key from the configuration, by `tls_client_cert`, before which pki: may stand; null for none. */
export function namedCertificate(
  context: { readonly ports?: Partial<Ports> | undefined },
  name: string | null,
): TlsWish["certificate"] {
  if (name === null || name === "") return null;
  const id = name.replace(/^pki:/, "");
  const keys = port(context, "keys");
  const [cert, key] = [keys.certificate?.(id) ?? null, keys.privateKey(id)];
  if (cert === null || key === null) throw new Refusal(`there is no certificate ${id} with its key`);
  return { cert, key };
}

export function keyPem(value: Value): string {
  if (!(value instanceof HostObject) || !keyClasses.some((cls) => cls === value.cls)) return toText(value);
  return (value.state as KeyObject).export({ type: "pkcs8", format: "pem" }).toString();
}
