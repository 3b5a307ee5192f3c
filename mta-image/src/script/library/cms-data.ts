/**
 * CMS (RFC 5652), as S/MIME uses it: signed data and enveloped data to bytes and back, over node:crypto. Digests are SHA-2,
 * keys are RSA, for signatures also elliptic curves; contents are encrypted by AES in CBC mode. Throws a Refusal for what
 * cannot be read or is not supported, so whoever calls turns that into a result.
 */
import {
  type KeyObject,
  type X509Certificate,
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from "node:crypto";

import { Refusal } from "../error.ts";
import { type Der, SET, objectId, octetsOf, readAll, readDer, write } from "./der.ts";
import { certificateParts } from "./x509-parts.ts";

const DATA = "1.2.840.113549.1.7.1";
const SIGNED = "1.2.840.113549.1.7.2";
const ENVELOPED = "1.2.840.113549.1.7.3";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_TIME = "1.2.840.113549.1.9.5";
const RSA = "1.2.840.113549.1.1.1";
const RSA_OAEP = "1.2.840.113549.1.1.7";
const ECDSA_SHA256 = "1.2.840.10045.4.3.2";
const AES_256 = "2.16.840.1.101.3.4.1.42";

const digests: Readonly<Record<string, string>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};
const ciphers: Readonly<Record<string, string>> = {
  "2.16.840.1.101.3.4.1.2": "aes-128-cbc",
  "2.16.840.1.101.3.4.1.22": "aes-192-cbc",
  [AES_256]: "aes-256-cbc",
  "1.2.840.113549.3.7": "des-ede3-cbc",
};

export type CmsType = "signed" | "enveloped";

/** Null for other bytes. */
export function cmsType(bytes: Buffer): CmsType | null {
  try {
    const [type] = readAll(readDer(bytes).value);
    const id = type === undefined ? "" : objectId(type);
    return id === SIGNED ? "signed" : id === ENVELOPED ? "enveloped" : null;
  } catch {
    return null;
  }
}

function contentOf(bytes: Buffer, wanted: string): Der[] {
  const [type, content] = readAll(readDer(bytes).value);
  if (type === undefined || content === undefined || objectId(type) !== wanted)
    throw new Refusal("this is not the CMS that is wanted");
  return readAll(readDer(content.value).value);
}

function contentInfo(type: string, content: Buffer): Buffer {
  return write.sequence(write.objectId(type), write.tagged(0, content));
}

/** Issuer and serial number, which name a certificate. */
function nameOf(certificate: X509Certificate): Buffer {
  const { issuer, serial } = certificateParts(certificate.raw);
  return write.sequence(issuer, Buffer.concat([Buffer.of(0x02, serial.length), serial]));
}

export interface Signer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  readonly chain: readonly X509Certificate[];
}

export function signData(
  data: Buffer,
  { certificate, key, chain }: Signer,
  options: { readonly isDetached: boolean; readonly digest: string; readonly seconds: number },
): Buffer {
  const { isDetached, digest, seconds } = options;
  const digestId = Object.keys(digests).find((id) => digests[id] === digest);
  if (digestId === undefined) throw new Refusal(`there is no digest ${digest} for CMS`);
  const algorithm = write.sequence(write.objectId(digestId), write.nothing);
  const attribute = (id: string, value: Buffer): Buffer =>
    write.sequence(write.objectId(id), write.set(value));
  const attributes = write.set(
    attribute(CONTENT_TYPE, write.objectId(DATA)),
    attribute(SIGNING_TIME, write.time(seconds)),
    attribute(MESSAGE_DIGEST, write.octets(createHash(digest).update(data).digest())),
  );
  const info = write.sequence(
    write.integer(1),
    nameOf(certificate),
    algorithm,
    Buffer.concat([Buffer.of(0xa0), attributes.subarray(1)]),
    signatureAlgorithm(key, digest),
    write.octets(sign(digest, attributes, key)),
  );
  const certificates = write.tagged(0, ...[certificate, ...chain].map(({ raw }) => raw));
  const content = isDetached ? [] : [write.tagged(0, write.octets(data))];
  const inner = write.sequence(write.objectId(DATA), ...content);
  return contentInfo(
    SIGNED,
    write.sequence(write.integer(1), write.set(algorithm), inner, certificates, write.set(info)),
  );
}

function signatureAlgorithm({ asymmetricKeyType }: KeyObject, digest: string): Buffer {
  if (asymmetricKeyType === "rsa") return write.sequence(write.objectId(RSA), write.nothing);
  if (asymmetricKeyType === "ec" && digest === "sha256") return write.sequence(write.objectId(ECDSA_SHA256));
  throw new Refusal("this key cannot sign CMS");
}

export interface SignedContent {
  /** Null when the signature stands apart from what it signs. */
  readonly data: Buffer | null;
  /** Certificates that came with it, as DER. */
  readonly certificates: readonly Buffer[];
  readonly infos: readonly SignerInfo[];
}

interface SignerInfo {
  readonly name: Buffer;
  readonly digest: string;
  readonly attributes: Der | null;
  readonly signature: Buffer;
}

