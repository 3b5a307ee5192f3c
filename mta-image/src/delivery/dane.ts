/**
 * DANE for SMTP (RFC 7672): which TLSA records can be used, and whether a certificate is one that they name. Pure;
 * hostile records and certificates are judged, never thrown at.
 */
import { type X509Certificate, createHash } from "node:crypto";

export interface TlsaRecord {
  /** 2: an authority of the domain's own (DANE-TA); 3: the host's certificate itself (DANE-EE). */
  readonly usage: number;
  /** 0: the whole certificate; 1: its public key. */
  readonly selector: number;
  /** 0: the bytes; 1: their SHA-256; 2: their SHA-512. */
  readonly matching: number;
  readonly data: Buffer;
}

/** A zone with a thousand records is an attack; roll-overs need a handful. */
const MOST_RECORDS = 20;
const MOST_CHAIN = 10;
const HASHES: Readonly<Record<number, { readonly name: string; readonly bytes: number }>> = {
  1: { name: "sha256", bytes: 32 },
  2: { name: "sha512", bytes: 64 },
};

/** Those that SMTP knows (RFC 7672 3.1): the others need authorities that no sender shares. */
export function usableRecords(records: readonly unknown[]): TlsaRecord[] {
  return records.slice(0, MOST_RECORDS).flatMap((record) => {
    const { usage, selector, matchingType, certificate } = (record ?? {}) as Readonly<
      Record<string, unknown>
    >;
    if (usage !== 2 && usage !== 3) return [];
    if ((selector !== 0 && selector !== 1) || typeof matchingType !== "number") return [];
    if (!Buffer.isBuffer(certificate) || certificate.length === 0) return [];
    const hash = HASHES[matchingType];
    if (matchingType !== 0 && certificate.length !== hash?.bytes) return [];
    return [{ usage, selector, matching: matchingType, data: certificate }];
  });
}

/** Null when one of the records names the certificate, else why not. */
export function judgeChain(
  records: readonly TlsaRecord[],
  leaf: X509Certificate | undefined,
  facts: { readonly names: readonly string[]; readonly now: Date },
): string | null {
  if (leaf === undefined) return "no certificate";
  // RFC 7672 3.1.1: with DANE-EE neither names nor dates count.
  if (records.some((record) => record.usage === 3 && fits(record, leaf))) return null;
  const authorities = records.filter(({ usage }) => usage === 2);
  if (authorities.length === 0) return "no TLSA record names the certificate";
  return judgeAuthority(authorities, leaf, facts);
}

/** RFC 7672 3.1.2: a chain to a certificate that a record names, all in date, and one of the names on the leaf. */
function judgeAuthority(
  records: readonly TlsaRecord[],
  leaf: X509Certificate,
  { names, now }: { readonly names: readonly string[]; readonly now: Date },
): string | null {
  if (names.every((name) => leaf.checkHost(name, { subject: "default" }) === undefined))
    return "the certificate is for another name";
  let current = leaf;
  for (let depth = 0; depth < MOST_CHAIN; depth++) {
    if (now < new Date(current.validFrom) || now > new Date(current.validTo))
      return "a certificate is out of date";
    if (depth > 0 && records.some((record) => fits(record, current))) return null;
    const issuer = current.issuerCertificate as X509Certificate | undefined;
    if (issuer === undefined || issuer.fingerprint256 === current.fingerprint256) break;
    if (!issuer.ca || !current.checkIssued(issuer) || !current.verify(issuer.publicKey))
      return "the chain of certificates is broken";
    current = issuer;
  }
  return "no TLSA record names the certificate or its authorities";
}

function fits({ selector, matching, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const bytes =
    selector === 0 ? certificate.raw : certificate.publicKey.export({ type: "spki", format: "der" });
  const hash = HASHES[matching];
  return (hash === undefined ? bytes : createHash(hash.name).update(bytes).digest()).equals(data);
}
