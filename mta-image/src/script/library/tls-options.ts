/** Options of TLS as scripts write them for http() and TLSSocket. Servers have to prove who they are unless told otherwise. */
import type { KeyObject } from "node:crypto";

import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import type { TlsWish } from "../ports.ts";
import { HostObject, HslArray, type Value } from "../value.ts";
import { keyClasses } from "./keys.ts";
import { flag, option } from "./subjects.ts";
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

export function keyPem(value: Value): string {
  if (!(value instanceof HostObject) || !keyClasses.some((cls) => cls === value.cls)) return toText(value);
  return (value.state as KeyObject).export({ type: "pkcs8", format: "pem" }).toString();
}
