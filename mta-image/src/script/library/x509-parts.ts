/** What node:crypto does not tell of a certificate: version, issuer as bytes, extensions. */
import { Refusal } from "../error.ts";
import { HslArray, type Value } from "../value.ts";
import { type Der, type Extension, readAll, readDer, readExtensions } from "./der.ts";
import { record } from "./subjects.ts";

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

export interface CertificateParts {
  readonly version: number;
  /** DER, to be compared. */
  readonly issuer: Buffer;
  readonly serial: Buffer;
  readonly extensions: readonly Extension[];
}

export function certificateParts(raw: Buffer): CertificateParts {
  const [body] = readAll(readDer(raw).value);
  const fields = readAll(body?.value ?? Buffer.alloc(0));
  const version = fields[0]?.tag === VERSION ? (readDer(fields[0].value).value[0] ?? 0) + 1 : 1;
  const [serial, , issuer] = fields.slice(version === 1 && fields[0]?.tag !== VERSION ? 0 : 1);
  if (serial === undefined || issuer === undefined) throw new Refusal("the certificate cannot be read");
  const found: Der | undefined = fields.find(({ tag }) => tag === EXTENSIONS);
  const extensions = found === undefined ? [] : readExtensions(readDer(found.value));
  return { version, issuer: issuer.raw, serial: serial.value, extensions };
}

/** As RFC 5280 calls them, after 2.5.29. */
const names: Readonly<Record<string, string>> = {
  "9": "subjectDirectoryAttributes",
  "14": "subjectKeyIdentifier",
  "15": "keyUsage",
  "17": "subjectAltName",
  "18": "issuerAltName",
  "19": "basicConstraints",
  "20": "crlNumber",
  "30": "nameConstraints",
  "31": "crlDistributionPoints",
  "32": "certificatePolicies",
  "33": "policyMappings",
  "35": "authorityKeyIdentifier",
  "36": "policyConstraints",
  "37": "extendedKeyUsage",
};

/** By object identifier; a name only where RFC 5280 has one. */
export function extensionArray(extensions: readonly Extension[]): HslArray {
  const entries = extensions.map(({ id, critical, value }): readonly [string, Value] => [
    id,
    record({
      oid: id,
      name: (id.startsWith("2.5.29.") ? names[id.slice(7)] : undefined) ?? null,
      critical,
      value: value.toString("latin1"),
    }),
  ]);
  return HslArray.from(entries);
}
