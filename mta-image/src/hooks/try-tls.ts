/** What Try() says of TLS beside its mode, as plain values, or what is wrong with it. Pure. */
import { tlsVersions } from "../script/library/tls-versions.ts";
import type { TlsChoice } from "../smtp/tls-choice.ts";
import type { Value, HslArray } from "../script/value.ts";

/** Null when the options say nothing of it. */
export function tlsChoice(options: HslArray): TlsChoice | null | string {
  const serverName = nameOf(options.get("tls_sni"));
  if (serverName === undefined) return "tls_sni is no name";
  const flags = ["tls_verify_host", "tls_default_ca"].map((name) => options.get(name));
  const [verifyHost = null, defaultCa = null] = flags;
  if (verifyHost !== null && typeof verifyHost !== "boolean") return "tls_verify_host is not true or false";
  if (defaultCa !== null && typeof defaultCa !== "boolean") return "tls_default_ca is not true or false";
  const protocols = options.get("tls_protocols");
  const versions = protocols === null ? null : tlsVersions(protocols);
  if (versions === undefined) return "tls_protocols leaves no version that there is, such as TLSv1.2";
  const choice = { serverName, verifyHost, defaultCa, versions };
  return Object.values(choice).every((value) => value === null) ? null : choice;
}

/** true is the host's own name, as without the option; false sends none. */
function nameOf(value: Value): TlsChoice["serverName"] | undefined {
  if (value === null || value === true) return null;
  if (value === false) return "";
  return typeof value === "string" && /^[a-z0-9_](?:[a-z0-9._-]{0,252}[a-z0-9])?$/i.test(value)
    ? value
    : undefined;
}
