/** What Try() says of TLS beside its mode, as plain values, or what is wrong with it. Pure. */
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
  const versions = protocols === null ? null : versionsOf(protocols);
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

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

/** "!SSLv2,!TLSv1,!TLSv1.1" or "TLSv1.2,TLSv1.3", separated by commas, colons or spaces; the span of what is left. */
function versionsOf(value: Value): TlsChoice["versions"] | undefined {
  if (typeof value !== "string" || value.length > 200) return undefined;
  const words = value.split(/[\s,:]+/).filter((word) => word !== "");
  const named = words.filter((word) => !/^[!-]/.test(word)).map(canonical);
  const barred = new Set(words.filter((word) => /^[!-]/.test(word)).map((word) => canonical(word.slice(1))));
  const left = VERSIONS.filter((version) => {
    const word = canonical(version);
    // Barring one old version is no wish for another.
    const isMeant = named.length === 0 ? version >= "TLSv1.2" : named.includes(word);
    return isMeant && !barred.has(word);
  });
  const [lowest, highest] = [left[0], left.at(-1)];
  return lowest === undefined || highest === undefined ? undefined : { lowest, highest };
}

/** TLSv1 and TLSv1.0 are the same. */
function canonical(word: string): string {
  return word.toLowerCase().replace(/^\+|\.0$/g, "");
}
