/** The option `tls_protocols`, as the span of versions that it leaves. Pure. */
import type { Value } from "../value.ts";

export interface TlsVersions {
  readonly lowest: TlsVersion;
  readonly highest: TlsVersion;
}

type TlsVersion = (typeof VERSIONS)[number];

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

/** "!SSLv2,!TLSv1,!TLSv1.1" or "TLSv1.2,TLSv1.3", separated by commas, colons or spaces; the span of what is left. */
export function tlsVersions(value: Value): TlsVersions | undefined {
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
