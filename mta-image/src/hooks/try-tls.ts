/** What Try() says of TLS beside its mode, as plain values, or what is wrong with it. Pure. */
import { isUsableTls } from "../script/library/tls-usable.ts";
import { tlsVersions } from "../script/library/tls-versions.ts";
import type { ClientCertificate, TlsChoice } from "../smtp/tls-choice.ts";
import { type Value, HslArray } from "../script/value.ts";

/** A certificate of the configuration with its key; null for a name that it does not have. */
export type FindCertificate = (id: string) => ClientCertificate | null;

/** Null when the options say nothing of it. */
export function tlsChoice(options: HslArray, find: FindCertificate): TlsChoice | null | string {
  const serverName = nameOf(options.get("tls_sni"));
  if (serverName === undefined) return "tls_sni is no name";
  const flags = ["tls_verify_host", "tls_default_ca"].map((name) => options.get(name));
  const [verifyHost = null, defaultCa = null] = flags;
  if (verifyHost !== null && typeof verifyHost !== "boolean") return "tls_verify_host is not true or false";
  if (defaultCa !== null && typeof defaultCa !== "boolean") return "tls_default_ca is not true or false";
  const protocols = options.get("tls_protocols");
  const versions = protocols === null ? null : tlsVersions(protocols);
  if (versions === undefined) return "tls_protocols leaves no version that there is, such as TLSv1.2";
  const verifyNames = namesOf(options.get("tls_verify_name"));
  if (verifyNames === undefined) return "tls_verify_name is no list of names";
  const ciphers = options.get("tls_ciphers");
  if (ciphers !== null && (typeof ciphers !== "string" || !isUsableTls({ ciphers })))
    return "tls_ciphers leaves no cipher that there is";
  const certificate = certificateOf(options.get("tls_client_cert"), find);
  if (certificate === undefined) return "tls_client_cert is no certificate with a key in pki.private";
  const choice = { serverName, verifyHost, defaultCa, versions, verifyNames, ciphers, certificate };
  return Object.values(choice).every((value) => value === null) ? null : choice;
}

/** `pki:` before the name is the manual's way to write it. */
function certificateOf(value: Value, find: FindCertificate): ClientCertificate | null | undefined {
  if (value === null) return null;
  const found = typeof value === "string" ? find(value.replace(/^pki:/, "")) : null;
  return found !== null && isUsableTls(found) ? found : undefined;
}

/** A text or a list of texts, each perhaps with a dot in front. */
function namesOf(value: Value): readonly string[] | null | undefined {
  if (value === null) return null;
  const names = value instanceof HslArray ? value.values() : [value];
  const isName = (name: Value): name is string =>
    typeof name === "string" && typeof nameOf(name.replace(/^\./, "")) === "string";
  return names.length > 0 && names.every(isName) ? names : undefined;
}

/** true is the host's own name, as without the option; false sends none. */
function nameOf(value: Value): TlsChoice["serverName"] | undefined {
  if (value === null || value === true) return null;
  if (value === false) return "";
  return typeof value === "string" && /^[a-z0-9_](?:[a-z0-9._-]{0,252}[a-z0-9])?$/i.test(value)
    ? value
    : undefined;
}
