/**
 * What secures the way between the operator and the engines of one cluster: a bearer token, and a certificate with an
 * authority made for it alone. The authority's key signs once and is then forgotten, so nobody can ever sign another.
 * `renewed` answers the same object while nothing is due. When two thirds of the certificate's life are over, or its
 * name or usages are others, authority and certificate are made anew; the authority before stays trusted beside the new
 * one, since pods see a changed Secret only after a minute or so. The token is kept.
 */
import { randomBytes, X509Certificate } from "node:crypto";

import type * as X509 from "@peculiar/x509";

import type { AdminMaterial } from "#operator/desired/admin-secret.ts";

const DAY_MS = 86_400_000;
const LIFE_DAYS = 365;
/** Clocks of nodes may lag. */
const BACKDATE_MS = 3_600_000;
/** An engine answers with it and, handing over mail to another engine, asks with it: server and client (RFC 5280 4.2.1.12). */
const USAGES = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"] as const;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** `before` null, or what cannot be read in it, is made new. */
export async function renewed(
  before: AdminMaterial | null,
  options: { readonly serverName: string; readonly now: number },
): Promise<AdminMaterial> {
  const { now, serverName } = options;
  const present = before === null ? null : firstOf(before.cert);
  if (before !== null && present !== null && isGood(present, options)) return before;
  const fresh = await makePair({ serverName, now });
  const previous = before === null ? null : firstOf(before.ca);
  const overlap = previous === null || previous.validToDate.getTime() < now ? "" : previous.toString();
  const token = before?.token ?? randomBytes(32).toString("base64url");
  return Object.freeze({ token, ca: `${fresh.ca}${overlap}`, cert: fresh.cert, key: fresh.key });
}

/** By the platform: read with the library that makes them, certificates took an eighth to a quarter of the processor time. */
function isGood(
  certificate: X509Certificate,
  { serverName, now }: { readonly serverName: string; readonly now: number },
): boolean {
  const names = (certificate.subjectAltName ?? "").split(", ");
  // Certificates of earlier versions were for answering only.
  const isForBothSides = USAGES.every((usage) => certificate.keyUsage?.includes(usage));
  return !isDue(certificate, now) && names.includes(`DNS:${serverName}`) && isForBothSides;
}

async function makePair({
  serverName,
  now,
}: {
  readonly serverName: string;
  readonly now: number;
}): Promise<{ ca: string; cert: string; key: string }> {
  // Loaded when one is made, after the polyfill that its container library asks for.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const validity = {
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + LIFE_DAYS * DAY_MS),
  };
  const signer = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    // A name of its own, so that a chain is never tried against the wrong one of two authorities.
    name: `CN=Mailfleet engines ${randomBytes(4).toString("hex")}`,
    ...validity,
    signingAlgorithm: ALGORITHM,
    keys: signer,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(signer.publicKey),
    ],
  });
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: "CN=mailfleet-engine",
    issuer: authority.subject,
    ...validity,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([...USAGES]),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: serverName }]),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    ca: `${pem(authority)}\n`,
    cert: `${pem(certificate)}\n`,
    key: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}

function isDue({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return now >= from + ((to - from) * 2) / 3;
}

function firstOf(text: string): X509Certificate | null {
  try {
    return new X509Certificate(text);
  } catch {
    return null;
  }
}

function pem(certificate: X509.X509Certificate): string {
  return certificate.toString("pem");
}

/** Positive and unique. */
function serial(): string {
  return `01${randomBytes(15).toString("hex")}`;
}