export function readSigned(bytes: Buffer): SignedContent {
  const [, , inner, ...rest] = contentOf(bytes, SIGNED);
  const infos = rest.at(-1);
  if (inner === undefined || infos?.tag !== SET) throw new Refusal("the signature cannot be read");
  const [, content] = readAll(inner.value);
  const certificates = rest.find(({ tag }) => tag === 0xa0);
  return {
    data: content === undefined ? null : octetsOf(readDer(content.value)),
    certificates: certificates === undefined ? [] : readAll(certificates.value).map(({ raw }) => raw),
    infos: readAll(infos.value).map(signerInfo),
  };
}

function signerInfo({ value }: Der): SignerInfo {
  const [, name, digest, ...rest] = readAll(value);
  const [digestId] = digest === undefined ? [] : readAll(digest.value);
  const signature = rest.find(({ tag }) => (tag & 0x1f) === 0x04 && tag !== 0xa4);
  if (name === undefined || digestId === undefined || signature === undefined)
    throw new Refusal("a signature cannot be read");
  const known = digests[objectId(digestId)];
  if (known === undefined) throw new Refusal("a signature has an unknown digest");
  const attributes = rest.find(({ tag }) => tag === 0xa0) ?? null;
  return { name: name.raw, digest: known, attributes, signature: octetsOf(signature) };
}

/** The certificate that the signature names, when it fits; null otherwise. */
export function signerOf(
  info: SignerInfo,
  data: Buffer,
  certificates: readonly X509Certificate[],
): X509Certificate | null {
  const certificate = certificates.find((one) => nameOf(one).equals(info.name));
  if (certificate === undefined) return null;
  const { attributes, digest, signature } = info;
  if (attributes === null) return verify(digest, data, certificate.publicKey, signature) ? certificate : null;
  const hash = createHash(digest).update(data).digest();
  if (!digestOf(attributes)?.equals(hash)) return null;
  const signed = Buffer.concat([Buffer.of(SET), attributes.raw.subarray(1)]);
  return verify(digest, signed, certificate.publicKey, signature) ? certificate : null;
}

function digestOf(attributes: Der): Buffer | null {
  for (const { value } of readAll(attributes.value)) {
    const [id, values] = readAll(value);
    if (id !== undefined && values !== undefined && objectId(id) === MESSAGE_DIGEST)
      return octetsOf(readDer(values.value));
  }
  return null;
}

export function envelop(data: Buffer, recipients: readonly X509Certificate[]): Buffer {
  const [secret, iv] = [randomBytes(32), randomBytes(16)];
  const infos = recipients.map((certificate) => {
    if (certificate.publicKey.asymmetricKeyType !== "rsa") throw new Refusal("a recipient's key is not RSA");
    const key = publicEncrypt({ key: certificate.publicKey, padding: constants.RSA_PKCS1_PADDING }, secret);
    const algorithm = write.sequence(write.objectId(RSA), write.nothing);
    return write.sequence(write.integer(0), nameOf(certificate), algorithm, write.octets(key));
  });
  const cipher = createCipheriv("aes-256-cbc", secret, iv);
  const encrypted = Buffer.concat([cipher.update(data), cipher.final()]);
  const content = write.sequence(
    write.objectId(DATA),
    write.sequence(write.objectId(AES_256), write.octets(iv)),
    write.plainTagged(0, encrypted),
  );
  return contentInfo(ENVELOPED, write.sequence(write.integer(0), write.set(...infos), content));
}

export function openEnvelope(bytes: Buffer, { certificate, key }: Omit<Signer, "chain">): Buffer {
  const fields = contentOf(bytes, ENVELOPED);
  const infos = fields.find(({ tag }) => tag === SET);
  const [, algorithm, encrypted] = readAll(
    fields[fields.findIndex(({ tag }) => tag === SET) + 1]?.value ?? Buffer.alloc(0),
  );
  if (infos === undefined || algorithm === undefined || encrypted === undefined)
    throw new Refusal("the envelope cannot be read");
  const mine = readAll(infos.value)
    .map(({ value }) => readAll(value))
    .find(([, name]) => name?.raw.equals(nameOf(certificate)));
  const [, , how, secret] = mine ?? [];
  if (how === undefined || secret === undefined)
    throw new Refusal("the envelope is not for this certificate");
  const [cipherId, iv] = readAll(algorithm.value);
  const cipher = cipherId === undefined ? undefined : ciphers[objectId(cipherId)];
  if (cipher === undefined || iv === undefined) throw new Refusal("the envelope has an unknown cipher");
  const opened = createDecipheriv(cipher, openKey(key, how, octetsOf(secret)), octetsOf(iv));
  return Buffer.concat([opened.update(octetsOf(encrypted)), opened.final()]);
}

function openKey(key: KeyObject, how: Der, secret: Buffer): Buffer {
  const [id] = readAll(how.value);
  const isOaep = id !== undefined && objectId(id) === RSA_OAEP;
  const padding = isOaep ? constants.RSA_PKCS1_OAEP_PADDING : constants.RSA_PKCS1_PADDING;
  return privateDecrypt({ key, padding }, secret);
}
